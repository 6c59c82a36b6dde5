//! What must hold, counted and computed here in the plainest way: nothing in this folder asks the code that it judges.
//!
//! Signatures are compared with what the named member signs, which the keyed hash allows; statements are encoded from their fields.

pub(crate) mod certificates;
pub(crate) mod reproposals;
pub(crate) mod view_changes;
pub(crate) mod witness;
