//! Transactions that were sent before, for those who send them again.

use std::collections::VecDeque;
use std::rc::Rc;

use tetrarch_types::Transaction;

use crate::rng::Rng;

/// Of the first ones: executed long ago when the run is over.
const FIRST: usize = 16;

/// Of the latest ones: many of them are not executed yet.
const LATEST: usize = 64;

/// What everybody could hear on the network.
#[derive(Default)]
pub struct Past {
    first: Vec<Rc<Transaction>>,
    latest: VecDeque<Rc<Transaction>>,
}

impl Past {
    /// A transaction was sent.
    pub fn note(&mut self, transaction: &Rc<Transaction>) {
        if self.first.len() < FIRST {
            self.first.push(transaction.clone());
        }
        self.latest.push_back(transaction.clone());
        if self.latest.len() > LATEST {
            self.latest.pop_front();
        }
    }

    /// One of the first.
    pub fn old(&self, rng: &mut Rng) -> Option<Rc<Transaction>> {
        self.first.get(rng.index(self.first.len())).cloned()
    }

    /// One of the latest.
    pub fn recent(&self, rng: &mut Rng) -> Option<Rc<Transaction>> {
        self.latest.get(rng.index(self.latest.len())).cloned()
    }
}
