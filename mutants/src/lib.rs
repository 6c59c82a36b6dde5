//! Bugs put back on purpose, one at a time, so that the harness can prove that it would have caught them.
//!
//! Each is a bug of a kind that public implementations of the protocol had, at the place where an implementer makes it: that place asks
//! [`is`]. Crates know this one under their feature `mutants` alone, which no build that ships can have: see the first item below.
//! A thread has a switch of its own, so that hunts run beside each other; nothing else here is state.

#[cfg(not(debug_assertions))]
compile_error!("the feature `mutants` holds deliberate safety bugs and must not be in a release build");

mod menu;
mod switch;

pub use menu::{Mutant, NoMutant};
pub use switch::{is, with};
