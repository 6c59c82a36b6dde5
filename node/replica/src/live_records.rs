//! Which journal entries are still needed: for whoever keeps the journal.

use std::collections::VecDeque;

use tetrarch_types::{Payload, SeqNum, View};

use crate::Record;

/// Where the live records are in the journal.
///
/// ```text
///   … Entered(3)  Accepted 4  Accepted 5  …  Stable 4  Entered(3)  …
///                             ▲ the first slot above the stable checkpoint: what is older may go
/// ```
///
/// Records about a sequence number live until a stable checkpoint covers it. Of records about views, the last NEW-VIEW entered lives,
/// and what was written about moving on from there; of checkpoints, the last stable one; that records were lost, until that is cured. The replica writes the live ones of these
/// anew right before it discards, and reads them before the votes when it recovers (rule D-5): they never hold the journal back.
#[derive(Debug, Default)]
pub struct LiveRecords {
    /// Index and sequence number, ascending by index.
    slots: VecDeque<(u64, SeqNum)>,
    entered: Option<(u64, View)>,
    changing: Option<(u64, View)>,
    starting: Option<(u64, View)>,
    stable: Option<u64>,
    lost: Option<u64>,
}

impl LiveRecords {
    /// A record was written at this index, behind all noted before.
    pub fn note(&mut self, index: u64, record: &Record) {
        if let Some(seq) = record.seq() {
            self.slots.push_back((index, seq));
        }
        match record {
            Record::Entered(new_view) => self.enter(index, new_view.payload.view),
            Record::ViewChanging { view } => self.leave(index, *view),
            Record::Starting(Payload::NewView { view, .. }) => self.starting = Some((index, *view)),
            // Nothing else starts a view; such a record would be kept as one that never begins.
            Record::Starting(_) => self.starting = Some((index, View::new(u64::MAX))),
            Record::Stable(_) => self.stable = Some(index),
            Record::Lost => self.lost = Some(index),
            Record::Cured => self.lost = None,
            Record::Proposed { .. } | Record::Accepted { .. } | Record::Drafted { .. } | Record::Prepared(_) => {}
        }
    }

    /// The first index that is still needed once sequence numbers up to `through` are not; `next` if none is. What lies below it is
    /// forgotten here.
    pub fn discard(&mut self, through: SeqNum, next: u64) -> u64 {
        let slot = self.slots.iter().find(|(_, seq)| *seq > through).map(|(index, _)| *index);
        let views = [self.entered, self.changing, self.starting].into_iter().flatten().map(|(index, _)| index);
        let needed = views.chain(slot).chain(self.stable).chain(self.lost).min().unwrap_or(next);
        let gone = self.slots.partition_point(|(index, _)| *index < needed);
        self.slots.drain(..gone);
        needed
    }

    /// Moving on to a view gives up starting an earlier one.
    fn leave(&mut self, index: u64, view: View) {
        self.changing = Some((index, view));
        self.starting = self.starting.filter(|(_, to)| *to >= view);
    }

    /// Entering a view settles every move to it or to an earlier one.
    fn enter(&mut self, index: u64, view: View) {
        self.entered = Some((index, view));
        let open = |(_, to): &(u64, View)| *to > view;
        self.changing = self.changing.filter(open);
        self.starting = self.starting.filter(open);
    }
}
