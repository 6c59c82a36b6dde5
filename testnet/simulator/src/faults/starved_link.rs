//! One link that gets through only a trickle: a message now and then, and the others are dropped. In one direction or in both.

use std::time::Duration;

use super::scene::{between, lasting};
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let everyone = scene.everyone();
    let [one, other] = rng.sample(&everyone, 2)[..] else { return Vec::new() };
    let links = if rng.chance(5_000) { between(&[one], &[other]) } else { vec![(one, other)] };
    let every = Duration::from_millis(rng.one_of([20, 100, 500]));
    vec![Action::Starve { links, every, lasting: lasting(rng) }]
}
