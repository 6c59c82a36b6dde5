//! What happened, revision by revision, from a revision on: believed because f + 1 replicas say it (`specs/store.md`, Watches).
//!
//! * [`Follower`] is what decides: whom to ask what, and what to believe. It is pure, and knows no time.
//! * [`Watch`] lets it ask a [`Backend`](crate::Backend), with pauses and patience, and gives what is believed as it is taken.
//! * [`until_deleted`] waits for the end of one key, as locks do.

mod ask;
mod deleted;
mod driver;
mod follower;
mod happened;
mod limits;
mod missing;
mod tale;
mod voices;

pub use ask::{Ask, News};
pub use deleted::until_deleted;
pub use driver::{Compacted, Watch, newest};
pub use follower::Follower;
pub use happened::{Change, Happened};
