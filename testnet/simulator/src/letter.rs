//! A signed message on its way to several recipients, judged once for all of them.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use tetrarch_crypto::Signature;
use tetrarch_types::{Message, Verified};

use crate::chain::Chain;

/// A message that many may receive.
#[derive(Debug)]
pub struct Letter {
    message: Arc<Message>,
    /// What every node's verifier says of it: the same, since they share membership and scheme.
    verdict: OnceCell<Option<Verified<Message>>>,
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
    pub fn verified(&self, chain: &Chain) -> Option<Verified<Message>> {
        self.verdict.get_or_init(|| chain.verifier.message(self.message.as_ref().clone()).ok()).clone()
    }

    /// What a node gets of it, if its verifier lets it through. The last node to get it gets it as it is; every other one a copy.
    pub fn deliver(self: Rc<Self>, chain: &Chain) -> Option<Verified<Message>> {
        self.verified(chain)?;
        match Rc::try_unwrap(self) {
            Ok(letter) => letter.verdict.into_inner()?,
            Err(shared) => shared.verified(chain),
        }
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
