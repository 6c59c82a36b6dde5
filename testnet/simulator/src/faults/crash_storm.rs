//! A node that loses its power again and again, each time shortly after it came back: before it has caught up, while it starts, and
//! while a fetched state is put in place.

use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let times = rng.between(2, 8) as u32;
    rng.pick(&scene.alive()).map(|node| Action::Storm { node, times }).into_iter().collect()
}
