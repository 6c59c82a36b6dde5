//! Whoever is primary is cut off from all others, often for longer than the others wait: the surest way to a view change.
//!
//! Liars are rather helped into office than kept out of it: a lying primary is seldom cut off, an honest one in front of it for long.

use super::scene::between;
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let (primary, n) = (scene.primary, scene.up.len());
    if scene.liars.contains(&primary) && rng.chance(7_000) {
        return Vec::new();
    }
    let others: Vec<usize> = scene.everyone().into_iter().filter(|node| *node != primary).collect();
    let is_in_their_way = scene.liars.contains(&((primary + 1) % n));
    let least = if is_in_their_way { scene.timeout * 3 / 2 } else { scene.timeout / 8 };
    let lasting = rng.span(least, scene.timeout * 2);
    vec![Action::Cut { links: between(&[primary], &others), lasting }]
}
