//! The executed state in the simplest form: which transactions took effect, what is waited for, and what recovery asks of it.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_crypto::{Digest, Domain, PublicKey};
use tetrarch_types::{Applied, CommittedBatch, Sender, SeqNum, Timestamp, TransactionId, View};

/// Checkpoints whose roots are remembered.
const KEPT_CHECKPOINTS: usize = 4;

/// A command that begins with this asks the machine to wait (rule T-3).
pub(crate) const WAIT: u8 = b'w';

/// A command of so many of these, less one, asks the primary of the view of that number to give way (rule V-10).
pub(crate) const MOVE: u8 = b'm';

/// So long, in agreed time.
const WAITED: Duration = Duration::from_millis(500);

#[derive(Clone, Debug, Default)]
pub(crate) struct Machine {
    pub(crate) executed: SeqNum,
    pub(crate) root: Digest,
    /// The transactions that took effect, in order.
    pub(crate) done: Vec<TransactionId>,
    agreed_time: Timestamp,
    pub(crate) alarm: Option<Timestamp>,
    /// The view that the last batch asked replicas to leave.
    pub(crate) leaves: Option<View>,
    senders: BTreeMap<PublicKey, Sender>,
    checkpoints: Vec<(SeqNum, Digest)>,
}

impl Machine {
    /// Executes the next batch, skipping spent nonces (rule R-2); the root, if a checkpoint is due.
    pub(crate) fn execute(&mut self, committed: &CommittedBatch, interval: u64) -> Option<Digest> {
        assert_eq!(committed.seq, self.executed.next(), "batches are executed in order, each once");
        self.executed = committed.seq;
        self.agreed_time = self.agreed_time.max(committed.batch.timestamp);
        self.alarm = self.alarm.filter(|alarm| *alarm > self.agreed_time);
        self.leaves = None;
        for transaction in &committed.transactions {
            let sender = self.senders.entry(transaction.body.sender).or_default();
            if sender.nonces.spend(transaction.body.nonce) {
                sender.last_used = self.agreed_time;
                self.done.push(transaction.id());
                self.carry_out(&transaction.body.command);
            }
        }
        if !committed.batch.is_noop() {
            self.forget_idle();
        }
        self.root = Digest::of(Domain::StateRoot, &[self.root.as_bytes(), committed.batch.digest().as_bytes()]);
        let due = committed.seq.is_multiple_of(interval);
        if due {
            self.checkpoints.push((committed.seq, self.root));
            let excess = self.checkpoints.len().saturating_sub(KEPT_CHECKPOINTS);
            self.checkpoints.drain(..excess);
        }
        due.then_some(self.root)
    }

    /// Rule R-3, for fewer senders than a batch forgets at most.
    fn forget_idle(&mut self) {
        let due = Sender::due_before(self.agreed_time);
        self.senders.retain(|_, sender| sender.idle_since() >= due);
    }

    fn carry_out(&mut self, command: &[u8]) {
        match command {
            [WAIT, ..] => self.alarm = Some(self.agreed_time.plus(WAITED)),
            [MOVE, further @ ..] => self.leaves = Some(View::new(further.len() as u64)),
            _ => {}
        }
    }

    pub(crate) fn applied(&self) -> Applied {
        Applied {
            executed: self.executed,
            agreed_time: self.agreed_time,
            alarm: self.alarm,
            senders: self.senders.iter().map(|(key, sender)| (*key, sender.clone())).collect(),
            damaged: false,
            checkpoints: self.checkpoints.clone(),
        }
    }
}
