//! Messages on their way, and patterns that pick some of them.

use tetrarch_types::{Message, MessageKind, ReplicaId, SeqNum, View};

#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    pub(crate) number: usize,
    pub(crate) from: ReplicaId,
    pub(crate) to: ReplicaId,
    pub(crate) message: Message,
}

/// Picks messages; what is `None` may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) number: Option<usize>,
    pub(crate) kind: Option<MessageKind>,
    pub(crate) from: Option<ReplicaId>,
    pub(crate) to: Option<ReplicaId>,
    pub(crate) view: Option<View>,
    pub(crate) seq: Option<SeqNum>,
}

impl Pattern {
    pub(crate) fn picks(&self, envelope: &Envelope) -> bool {
        let Place { view, seq } = place(&envelope.message);
        self.number.is_none_or(|number| number == envelope.number)
            && self.kind.is_none_or(|kind| kind == envelope.message.kind())
            && self.from.is_none_or(|from| from == envelope.from)
            && self.to.is_none_or(|to| to == envelope.to)
            && (self.view.is_none() || self.view == view)
            && (self.seq.is_none() || self.seq == seq)
    }
}

struct Place {
    view: Option<View>,
    seq: Option<SeqNum>,
}

/// The view and the sequence number that a message is about.
fn place(message: &Message) -> Place {
    let (view, seq) = match message {
        Message::PrePrepare(it) => (Some(it.pre_prepare.payload.view), Some(it.pre_prepare.payload.seq)),
        Message::Prepare(it) => (Some(it.payload.view), Some(it.payload.seq)),
        Message::Commit(it) => (Some(it.payload.view), Some(it.payload.seq)),
        Message::Checkpoint(it) => (None, Some(it.payload.seq)),
        Message::ViewChange(it) => (Some(it.payload.view), None),
        Message::NewView(it) => (Some(it.payload.view), None),
        Message::Status(it) => (Some(it.payload.view), None),
        Message::Fetch(_) | Message::Supply(_) => (None, None),
    };
    Place { view, seq }
}
