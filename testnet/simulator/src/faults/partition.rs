//! The replicas fall into two groups that do not hear each other.

use super::scene::{between, lasting};
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let everyone = scene.everyone();
    let size = 1 + rng.index(everyone.len().saturating_sub(1));
    let one = rng.sample(&everyone, size);
    let other: Vec<usize> = everyone.into_iter().filter(|node| !one.contains(node)).collect();
    vec![Action::Cut { links: between(&one, &other), lasting: lasting(rng) }]
}
