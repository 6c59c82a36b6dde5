//! A real node that lies: everything in it is the shipping node's, and at its network seam stands an adversary with its key.
//!
//! ```text
//!   node ──▶ Liar::say ──▶ adversary ──▶ at once ─────────────▶ mouth ──▶ peers
//!                                    └─▶ later (bounded) ──────▶   ▲
//!                            clock: what is due, floods, reports ──┘
//! ```
//!
//! - [`Mode`] is what can be asked for: which lies, and which habits beside them.
//! - [`run`] is a node's life as a liar. The same seed draws the same lies, as far as what it hears comes in the same order.
//!
//! Only testnets reach this: `tetrarch testnet corrupt K --mode M`. Its journal and its state stay an honest replica's, so that it can
//! come back as one; what it signed besides, others hold, and rule A-1 keeps it silent until none of that matters.

#![forbid(unsafe_code)]

mod clock;
mod flood;
mod later;
mod liar;
mod mode;
mod run;

pub use mode::{Corruption, Mode, NoMode};
pub use run::run;
