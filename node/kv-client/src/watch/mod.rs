//! What happened, revision by revision, from a revision on: believed because f + 1 replicas say it (`specs/store.md`, Watches).
//!
//! * [`Follower`] is what decides: whom to ask what, and what to believe. It is pure, and knows no time.
//! * [`Watch`] lets it ask a [`Backend`](crate::Backend), with pauses and patience, and gives what is believed as it is taken.

mod ask;
mod driver;
mod follower;
mod happened;
mod limits;
mod missing;
mod patience;
mod tale;
mod voices;

pub use ask::{Ask, News};
pub use driver::{Compacted, Watch, newest};
pub use follower::Follower;
pub use happened::{Change, Happened};
