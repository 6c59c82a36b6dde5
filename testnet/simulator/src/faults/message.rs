//! What can happen to one message on its way.

use std::time::Duration;

use tetrarch_types::Time;

use super::{burst, duplication, loss, reordering, slow_link};
use crate::rng::{Rate, Rng};

/// The way of one message: when each of its copies arrives, counted from its departure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// When it leaves.
    pub departs: Time,
    /// Whether its link is one of those that are slow in this run.
    pub is_slow: bool,
    /// A way for each copy; none if it is lost.
    pub copies: Vec<Duration>,
}

/// Something that can happen to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MessageTrouble {
    /// It never arrives.
    Loss,
    /// It arrives more than once.
    Duplication,
    /// Others overtake it.
    Reordering,
    /// It waits, and arrives together with others.
    Burst,
    /// A few links are slow, the others are not.
    SlowLink,
}

impl MessageTrouble {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Loss, Self::Duplication, Self::Reordering, Self::Burst, Self::SlowLink];

    /// What it is counted under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Duplication => "duplication",
            Self::Reordering => "reordering",
            Self::Burst => "burst",
            Self::SlowLink => "slow-link",
        }
    }

    /// How many of ten thousand messages it happens to, as one run draws it; often none.
    pub fn draw_rate(self, rng: &mut Rng) -> Rate {
        match self {
            Self::Loss => rng.one_of([0, 50, 300, 1_000, 3_000]),
            Self::Duplication => rng.one_of([0, 50, 500, 2_000, 5_000]),
            Self::Reordering | Self::Burst | Self::SlowLink => rng.one_of([0, 50, 300, 1_500]),
        }
    }

    /// Does it to a message; whether anything changed.
    pub fn befall(self, route: &mut Route, rng: &mut Rng) -> bool {
        let before = route.copies.clone();
        match self {
            Self::Loss => loss::befall(route),
            Self::Duplication => duplication::befall(route, rng),
            Self::Reordering => reordering::befall(route, rng),
            Self::Burst => burst::befall(route),
            Self::SlowLink => slow_link::befall(route),
        }
        route.copies != before
    }
}
