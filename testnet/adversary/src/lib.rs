//! Replicas that lie, one lie a file.
//!
//! A liar is a real node whose words are rewritten on their way out, one recipient at a time: it knows all that an honest replica
//! knows, and signs with the keys that it was handed and with no others. The same liars serve simulated clusters and, behind the
//! network seam of a node that was corrupted on purpose, real ones.
//!
//! ```text
//!   node ──▶ Adversary::say ──▶ teller ──▶ teller ──▶ … ──▶ words, perhaps later, perhaps none
//!   peers ──▶ Adversary::hear, admit: what the node gets to hear
//!                       │
//!                       └──▶ Overheard: the votes of others, which forgeries are made of
//! ```
//!
//! Whatever nobody asked for travels with something that the node says anyway: even an idle node says where it stands.

#![forbid(unsafe_code)]

mod adversary;
mod counts;
mod follow;
mod forge;
mod hand;
mod inventions;
mod lie;
mod lies;
mod overheard;
mod setting;
mod word;

pub use adversary::Adversary;
pub use counts::Counts;
pub use hand::{Keyring, SharedSigner};
pub use lie::{Lie, NoLie};
pub use setting::Setting;
pub use word::Word;
