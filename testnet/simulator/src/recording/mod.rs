//! What happened in a run, entry by entry, for whoever wants to read it: lines of text and charts are made of the same entries.
//!
//! A message is one entry, not two: it is known when it leaves whether and when it arrives. Whether anybody was there to read it is
//! in the other entries, which say when nodes were down.

mod label;
mod recorder;
mod text;

use std::time::Duration;

use tetrarch_types::{MessageKind, SeqNum, Time, View};

pub use label::Label;
pub(crate) use recorder::Recorder;

use crate::report::Failure;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When. Of a message: when it arrived, or left if it never arrived.
    pub at: Time,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody said something to somebody.
    Message(Passage),
    /// Something happened at a node or a client.
    Mark {
        /// Where.
        at: Party,
        /// What.
        mark: Mark,
        /// The same in words.
        text: String,
    },
    /// Links were cut.
    Cut(Cut),
    /// All faults ended.
    Healed,
    /// An oracle complained, and the run ended.
    Failed(Failure),
}

/// Who sends and receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// A client, by its index.
    Client(usize),
    /// A node, by its index.
    Node(usize),
}

/// The way of one copy of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// From whom.
    pub from: Party,
    /// To whom.
    pub to: Party,
    /// When it left.
    pub left: Time,
    /// What became of it.
    pub fate: Fate,
    /// Whether a liar put it in place of what it should have said.
    pub is_lie: bool,
    /// What it says.
    pub label: Label,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrived, though perhaps at a node that was down.
    Arrived(Time),
    /// It would have arrived then, after the end of the run.
    UnderWay(Time),
    /// It was lost on the way.
    Lost,
    /// The link was cut.
    Cut,
    /// A liar kept it to itself.
    Withheld,
}

/// A message's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A client's transaction.
    Request,
    /// An answer to a client.
    Reply,
    /// From replica to replica.
    Peer(MessageKind),
}

/// Something that happened at a node or a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It executed a batch.
    Executed(SeqNum),
    /// It gave up on the views below this one.
    LeftFor(View),
    /// It entered a view.
    Entered(View),
    /// A checkpoint became stable there.
    Stable(SeqNum),
    /// Its power went off.
    Down,
    /// Its power came on again.
    Up,
    /// It stands still.
    Paused {
        /// Until then, unless it crashes or the faults end before.
        until: Time,
    },
    /// A fault struck it.
    Fault(&'static str),
    /// Something rare and worth a word: this one.
    Noted(&'static str),
    /// Something that is none of the above.
    Saw,
    /// A client believes an answer.
    Told(SeqNum),
}

/// Links that carry nothing for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// By which fault.
    pub fault: &'static str,
    /// From where to where, each in its own direction.
    pub links: Vec<(usize, usize)>,
    /// For how long, unless the faults end before.
    pub lasting: Duration,
}

impl What {
    /// Something happened at a node.
    pub(crate) const fn at_node(node: usize, mark: Mark, text: String) -> Self {
        Self::Mark { at: Party::Node(node), mark, text }
    }
}
