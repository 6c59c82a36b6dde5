//! The executed state in its simplest form: a hash over what was executed, and which nonces are spent.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_crypto::{Digest, Domain, PublicKey};
use tetrarch_types::{Applied, CheckpointCertificate, CommittedBatch, Sender, SeqNum, Timestamp, View};

use crate::chain::INTERVAL;

/// Checkpoints whose roots are remembered.
const KEPT: usize = 4;

#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub(crate) executed: SeqNum,
    root: Digest,
    agreed_time: Timestamp,
    senders: BTreeMap<PublicKey, Sender>,
    checkpoints: Vec<(SeqNum, Digest)>,
}

impl Machine {
    /// The state that a certificate names.
    pub(crate) fn of(certificate: &CheckpointCertificate) -> Self {
        let (executed, root) = (certificate.seq, certificate.state_root);
        Self { executed, root, checkpoints: vec![(executed, root)], ..Self::default() }
    }

    /// Executes the next batch; the root, if a checkpoint is due.
    pub(crate) fn execute(&mut self, committed: &CommittedBatch) -> Option<Digest> {
        assert_eq!(committed.seq, self.executed.next(), "batches are executed in order, each once");
        self.executed = committed.seq;
        self.agreed_time = self.agreed_time.max(committed.batch.timestamp);
        for transaction in &committed.transactions {
            let sender = self.senders.entry(transaction.body.sender).or_default();
            if sender.nonces.spend(transaction.body.nonce) {
                sender.last_used = self.agreed_time;
            }
        }
        self.root = Digest::of(Domain::StateRoot, &[self.root.as_bytes(), committed.batch.digest().as_bytes()]);
        let is_due = self.executed.get().is_multiple_of(INTERVAL);
        if is_due {
            self.checkpoints.push((self.executed, self.root));
            let excess = self.checkpoints.len().saturating_sub(KEPT);
            self.checkpoints.drain(..excess);
        }
        is_due.then_some(self.root)
    }

    /// What it waits for (rule T-3): at every third number, a second.
    pub(crate) fn alarm(&self) -> Option<Timestamp> {
        self.executed.get().is_multiple_of(3).then(|| self.agreed_time.plus(Duration::from_secs(1)))
    }

    /// The view that it wants left by the last batch (rule V-10): at every seventh number the next one.
    pub(crate) fn leaves(&self) -> Option<View> {
        let (turn, rest) = (self.executed.get() / 7, self.executed.get() % 7);
        turn.checked_sub(1).filter(|_| rest == 0).map(View::new)
    }

    /// The root at a checkpoint, if it is remembered.
    pub(crate) fn root_at(&self, seq: SeqNum) -> Option<Digest> {
        self.checkpoints.iter().find(|(at, _)| *at == seq).map(|(_, root)| *root)
    }

    pub(crate) fn applied(&self, damaged: bool) -> Applied {
        Applied {
            executed: self.executed,
            agreed_time: self.agreed_time,
            alarm: self.alarm(),
            senders: self.senders.iter().map(|(key, sender)| (*key, sender.clone())).collect(),
            damaged,
            checkpoints: self.checkpoints.clone(),
        }
    }
}
