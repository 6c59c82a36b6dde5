//! The PBFT state machine, pure and synchronous (Castro and Liskov, "Practical Byzantine Fault Tolerance", OSDI 1999, the variant
//! with signatures; rules and deviations in `specs/protocol.md`).
//!
//! ```text
//!              inputs                                       effects, in order
//!   Request ──────┐     ┌─────────────────────────┐     ┌── Persist     durable before anything behind it leaves
//!   Message ──────┤     │  propose   normal case  │     ├── Send        own votes come back as Message
//!   Executed ─────┼────▶│  view change, new view  │────▶┼── Execute     decided batches, in order
//!   Snapshotted ──┤     │  checkpoint   fetch     │     ├── FetchState, SendState, SendCommitted
//!   Installed ────┤     │  standing   transfer    │     ├── Refuse, Discard
//!   Deadline ─────┘     └─────────────────────────┘     └── Observe     metrics, logs, checks
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `door` | inputs, effects, records: all that crosses the border |
//! | `replica` | the state and the dispatch |
//! | `safety` | every condition that a vote depends on |
//! | `propose` | requests, the primary's batches |
//! | `draft` | what is about to be proposed, written down meanwhile |
//! | `normal` | PRE-PREPARE, PREPARE, COMMIT |
//! | `tentative` | answers before the decision |
//! | `execution` | decided batches, in order |
//! | `checkpoint` | stable checkpoints, the low watermark |
//! | `view_change`, `new_view` | leaving a view, starting one |
//! | `turnaround` | whether the primary is slow |
//! | `standing` | whether its own records are all there, and silence if not |
//! | `transfer` | when a whole state is fetched, and going on from it |
//! | `status`, `fetch` | saying again, asking for what is missing |
//! | `recovery` | coming back from the journal |
//! | `live_records` | which journal entries are still needed |
//! | `sizes` | how much it holds |
//! | `slot`, `content`, `log`, `moves`, `pool`, `spent`, `timer` | parts without protocol |

mod alarm;
mod budget;
mod checkpoint;
mod config;
mod content;
mod decided;
mod door;
mod draft;
mod event;
mod execution;
mod fetch;
mod gathering;
mod live_records;
mod log;
mod moves;
mod new_view;
mod normal;
mod pool;
mod propose;
mod recovery;
mod replica;
mod safety;
mod sizes;
mod slot;
mod spent;
mod standing;
mod status;
mod tentative;
mod testimony;
mod timer;
mod transfer;
mod turn;
mod turnaround;
mod view_change;

pub use config::{Config, PoolLimits};
pub use decided::Decided;
pub use door::{Effect, Effects, Input, PreparedBatch, Recipients, Record};
pub use event::{Event, Ignored, Missing, ProposalFault, ViewChangeReason};
pub use live_records::LiveRecords;
pub use replica::{Corrupt, Replica, ReplicaStatus};
pub use sizes::Sizes;
pub use turn::Turn;
