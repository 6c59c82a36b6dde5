//! The store's tables, row by row.

pub(super) mod events;
pub(super) mod history;
pub(super) mod leases;
pub(super) mod meta;
pub(super) mod moves;
pub(super) mod ordered;
