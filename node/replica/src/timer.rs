//! When a replica acts without being asked. All instants are of the monotonic clock that `step` is told.

use std::time::Duration;

use tetrarch_crypto::mutated;
use tetrarch_types::Time;

use crate::Config;

/// A request that was overtaken waits this many timeouts before it counts as censored (rule V-2).
const CENSORSHIP_TIMEOUTS: u32 = 4;

/// The timers of a replica.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    /// The last time something was executed, a view was entered, or work appeared where there was none.
    pub(crate) progress: Time,
    /// When the primary was last found not to be to blame for the lack of progress: the view's timer counts from there, and no other
    /// does, or a short timeout would keep this replica from ever asking for what it lacks.
    pub(crate) excused: Time,
    /// View changes since a batch was last executed, and those before that are not taken back: each doubles the timeout.
    pub(crate) failures: u32,
    /// Until when the NEW-VIEW must be here; armed when a quorum has moved (rule V-7).
    pub(crate) new_view: Option<Time>,
    /// When this replica last said where it stands.
    pub(crate) status: Time,
    /// When this replica last passed waiting requests to the primary.
    pub(crate) relay: Time,
    /// Which requests the primary had passed then, by arrival.
    pub(crate) passed: u64,
    /// The first waiting request, by arrival, that later ones overtook, and since when.
    pub(crate) overtaken: Option<(u64, Time)>,
    /// A proposal can be made as soon as no input waits.
    pub(crate) propose: bool,
    /// When this replica last proposed a batch.
    pub(crate) proposed: Time,
}

impl Timers {
    /// The current timeout: the base, doubled for each failed view, up to the cap (rule V-7).
    pub(crate) fn timeout(&self, config: &Config) -> Duration {
        let failures = if mutated!(TimeoutNeverDoubled) { 0 } else { self.failures };
        let doubled = config.base_timeout.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
        doubled.min(config.max_timeout)
    }

    /// How long a quorum that has moved waits for the NEW-VIEW: the timeout of the view before, so that the first one is the base.
    pub(crate) fn new_view_timeout(&self, config: &Config) -> Duration {
        Self { failures: self.failures.saturating_sub(1), ..self.clone() }.timeout(config)
    }

    /// A view starts, or the replica does.
    pub(crate) const fn enter(&mut self, now: Time) {
        self.progress = now;
        self.new_view = None;
        self.overtaken = None;
        self.passed = 0;
        self.propose = true;
    }

    /// When a view without progress is given up (rule V-1).
    pub(crate) fn no_progress(&self, config: &Config) -> Time {
        self.no_progress_since(Time::ZERO, config)
    }

    /// When it is, if nothing had to be done before then.
    pub(crate) fn no_progress_since(&self, since: Time, config: &Config) -> Time {
        since.max(self.progress).max(self.excused).after(self.timeout(config))
    }

    /// When an overtaken request counts as censored (rule V-2).
    pub(crate) fn censorship(&self, config: &Config) -> Option<Time> {
        let wait = self.timeout(config).saturating_mul(CENSORSHIP_TIMEOUTS);
        self.overtaken.map(|(_, since)| since.after(wait))
    }

    /// When waiting requests are passed on to the primary: after a quarter of the base timeout, and again as often.
    pub(crate) fn relay(&self, config: &Config) -> Time {
        self.relay.after(relay_wait(config))
    }

    /// When this replica says where it stands: as a heartbeat, and sooner when it waits without progress.
    pub(crate) fn status(&self, config: &Config, waiting: bool) -> Time {
        let heartbeat = self.status.after(config.heartbeat_interval);
        let stuck = self.status.max(self.progress).after(config.retransmit_interval);
        if waiting { heartbeat.min(stuck) } else { heartbeat }
    }
}

/// How often the base timeout has to be doubled to be as long as `span`.
pub(crate) fn doublings(config: &Config, span: Duration) -> u32 {
    let bases = span.as_micros().div_ceil(config.base_timeout.as_micros().max(1));
    bases.next_power_of_two().trailing_zeros()
}

/// How long a request may wait before the primary is handed a copy.
pub(crate) fn relay_wait(config: &Config) -> Duration {
    config.base_timeout / 4
}
