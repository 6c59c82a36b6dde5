//! Durable first (law 1): what makes a promise leaves a replica only when the record that keeps it is durable.

use std::collections::BTreeSet;

use tetrarch_crypto::Digest;
use tetrarch_replica::Record;
use tetrarch_types::{Message, Payload, ReplicaId, SeqNum, TentativeResults, View};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// What a record keeps, and what a message promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Promise {
    /// As primary, a batch at a number.
    Proposed(View, SeqNum, Digest),
    /// As backup, or as primary of what a view started with.
    Accepted(View, SeqNum, Digest),
    /// Prepared.
    Prepared(View, SeqNum, Digest),
    /// Nothing below this view any more.
    Moved(View),
    /// This view starts in one way only.
    Started(View),
}

/// See the module.
#[derive(Default)]
pub(super) struct DurableFirst(BTreeSet<(ReplicaId, Promise)>);

impl Oracle for DurableFirst {
    fn name(&self) -> &'static str {
        "durable-first"
    }

    fn outlives_f(&self) -> bool {
        true
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            Sight::Forgot { by, .. } => {
                // A NEW-VIEW that it sent before may come back to it, and be passed on.
                self.0.retain(|(of, promise)| of != by || matches!(promise, Promise::Started(_)));
                Ok(())
            }
            Sight::Recorded { by, record } => {
                self.0.extend(kept(record).map(|promise| (*by, promise)));
                Ok(())
            }
            Sight::Sent { by, message } if message.open().signer() == *by => match made(message.open()) {
                Some(promise) => ensure(self.0.contains(&(*by, promise)), || {
                    format!("{:?} left replica {by} before its record was durable: {promise:?}", message.open().kind())
                }),
                None => Ok(()),
            },
            Sight::ToldEarly { by, results: TentativeResults { view, seq, .. } } => {
                let is_kept = |kept: &(ReplicaId, Promise)| matches!(kept, (of, Promise::Prepared(in_view, at, _)) if (of, in_view, at) == (by, view, seq));
                ensure(self.0.iter().any(is_kept), || {
                    format!(
                        "replica {by} tells what batch {seq} comes to, and no durable record has it prepared in view {view}"
                    )
                })
            }
            _ => Ok(()),
        }
    }
}

fn kept(record: &Record) -> Option<Promise> {
    match record {
        Record::Proposed { view, seq, batch, .. } => Some(Promise::Proposed(*view, *seq, batch.digest())),
        Record::Accepted { view, seq, batch, .. } | Record::Drafted { view, seq, batch, .. } => {
            Some(Promise::Accepted(*view, *seq, batch.digest()))
        }
        Record::Prepared(it) => Some(Promise::Prepared(it.view, it.seq, it.digest)),
        Record::ViewChanging { view } => Some(Promise::Moved(*view)),
        Record::Starting(Payload::NewView { view, .. }) => Some(Promise::Started(*view)),
        Record::Starting(_) | Record::Entered(_) | Record::Stable(_) | Record::Lost | Record::Cured => None,
    }
}

fn made(message: &Message) -> Option<Promise> {
    match message {
        Message::PrePrepare(proposal) => {
            let it = proposal.pre_prepare.payload;
            Some(Promise::Proposed(it.view, it.seq, it.digest))
        }
        Message::Prepare(signed) => {
            let it = signed.payload;
            Some(Promise::Accepted(it.view, it.seq, it.digest))
        }
        Message::Commit(signed) => {
            let it = signed.payload;
            Some(Promise::Prepared(it.view, it.seq, it.digest))
        }
        Message::ViewChange(signed) => Some(Promise::Moved(signed.payload.view)),
        Message::NewView(signed) => Some(Promise::Started(signed.payload.view)),
        Message::Checkpoint(_) | Message::Status(_) | Message::Fetch(_) | Message::Supply(_) => None,
    }
}
