//! Links between replicas and clients: how long messages take, which links are cut, and what happens on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_types::Time;

use crate::counters::Counters;
use crate::draw::Drawn;
use crate::faults::{MessageTrouble, Route};
use crate::rng::{Rate, Rng};

/// The network.
pub struct Network {
    latency: Duration,
    jitter: Duration,
    troubles: Vec<(MessageTrouble, Rate)>,
    /// How many cuts lie on a link.
    cuts: BTreeMap<(usize, usize), u32>,
    rng: Rng,
}

impl Network {
    /// The network that a run drew.
    pub fn new(drawn: &Drawn, rng: Rng) -> Self {
        Self {
            latency: drawn.latency,
            jitter: drawn.jitter,
            troubles: drawn.message_troubles.clone(),
            cuts: BTreeMap::new(),
            rng,
        }
    }

    /// When the copies of a message arrive that leaves now; none if it is lost.
    pub fn route(&mut self, departs: Time, from: usize, to: usize, counters: &mut Counters) -> Vec<Time> {
        if self.is_cut(from, to) {
            return Vec::new();
        }
        let way = self.latency + self.rng.span(Duration::ZERO, self.jitter);
        let mut route = Route { departs, from, to, copies: vec![way] };
        for (trouble, rate) in &self.troubles {
            if self.rng.chance(*rate) && trouble.befall(&mut route, &mut self.rng) {
                *counters.entry(trouble.name()).or_default() += 1;
            }
        }
        route.copies.into_iter().map(|way| departs.after(way)).collect()
    }

    /// Whether nothing passes from one to the other.
    pub fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cuts.contains_key(&(from, to))
    }

    /// Cuts links. Each cut must be mended by itself.
    pub fn cut(&mut self, links: &[(usize, usize)]) {
        for link in links {
            *self.cuts.entry(*link).or_default() += 1;
        }
    }

    /// Mends a cut.
    pub fn mend(&mut self, links: &[(usize, usize)]) {
        for link in links {
            if let Some(count) = self.cuts.get_mut(link) {
                *count -= 1;
                if *count == 0 {
                    self.cuts.remove(link);
                }
            }
        }
    }

    /// Nothing is lost, held up or cut any more.
    pub fn heal(&mut self) {
        self.troubles.clear();
        self.cuts.clear();
    }
}
