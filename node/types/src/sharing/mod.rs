//! Who counts as one where places are shared out, and how many each may have.

mod host;
mod taken;

pub use host::Host;
pub use taken::Taken;
