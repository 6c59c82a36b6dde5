//! Links between replicas and clients: how long messages take, which links are cut, and what happens on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_types::Time;

use crate::counters::Counters;
use crate::draw::Drawn;
use crate::faults::{MessageTrouble, NodeTrouble, Route};
use crate::rng::{Rate, Rng, split_mix};

/// The network.
pub struct Network {
    latency: Duration,
    jitter: Duration,
    troubles: Vec<(MessageTrouble, Rate)>,
    /// How many cuts lie on a link.
    cuts: BTreeMap<(usize, usize), u32>,
    /// Links that get through only a trickle.
    starved: BTreeMap<(usize, usize), Trickle>,
    /// Which links are slow follows from it.
    salt: u64,
    rng: Rng,
}

/// How little gets through a link.
struct Trickle {
    every: Duration,
    /// When the next message may pass.
    next: Time,
}

impl Network {
    /// The network that a run drew.
    pub fn new(drawn: &Drawn, mut rng: Rng) -> Self {
        Self {
            latency: drawn.latency,
            jitter: drawn.jitter,
            troubles: drawn.message_troubles.clone(),
            cuts: BTreeMap::new(),
            starved: BTreeMap::new(),
            salt: rng.draw(),
            rng,
        }
    }

    /// When the copies of a message arrive that leaves now; none if it is lost.
    pub fn route(&mut self, departs: Time, from: usize, to: usize, counters: &mut Counters) -> Vec<Time> {
        if self.is_cut(from, to) {
            return Vec::new();
        }
        if !self.trickles(departs, from, to) {
            *counters.entry(NodeTrouble::StarvedLink.name()).or_default() += 1;
            return Vec::new();
        }
        let way = self.latency + self.rng.span(Duration::ZERO, self.jitter);
        let mut route = Route { departs, is_slow: self.is_slow(from, to), copies: vec![way] };
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

    /// From now on these links let one message through each time, until they are fed again.
    pub fn starve(&mut self, links: &[(usize, usize)], every: Duration) {
        for link in links {
            self.starved.insert(*link, Trickle { every, next: Time::ZERO });
        }
    }

    /// These links let everything through again.
    pub fn feed(&mut self, links: &[(usize, usize)]) {
        for link in links {
            self.starved.remove(link);
        }
    }

    /// Whether a message gets through a link that may be starved.
    fn trickles(&mut self, departs: Time, from: usize, to: usize) -> bool {
        let Some(trickle) = self.starved.get_mut(&(from, to)) else { return true };
        let passes = departs >= trickle.next;
        if passes {
            trickle.next = departs.after(trickle.every);
        }
        passes
    }

    /// Whether a link is one of those that are slow in this run: one in five.
    fn is_slow(&self, from: usize, to: usize) -> bool {
        let mut state = self.salt ^ ((from as u64) << 32 | to as u64);
        split_mix(&mut state).is_multiple_of(5)
    }

    /// Nothing is lost, held up or cut any more.
    pub fn heal(&mut self) {
        self.troubles.clear();
        self.cuts.clear();
        self.starved.clear();
    }
}
