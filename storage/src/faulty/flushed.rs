//! What has left the log: tables, and the latest writes, which are put into them only when somebody asks for them.
//!
//! Nobody reads what was flushed before a crash, and most stores never crash.

use super::log::Logged;
use crate::tables::Tables;

/// Writes that wait at most before they are put into the tables.
const WAITING: usize = 1_024;

/// See the module.
#[derive(Default, Debug)]
pub(super) struct Flushed {
    tables: Tables,
    /// Oldest first.
    waiting: Vec<Logged>,
}

impl Flushed {
    /// These tables, and nothing besides.
    pub(super) const fn new(tables: Tables) -> Self {
        Self { tables, waiting: Vec::new() }
    }

    /// Takes the oldest write of the log.
    pub(super) fn take(&mut self, write: Logged) {
        self.waiting.push(write);
        if self.waiting.len() > WAITING {
            self.settle();
        }
    }

    /// The tables with everything in them.
    pub(super) fn settle(&mut self) -> &mut Tables {
        self.waiting.drain(..).for_each(|write| write.apply_to(&mut self.tables));
        &mut self.tables
    }

    /// A copy of the same.
    pub(super) fn image(&self) -> Tables {
        let mut tables = self.tables.clone();
        self.waiting.iter().for_each(|write| write.apply_to(&mut tables));
        tables
    }
}
