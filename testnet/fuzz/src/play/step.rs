//! What may happen next. Numbers are relative to where the replica stands, so that most of them mean something.

use arbitrary::Arbitrary;

/// Which members say it: one bit each. The replica's own is passed over.
pub(crate) type Voters = u8;

/// Which number, from the stable checkpoint on; for most values the next one to execute.
pub(crate) type Above = u8;

/// Which view, around the replica's own; for most values that.
pub(crate) type Around = u8;

/// Which batch; for most values the one that was assigned first.
pub(crate) type Choice = u8;

#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) enum Step {
    /// A client's transaction.
    Request {
        number: u8,
    },
    /// The primary's assignment, if the primary is another.
    Propose {
        view: Around,
        seq: Above,
        content: Choice,
    },
    Prepares {
        view: Around,
        seq: Above,
        content: Choice,
        voters: Voters,
    },
    Commits {
        view: Around,
        seq: Above,
        content: Choice,
        voters: Voters,
    },
    /// All three phases at once, as far as others can bring them.
    Agree {
        content: Choice,
        voters: Voters,
    },
    Checkpoints {
        seq: Above,
        root: Choice,
        voters: Voters,
    },
    /// Perhaps with everything that was assigned shown as prepared.
    ViewChanges {
        view: Around,
        voters: Voters,
        shows: bool,
    },
    /// A NEW-VIEW of another primary; it may lie about what follows.
    NewView {
        view: Around,
        voters: Voters,
        lie: u8,
    },
    Status {
        view: Around,
        changing: bool,
        executed: Above,
        stable: Above,
        voters: Voters,
    },
    /// What the others hold of this replica: everything that it said, or what their bit leaves of it.
    Held {
        voters: Voters,
        stable: Above,
        leaves: u8,
    },
    /// Decided batches from here on.
    Committed {
        count: u8,
        content: Choice,
    },
    /// A batch with its bodies, or the bodies alone.
    Bodies {
        seq: Above,
        content: Choice,
        whole: bool,
    },
    Stable {
        seq: Above,
        root: Choice,
    },
    NoState {
        seq: Above,
    },
    Ask {
        from: u8,
        kind: u8,
        seq: Above,
    },
    /// Something that it said, again.
    Echo {
        index: u8,
    },
    /// One specimen of a message, about numbers that mean nothing here.
    Stray {
        index: u8,
    },
    /// A vote about any numbers.
    Far {
        kind: u8,
        view: u64,
        seq: u64,
        voters: Voters,
    },
    /// The last message, with a byte changed.
    Garbled {
        at: u16,
        byte: u8,
    },
    Wait {
        millis: u16,
    },
    Restart {
        lost: u8,
    },
    Trap {
        durable: bool,
    },
    HoldReports,
    Report,
    Install,
    Gone,
}
