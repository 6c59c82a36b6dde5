//! What happens at a moment.

use std::rc::Rc;
use std::time::Duration;

use tetrarch_types::{Response, Transaction, TransactionId};

use crate::faults::NodeTrouble;
use crate::letter::Letter;

/// An event. What names an incarnation is void once the node has crashed.
pub(super) enum Event {
    /// A message arrives at a replica.
    Deliver { from: usize, to: usize, letter: Rc<Letter> },
    /// A client's transaction arrives at a replica.
    Request { client: usize, to: usize, transaction: Rc<Transaction> },
    /// A replica's answer arrives at a client.
    Response { client: usize, from: usize, about: TransactionId, response: Box<Response> },
    /// A node takes a turn.
    Turn { node: usize, incarnation: u64 },
    /// A node's fsync is over.
    Synced { node: usize, incarnation: u64 },
    /// A node executes a batch.
    Execute { node: usize, incarnation: u64 },
    /// A node's deadline.
    Deadline { node: usize, incarnation: u64 },
    /// A node's power comes back.
    Restart { node: usize, incarnation: u64 },
    /// A client asks for something.
    Issue { client: usize },
    /// A client asks again.
    Retry { client: usize, id: TransactionId },
    /// A hostile client's time has come.
    Mischief { which: usize },
    /// A fault's time has come, by its place among those drawn.
    Trouble { which: usize },
    /// A planned cut's time has come, by its place among them.
    Cut { which: usize },
    /// A node's power fails, because of this.
    PowerFails { node: usize, incarnation: u64, cause: NodeTrouble, down: Duration },
    /// A wall clock is set right.
    ClockRight { node: usize },
    /// Starved links let everything through again.
    Feed { links: Vec<(usize, usize)> },
    /// A cut ends.
    Mend { links: Vec<(usize, usize)> },
    /// All faults end.
    Heal,
    /// After the healing: is everyone well?
    Check,
}
