//! One real replica among liars: whatever the other members and the clients say is made up, and signed with their keys.
//!
//! ```text
//!   Step ──▶ Stage ──message, request, time, crash──▶ Node ──▶ Replica
//!              ▲                                       │
//!              └────── what was said and assigned ─────┴──▶ Witness    every record and statement, in order
//! ```

mod machine;
mod node;
mod speech;
mod stage;
mod step;

pub(crate) use machine::Machine;
pub(crate) use node::Node;
pub(crate) use stage::Stage;
pub(crate) use step::Step;
