//! What a message says: in two words for a chart, in a line for a reader.

use tetrarch_types::{Fetch, Message, MessageKind, Response, SeqNum, Supply, Transaction, View};

use super::Kind;
use crate::letter::Letter;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its kind.
    pub kind: Kind,
    /// The view that it is about.
    pub view: Option<View>,
    /// The first and the last sequence number that it is about.
    pub seqs: Option<(SeqNum, SeqNum)>,
    /// What it says beside its kind, in a word or two, such as `7` of a PREPARE for number 7. Empty if that is all.
    pub brief: String,
    /// What it says, in a line.
    pub text: String,
}

impl Label {
    /// Of a message between replicas.
    pub(crate) fn of_letter(letter: &Letter) -> Self {
        let message = letter.open();
        let (view, seqs, brief) = (view(message), seqs(message), brief(message));
        Self { kind: Kind::Peer(message.kind()), view, seqs, brief, text: text(message) }
    }

    /// Of a client's transaction.
    pub(crate) fn of_request(transaction: &Transaction) -> Self {
        let nonce = transaction.body.nonce;
        let text = format!("transaction {:?}, nonce {nonce}", transaction.id().digest());
        Self { kind: Kind::Request, view: None, seqs: None, brief: format!("nonce {nonce}"), text }
    }

    /// Of an answer to a client.
    pub(crate) fn of_response(response: &Response) -> Self {
        let (kind, view) = (Kind::Reply, None);
        match response {
            Response::Reply(reply) => {
                let seq = reply.results.seq();
                let standing = reply.results.tentative_in().map(|view| format!(", prepared in view {view}"));
                let text =
                    format!("the result of {:?} in {seq}{}", reply.transaction.digest(), standing.unwrap_or_default());
                Self { kind, view, seqs: Some((seq, seq)), brief: seq.to_string(), text }
            }
            Response::Refused(refusal) => {
                Self { kind, view, seqs: None, brief: "refused".to_owned(), text: format!("refused: {refusal}") }
            }
            _ => Self { kind, view, seqs: None, brief: String::new(), text: "an answer".to_owned() },
        }
    }

    /// Kind and content in a few words: `PREPARE 7`.
    pub fn brief(&self) -> String {
        if self.brief.is_empty() { self.kind.name().to_owned() } else { format!("{} {}", self.kind.name(), self.brief) }
    }
}

impl Kind {
    /// As the field writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Reply => "REPLY",
            Self::Peer(kind) => match kind {
                MessageKind::PrePrepare => "PRE-PREPARE",
                MessageKind::Prepare => "PREPARE",
                MessageKind::Commit => "COMMIT",
                MessageKind::Checkpoint => "CHECKPOINT",
                MessageKind::ViewChange => "VIEW-CHANGE",
                MessageKind::NewView => "NEW-VIEW",
                MessageKind::Status => "STATUS",
                MessageKind::Fetch => "FETCH",
                MessageKind::Supply => "SUPPLY",
            },
        }
    }
}

const fn view(message: &Message) -> Option<View> {
    match message {
        Message::PrePrepare(it) => Some(it.pre_prepare.payload.view),
        Message::Prepare(it) => Some(it.payload.view),
        Message::Commit(it) => Some(it.payload.view),
        Message::ViewChange(it) => Some(it.payload.view),
        Message::NewView(it) => Some(it.payload.view),
        Message::Status(it) => Some(it.payload.view),
        Message::Checkpoint(_) | Message::Fetch(_) | Message::Supply(_) => None,
    }
}

fn seqs(message: &Message) -> Option<(SeqNum, SeqNum)> {
    let one = |seq: SeqNum| Some((seq, seq));
    match message {
        Message::PrePrepare(it) => one(it.pre_prepare.payload.seq),
        Message::Prepare(it) => one(it.payload.seq),
        Message::Commit(it) => one(it.payload.seq),
        Message::Checkpoint(it) => one(it.payload.seq),
        Message::ViewChange(it) => span(it.payload.prepared.iter().map(|prepared| prepared.seq)),
        Message::NewView(it) => span(it.payload.proposals.iter().map(|proposal| proposal.payload.seq)),
        Message::Supply(it) => match &it.payload {
            Supply::Committed(batches) => span(batches.iter().map(|batch| batch.seq)),
            Supply::Stable(certificate) => one(certificate.seq),
            Supply::State { checkpoint, .. } | Supply::NoState { checkpoint } => one(*checkpoint),
            Supply::Draft { seq, .. } => one(*seq),
            Supply::Transactions(_) | Supply::Batch { .. } | Supply::Held(_) => None,
        },
        Message::Fetch(it) => match &it.payload {
            Fetch::Committed { after } => one(after.next()),
            Fetch::State { checkpoint, .. } => one(*checkpoint),
            Fetch::Transactions(_) | Fetch::Batch(_) | Fetch::Held { .. } => None,
        },
        Message::Status(_) => None,
    }
}

fn span(seqs: impl Iterator<Item = SeqNum>) -> Option<(SeqNum, SeqNum)> {
    let seqs: Vec<SeqNum> = seqs.collect();
    Some((*seqs.iter().min()?, *seqs.iter().max()?))
}

fn brief(message: &Message) -> String {
    match message {
        Message::PrePrepare(it) => it.pre_prepare.payload.seq.to_string(),
        Message::Prepare(it) => it.payload.seq.to_string(),
        Message::Commit(it) => it.payload.seq.to_string(),
        Message::Checkpoint(it) => it.payload.seq.to_string(),
        Message::ViewChange(it) => format!("to view {}", it.payload.view),
        Message::NewView(it) => it.payload.view.to_string(),
        Message::Status(_) => String::new(),
        Message::Fetch(it) => match &it.payload {
            Fetch::Transactions(ids) => format!("{} bodies", ids.len()),
            Fetch::Batch(_) => "a batch".to_owned(),
            Fetch::Committed { after } => format!("behind {after}"),
            Fetch::Held { .. } => "my votes".to_owned(),
            Fetch::State { checkpoint, .. } => format!("state at {checkpoint}"),
        },
        Message::Supply(it) => match &it.payload {
            Supply::Transactions(bodies) => format!("{} bodies", bodies.len()),
            Supply::Batch { .. } => "a batch".to_owned(),
            Supply::Committed(batches) => format!("{} decided", batches.len()),
            Supply::Held(held) => format!("{} votes", held.votes.len()),
            Supply::State { checkpoint, .. } => format!("state at {checkpoint}"),
            Supply::Stable(certificate) => format!("stable {}", certificate.seq),
            Supply::NoState { checkpoint } => format!("no state at {checkpoint}"),
            Supply::Draft { seq, .. } => format!("draft of {seq}"),
        },
    }
}

fn text(message: &Message) -> String {
    match message {
        Message::PrePrepare(it) => {
            format!("{:?} of {} transactions", it.pre_prepare.payload, it.batch.transactions.len())
        }
        Message::Prepare(it) => format!("{:?} of {}", it.payload, it.signer),
        Message::Commit(it) => format!("{:?} of {}", it.payload, it.signer),
        Message::Checkpoint(it) => format!("{:?} of {}", it.payload, it.signer),
        Message::ViewChange(it) => {
            let prepared: Vec<_> = it.payload.prepared.iter().map(|it| (it.seq, it.view)).collect();
            let (view, stable) = (it.payload.view, it.payload.stable.seq);
            format!("ViewChange to {view} of {}, stable {stable}, prepared {prepared:?}", it.signer)
        }
        Message::NewView(it) => {
            let proposals: Vec<_> = it.payload.proposals.iter().map(|it| (it.payload.seq, it.payload.digest)).collect();
            let of: Vec<_> = it.payload.view_changes.iter().map(|it| it.signer.get()).collect();
            format!("NewView {} of {} from {of:?}: {proposals:?}", it.payload.view, it.signer)
        }
        Message::Status(it) => format!("{:?} of {}", it.payload, it.signer),
        Message::Fetch(it) => format!("Fetch {:?} of {}", it.payload, it.signer),
        Message::Supply(it) => format!("Supply of {}", supplied(&it.payload)),
    }
}

fn supplied(supply: &Supply) -> String {
    match supply {
        Supply::Transactions(bodies) => format!("{} bodies", bodies.len()),
        Supply::Batch { batch, .. } => format!("batch {:?}", batch.digest()),
        Supply::Committed(batches) => format!("{:?}", batches.iter().map(|batch| batch.seq).collect::<Vec<_>>()),
        Supply::Held(it) => format!("{} votes held of {}", it.votes.len(), it.about),
        Supply::State { checkpoint, parts } => format!("{} parts of the state at {checkpoint}", parts.len()),
        Supply::Stable(it) => format!("the certificate at {}", it.seq),
        Supply::NoState { checkpoint } => format!("no state at {checkpoint}"),
        Supply::Draft { view, seq, batch } => format!("a draft of {seq} in view {view}: {:?}", batch.digest()),
    }
}
