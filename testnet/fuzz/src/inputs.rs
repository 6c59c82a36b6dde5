//! Seeded inputs, for smoke runs and for long ones without coverage guidance: random bytes, and mutations of inputs that got somewhere.

use tetrarch_simulator::rng::Rng;

use crate::{Reach, Target};

/// Inputs kept for mutation, beside those that the target brings itself.
const KEPT: usize = 512;

/// Bytes at the edges of something: of varints, of tags, of signs.
const EDGES: [u8; 8] = [0x00, 0x01, 0x02, 0x0f, 0x7f, 0x80, 0xfe, 0xff];

/// An endless stream of inputs for a target; a seed gives the same ones every time.
pub struct Inputs {
    rng: Rng,
    longest: usize,
    pool: Vec<Vec<u8>>,
    /// How many of the pool the target brought: they stay.
    given: usize,
}

impl Inputs {
    /// The inputs of a seed.
    pub fn new(target: &Target, seed: u64) -> Self {
        let pool = (target.seeds)();
        Self { rng: Rng::new(seed), longest: target.longest, given: pool.len(), pool }
    }

    /// The next one: random bytes, or a mutation of an input that got somewhere.
    pub fn draw(&mut self) -> Vec<u8> {
        // Where the target brings seeds, random bytes hardly ever get anywhere.
        let random = if self.given == 0 { 5_000 } else { 1_000 };
        if self.pool.is_empty() || self.rng.chance(random) {
            return self.random();
        }
        let mut input = self.pool[self.rng.index(self.pool.len())].clone();
        for _ in 0..self.rng.one_of([1, 1, 1, 2, 4]) {
            self.mutate(&mut input);
        }
        input.truncate(self.longest);
        input
    }

    /// Takes note of how far an input got: what was accepted is worth mutating.
    pub fn note(&mut self, input: Vec<u8>, reach: Reach) {
        if reach != Reach::Accepted {
            return;
        }
        if self.pool.len() < self.given + KEPT {
            self.pool.push(input);
        } else if self.rng.chance(100) {
            let place = self.given + self.rng.index(KEPT);
            self.pool[place] = input;
        }
    }

    /// Bytes of any length: any, or small ones, or one of the two again and again.
    fn random(&mut self) -> Vec<u8> {
        let longest = if self.rng.chance(5_000) { self.longest.min(64) } else { self.longest };
        let length = self.rng.index(longest + 1);
        let bound = self.rng.one_of([256, 256, 16, 4]);
        (0..length).map(|_| self.rng.below(bound) as u8).collect()
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.rng.index(input.len() + 1);
        match self.rng.index(9) {
            0 | 1 => {
                let bit = 1 << self.rng.index(8);
                input.get_mut(at).into_iter().for_each(|byte| *byte ^= bit);
            }
            2 => {
                let byte = self.rng.one_of(EDGES);
                input.get_mut(at).into_iter().for_each(|place| *place = byte);
            }
            3 => {
                let byte = self.rng.draw() as u8;
                input.get_mut(at).into_iter().for_each(|place| *place = byte);
            }
            4 => input.insert(at, self.rng.draw() as u8),
            5 => input.truncate(at),
            6 => {
                let end = (at + self.rng.index(16)).min(input.len());
                input.drain(at..end);
            }
            7 => {
                let end = (at + self.rng.index(64)).min(input.len());
                let piece = input[at..end].to_vec();
                let to = self.rng.index(input.len() + 1);
                input.splice(to..to, piece);
            }
            _ => {
                let other = &self.pool[self.rng.index(self.pool.len())];
                let from = self.rng.index(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
        }
    }
}
