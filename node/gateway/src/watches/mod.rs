//! Watches: many clients, and one story.
//!
//! Nothing is queued for a watch. What happened last stands in one log, which one follower of the cluster writes; a watch is a place in the
//! story, and reads on from there when its client does. So a client that does not read costs a number, and holds nobody up.
//!
//! * `hub` follows the cluster at its latest revision, and writes the `log`.
//! * `reader` is a place in the story: in the log, or behind it, where it follows the history on its own, one of a bounded number that take turns
//!   (`histories`).
//! * `wanted` says what of a revision a watch is told, and `fragments` cuts a response that is too large. Both are pure.
//! * `outlet` is the way to one client, for all its watches: whoever has the turn sends, and nobody else holds a response.
//! * `watch` is one of them at work.

mod fragments;
mod histories;
mod hub;
mod log;
mod outlet;
mod reader;
mod wanted;
mod watch;

pub(crate) use hub::Hub;
pub(crate) use outlet::Outlet;
pub(crate) use reader::Reader;
pub(crate) use wanted::Wanted;
pub(crate) use watch::{Watch, gone_response};

#[cfg(test)]
pub(crate) mod tests;
