//! Reading ranges, now and as they were.

mod select;
mod walk;

pub(super) use select::{Fit, select};
pub(super) use walk::{Seen, Visit, walk};
