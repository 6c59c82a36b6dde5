//! What is said to whom, and when.

use std::sync::Arc;
use std::time::Duration;

use tetrarch_types::{Message, ReplicaId};

/// One message to one recipient.
#[derive(Clone, Debug)]
pub struct Word {
    /// To whom.
    pub to: ReplicaId,
    /// What. Clones share it: whoever compares pointers sees what a liar left as it was.
    pub message: Arc<Message>,
    /// How much later than an honest replica would have said it.
    pub after: Duration,
}

impl Word {
    /// Said at once.
    pub const fn new(to: ReplicaId, message: Arc<Message>) -> Self {
        Self { to, message, after: Duration::ZERO }
    }

    /// Another message to the same recipient at the same moment.
    pub(crate) fn instead(&self, message: impl Into<Arc<Message>>) -> Self {
        Self { to: self.to, message: message.into(), after: self.after }
    }

    /// This word, or the lie in its place if there is one.
    pub(crate) fn or(self, lie: Option<Arc<Message>>) -> Self {
        match lie {
            Some(message) => Self { message, ..self },
            None => self,
        }
    }
}
