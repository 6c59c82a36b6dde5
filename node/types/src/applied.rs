//! What execution tells a recovering replica.

use tetrarch_crypto::{Digest, PublicKey};

use crate::{Sender, SeqNum, Timestamp};

/// The part of the executed state that agreement needs to know: how far it is, and which nonces are spent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The last sequence number executed.
    pub executed: SeqNum,
    /// Agreed time after it.
    pub agreed_time: Timestamp,
    /// The agreed time that the machine waits for (rule T-3).
    pub alarm: Option<Timestamp>,
    /// Every remembered sender's nonces.
    pub senders: Vec<(PublicKey, Sender)>,
    /// The state here is that of no batch: it was found damaged, or is being replaced. Nothing may execute on it, and `executed` and
    /// what follows from it means nothing, until a whole state is installed.
    pub damaged: bool,
    /// State roots at the most recent checkpoints, ascending. They are signed again after a restart if not stable yet.
    pub checkpoints: Vec<(SeqNum, Digest)>,
}
