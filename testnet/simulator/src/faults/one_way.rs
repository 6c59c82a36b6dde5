//! Links that work in one direction only, so that who hears whom is neither symmetric nor transitive.

use super::scene::lasting;
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let everyone = scene.everyone();
    let pairs = everyone.iter().flat_map(|from| everyone.iter().map(move |to| (*from, *to)));
    let links: Vec<(usize, usize)> = pairs.filter(|(from, to)| from != to).filter(|_| rng.chance(2_500)).collect();
    vec![Action::Cut { links, lasting: lasting(rng) }]
}
