//! What is fixed on the command line instead of drawn.

use std::time::Duration;

use clap::{Args, value_parser};
use tetrarch_simulator::{Options, Profile, Trouble};

/// The same for every command; which profile comes beside it, since a soak may take all of them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fixed instead of drawn")]
pub(super) struct Fixed {
    /// Replicas: 4 or more.
    #[arg(short, long, value_parser = value_parser!(u16).range(4..=100))]
    n: Option<u16>,
    /// Clients.
    #[arg(long, value_name = "C", value_parser = value_parser!(u16).range(1..=16))]
    clients: Option<u16>,
    /// What each client has under way at most.
    #[arg(long, value_name = "D", value_parser = value_parser!(u16).range(1..=64))]
    depth: Option<u16>,
    /// Another course of things under the same draw: other delays and losses, faults at other times.
    #[arg(long, value_name = "K", default_value_t = 0, hide_default_value = true)]
    schedule: u64,
    /// How long faults last, in milliseconds of simulated time.
    #[arg(long, value_name = "MS", value_parser = value_parser!(u64).range(..=HOUR_MILLIS))]
    ticks: Option<u64>,
    /// Faults, lies and mischief that do not happen though they are drawn: names as in the summary, liar-K for all that replica K lies,
    /// and hostile-K for all that a hostile client does.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    without: Vec<Trouble>,
    /// How long everyone may take to be well after the faults, in milliseconds of simulated time [default: 30000].
    #[arg(long, value_name = "MS", value_parser = value_parser!(u64).range(..=HOUR_MILLIS))]
    heal_within: Option<u64>,
}

const HOUR_MILLIS: u64 = 3_600_000;

impl Fixed {
    /// As the simulator takes it.
    pub(super) fn options(&self, profile: Profile) -> Options {
        Options {
            profile,
            n: self.n.map(usize::from),
            clients: self.clients.map(usize::from),
            depth: self.depth.map(usize::from),
            schedule: self.schedule,
            faulty_for: self.ticks.map(Duration::from_millis),
            without: self.without.clone(),
            heal_within: self.heal_within.map(Duration::from_millis),
            ..Options::default()
        }
    }
}
