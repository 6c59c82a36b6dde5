//! A ring: each replica hears its two neighbours and nobody else.

use super::scene::{between, lasting};
use super::{Action, Scene};
use crate::rng::Rng;

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let everyone = scene.everyone();
    let ring = rng.sample(&everyone, everyone.len());
    let n = ring.len();
    let is_beside = |a: usize, b: usize| (a + 1) % n == b || (b + 1) % n == a;
    let strangers = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).filter(|(a, b)| !is_beside(*a, *b));
    let links = strangers.flat_map(|(a, b)| between(&[ring[a]], &[ring[b]])).collect();
    vec![Action::Cut { links, lasting: lasting(rng) }]
}
