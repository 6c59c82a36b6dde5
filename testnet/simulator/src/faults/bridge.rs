//! Two halves that do not hear each other, and one replica between them that hears both: who hears whom is not transitive.

use super::scene::{between, lasting};
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let everyone = scene.everyone();
    let shuffled = rng.sample(&everyone, everyone.len());
    let sides = shuffled.split_first().map_or(&[][..], |(_bridge, others)| others);
    let (one, other) = sides.split_at(sides.len() / 2);
    vec![Action::Cut { links: between(one, other), lasting: lasting(rng) }]
}
