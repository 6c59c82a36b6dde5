//! A wall clock that stands still for a while.

use super::scene::lasting;
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let lasting = lasting(rng);
    scene.victim(rng).map(|node| Action::FreezeClock { node, lasting }).into_iter().collect()
}
