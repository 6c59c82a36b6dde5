//! What is signed, put together a second time from `specs/wire.md`. Were production code to sign other bytes than it should, both of
//! its sides would agree; what it signed does not hold here.

use serde::Serialize;
use tetrarch_crypto::Scope;
use tetrarch_types::{
    Checkpoint, Commit, NewView, PrePrepare, Prepare, Results, TentativeResults, TransactionBody, ViewChange, encode,
};

/// Something that somebody signs, and the domain that it is signed in.
pub trait Statement: Serialize {
    /// The domain's tag.
    const TAG: &'static str;

    /// The bytes under the signature: length and text of the tag, the chain, the epoch, the statement.
    fn signed_bytes(&self, scope: &Scope) -> Vec<u8> {
        let length = (Self::TAG.len() as u64).to_le_bytes();
        let chain = scope.genesis.as_bytes().as_slice();
        [length.as_slice(), Self::TAG.as_bytes(), chain, &scope.epoch.to_le_bytes(), &encode(self)].concat()
    }
}

macro_rules! statements {
    ($($kind:ty => $tag:literal,)+) => {
        $(impl Statement for $kind {
            const TAG: &'static str = concat!("tetrarch/1/", $tag);
        })+
    };
}

statements! {
    TransactionBody => "transaction",
    PrePrepare => "pre-prepare",
    Prepare => "prepare",
    Commit => "commit",
    Checkpoint => "checkpoint",
    ViewChange => "view-change",
    NewView => "new-view",
    Results => "results",
    TentativeResults => "tentative-results",
}
