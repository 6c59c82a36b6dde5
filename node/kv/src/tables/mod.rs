//! Tables as the rooms above use them: typed rows, and changes that are read before they are written.

mod overlay;
mod rows;

pub use overlay::Overlay;
pub(crate) use rows::{PART_KEY, behind, corrupt, fixed, for_each_row, part_key, part_of, row, unless_damaged, value};
