//! Bugs put back on purpose, one at a time, so that the harness can prove that it would have caught them.
//!
//! Each is a bug of a kind that public implementations of the protocol had, at the place where an implementer makes it: that place asks
//! [`is`]. A thread has a switch of its own, so that hunts run beside each other; nothing else here is state.
//!
//! Two crates know this one, under their feature `mutants` alone: the simulator, and tetrarch-crypto, whose `mutated!` asks for all crates
//! above it. No build that ships can have that feature: without debug assertions this crate is empty, and whoever asks it does not compile.

#![cfg(debug_assertions)]

mod menu;
mod switch;

pub use menu::{Mutant, NoMutant};
pub use switch::{is, with};
