//! What a quorum would answer to whoever reads (rule X-4): nothing from before what a client was told.
//!
//! Simulated clients do not read. That is no loss: whether any quorum could answer too little follows from where the replicas stand.

use tetrarch_types::SeqNum;

use super::World;

/// The oracle's name.
pub(super) const READS: &str = "reads";

impl World {
    /// Judges it where a replica has come to stand elsewhere.
    pub(super) fn judge_reads_of(&mut self, index: usize) {
        if self.is_behind_for_readers(index, self.highest) {
            self.judge_reads();
        }
    }

    /// Those who would answer with less than a client was told are fewer than a quorum, even with f liars.
    pub(super) fn judge_reads(&mut self) {
        if !self.judges_reads {
            return;
        }
        let behind: Vec<usize> = self.honest().filter(|node| self.is_behind_for_readers(*node, self.highest)).collect();
        if behind.len() + self.rules.f() >= self.rules.quorum() {
            let (told, f) = (self.highest, self.rules.f());
            let what = format!(
                "a client was told of batch {told}, and replicas {behind:?}, with {f} liars, answer without it"
            );
            self.fail(READS, what);
        }
    }

    /// Whether this replica, as far as it is none of the faulty ones, answers from a state without that batch.
    fn is_behind_for_readers(&self, index: usize, told: SeqNum) -> bool {
        let is_faulty = !self.is_honest(index) || self.harms.forgetful.contains(&index);
        let answers =
            self.nodes[index].running.as_ref().filter(|_| !is_faulty).and_then(|running| running.answers_from());
        answers.is_some_and(|answers| answers < told)
    }
}
