//! A disk whose fsyncs take far longer than usual for a while, as under a neighbour's load or before it dies.

use std::time::Duration;

use super::scene::lasting;
use super::{Action, Scene};
use crate::rng::Rng;

/// What an fsync takes then, at least and at most.
pub(crate) const FSYNC: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(2_000));

pub(super) fn strike(scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let lasting = lasting(rng);
    scene.victim(rng).map(|node| Action::SlowDisk { node, lasting }).into_iter().collect()
}
