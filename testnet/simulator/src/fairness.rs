//! How fairly requests were ordered: reported, not judged. A primary may order as it likes, as long as nobody waits for ever (rule V-2).

use std::collections::BTreeMap;

use tetrarch_types::{CommittedBatch, SeqNum, TransactionId};

use crate::counters::Counters;

const ORDERED: &str = "ordered";

/// What is counted by how many later requests overtook one.
const OVERTAKEN: [(&str, usize); 3] =
    [("overtaken-by-more-than-0", 0), ("overtaken-by-more-than-8", 8), ("overtaken-by-more-than-64", 64)];

/// The honest clients' requests as they were asked and as they were ordered.
#[derive(Default)]
pub struct Fairness {
    asked: BTreeMap<TransactionId, usize>,
    ordered: BTreeMap<SeqNum, Vec<TransactionId>>,
}

impl Fairness {
    /// A client asks.
    pub fn ask(&mut self, id: TransactionId) {
        let turn = self.asked.len();
        self.asked.entry(id).or_insert(turn);
    }

    /// A batch is decided; any replica may say so.
    pub fn order(&mut self, batch: &CommittedBatch) {
        self.ordered.entry(batch.seq).or_insert_with(|| batch.batch.transactions.clone());
    }

    /// How many requests were ordered, and how many of them behind more than so many that were asked later.
    pub fn figures(&self) -> Counters {
        let mut figures = Counters::from([(ORDERED, 0)]);
        figures.extend(OVERTAKEN.map(|(name, _)| (name, 0)));
        // The turns of those ordered so far, ascending.
        let mut before: Vec<usize> = Vec::new();
        for turn in self.ordered.values().flatten().filter_map(|id| self.asked.get(id)) {
            let Err(place) = before.binary_search(turn) else { continue };
            let overtaken_by = before.len() - place;
            before.insert(place, *turn);
            *figures.entry(ORDERED).or_default() += 1;
            for (name, _) in OVERTAKEN.into_iter().filter(|(_, more_than)| overtaken_by > *more_than) {
                *figures.entry(name).or_default() += 1;
            }
        }
        figures
    }
}
