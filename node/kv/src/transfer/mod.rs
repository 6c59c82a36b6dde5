//! Fetching a certified state from peers that may lie (rules S-1, S-2, S-5): what to ask of whom, and what to believe.
//!
//! ```text
//!   target's root ──▶ compare with what is here ──┬─ equal      in place, nothing is asked
//!                          ▲                      ├─ nothing    cleared here, nothing is asked
//!                          │                      └─ due        frontier ──▶ request to a peer
//!                     each branch                                               │
//!                          └── page ◀── is it what is due? ◀── part ◀───────────┘
//!                              rows ──▶ installed in one write      │ no: a liar, not asked again
//! ```
//!
//! Nothing is believed for its sender's sake: each digest that is due comes from the certificate, by way of pages that hashed to what
//! was due before them. So a transfer of everything, of what changed since, and of one damaged row are the same walk, and one that
//! was interrupted goes on where it was, because what is in place compares equal.
//!
//! The frontier is walked depth first and is bounded, as is what is in flight ([`MAX_FRONTIER`], [`MAX_REQUESTS`]). There is no clock
//! and no store in here: time is an argument, and the state is a [`Local`].

mod fetcher;
mod frontier;
mod local;
mod peers;

pub use fetcher::{Ask, Transfer};
pub use frontier::MAX_FRONTIER;
pub use local::{Local, Placed};
pub use peers::MAX_REQUESTS;
