//! A disk that says "synced" and keeps it in its cache; then the power fails. Whoever has such a disk breaks promises through no fault
//! of its own, and counts among the faulty replicas.

use super::scene::lasting;
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let (down, lies_for) = (lasting(rng), lasting(rng));
    scene.victim(rng).map(|node| Action::LoseFsyncs { node, lasting: lies_for, down }).into_iter().collect()
}
