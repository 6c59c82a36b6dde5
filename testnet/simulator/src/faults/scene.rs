//! What faults of nodes and links look at before they strike.

use std::time::Duration;

use crate::rng::Rng;

/// What a [`NodeTrouble`](super::NodeTrouble) can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Which replicas are up.
    pub up: Vec<bool>,
    /// The primary of the highest view that an honest replica is in.
    pub primary: usize,
    /// Who lies: whoever breaks the network may be in league with them.
    pub liars: Vec<usize>,
    /// The replicas' first timeout.
    pub timeout: Duration,
}

impl Scene {
    /// The replicas that are up.
    pub fn alive(&self) -> Vec<usize> {
        (0..self.up.len()).filter(|node| self.up[*node]).collect()
    }

    /// All replicas.
    pub fn everyone(&self) -> Vec<usize> {
        (0..self.up.len()).collect()
    }

    /// One that is up: the primary in three of ten cases, and else any.
    pub(super) fn victim(&self, rng: &mut Rng) -> Option<usize> {
        let primary_too = rng.chance(3_000).then_some(self.primary);
        primary_too.or_else(|| rng.pick(&self.alive()))
    }
}

/// How long something lasts: often shorter than a timeout, sometimes longer than several.
pub(super) fn lasting(rng: &mut Rng) -> Duration {
    let most = rng.one_of([5, 50, 500, 2_000]);
    rng.span(Duration::from_millis(1), Duration::from_millis(most))
}

/// Every link between the two groups, in both directions.
pub(super) fn between(one: &[usize], other: &[usize]) -> Vec<(usize, usize)> {
    let pairs = one.iter().flat_map(|a| other.iter().map(move |b| (*a, *b)));
    pairs.flat_map(|(a, b)| [(a, b), (b, a)]).collect()
}
