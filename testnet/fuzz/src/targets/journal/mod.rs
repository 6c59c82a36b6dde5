//! Journals that no honest run wrote, or of which something is gone: to the storage that keeps them, and to a replica that comes back
//! from them (rules D-5, D-6, A-1 to A-4).

mod forgotten;
mod invented;
mod stored;

use super::Reach;
use crate::choices::Choices;

pub(super) fn run(data: &[u8]) -> Reach {
    let mut choices = Choices::new(data);
    match choices.below(3) {
        0 => stored::run(choices),
        1 => invented::run(choices),
        _ => forgotten::run(choices),
    }
}
