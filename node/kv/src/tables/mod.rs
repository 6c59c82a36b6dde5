//! Tables as the rooms above use them: typed rows, and changes that are read before they are written.

mod overlay;
mod rows;

pub use overlay::Overlay;
pub(crate) use rows::{behind, corrupt, fixed, for_each_row, row, unless_damaged, value};
