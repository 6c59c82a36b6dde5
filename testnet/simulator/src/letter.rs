//! A signed message on its way to several recipients, judged once for all of them.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use tetrarch_crypto::Signature;
use tetrarch_types::{Message, Rejection, Verified};

use crate::chain::Chain;

/// A message that many may receive.
#[derive(Debug)]
pub struct Letter {
    message: Arc<Message>,
    /// What every node's verifier says of it: the same, since they share membership and scheme.
    verdict: OnceCell<Result<Verified<Message>, Rejection>>,
}

impl Letter {
    /// Seals a message.
    pub fn new(message: impl Into<Arc<Message>>) -> Rc<Self> {
        Rc::new(Self { message: message.into(), verdict: OnceCell::new() })
    }

    /// What it says.
    pub fn open(&self) -> &Message {
        &self.message
    }

    /// The same, to be shared.
    pub const fn share(&self) -> &Arc<Message> {
        &self.message
    }

    /// What a node gets of it, if its verifier lets it through.
    ///
    /// # Errors
    /// Why it does not.
    pub fn verified(&self, chain: &Chain) -> Result<Verified<Message>, Rejection> {
        self.verdict.get_or_init(|| chain.verifier.message(self.message.as_ref().clone())).clone()
    }

    /// The same, without a copy for the last node to get it.
    ///
    /// # Errors
    /// Why it does not.
    pub fn deliver(self: Rc<Self>, chain: &Chain) -> Result<Verified<Message>, Rejection> {
        let Self { message, verdict } = match Rc::try_unwrap(self) {
            Ok(letter) => letter,
            Err(shared) => return shared.verified(chain),
        };
        verdict.into_inner().unwrap_or_else(|| chain.verifier.message(Arc::unwrap_or_clone(message)))
    }

    /// The signature, which tells it from every other message.
    pub fn signature(&self) -> &Signature {
        match self.open() {
            Message::PrePrepare(proposal) => &proposal.pre_prepare.signature,
            Message::Prepare(signed) => &signed.signature,
            Message::Commit(signed) => &signed.signature,
            Message::Checkpoint(signed) => &signed.signature,
            Message::ViewChange(signed) => &signed.signature,
            Message::NewView(signed) => &signed.signature,
            Message::Status(signed) => &signed.signature,
            Message::Fetch(signed) => &signed.signature,
            Message::Supply(signed) => &signed.signature,
        }
    }
}
