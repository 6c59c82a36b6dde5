//! Swarm: every run draws its own mix of sizes, rates, faults and liars (Groce et al., "Swarm Testing", 2012).

use std::fmt;
use std::time::Duration;

use tetrarch_replica::PoolLimits;

use crate::adversary::Lie;
use crate::client::Mischief;
use crate::faults::{MessageTrouble, NodeTrouble};
use crate::options::{HEAL_WITHIN, Options, Profile};
use crate::rng::{Rate, Rng};
use crate::scheme::Signatures;

/// One run in this many has real signatures.
const REAL_SIGNATURES_ONE_IN: u64 = 64;

/// One run in this many has a first timeout that no view can meet: only doubling lets one settle (rule V-7).
const HASTY_ONE_IN: u64 = 10;
/// Of the faulty replicas, how many run twice instead of lying.
const TWINS: Rate = 2_000;

/// Of the faults of nodes and links that there are, how many a run draws: each for itself.
const WANTED: Rate = 2_500;
/// What a client waits at most before it asks for the next thing, if it is in a hurry.
pub const PAUSE: Duration = Duration::from_millis(20);
/// The same in milliseconds, as it is drawn: in a fast network clients in a hurry fill a run with batches that are all alike.
const PAUSES_MS: [u64; 3] = [20, 60, 200];

/// The events after which faults end in half of the runs, and how often the others double it at most.
const FEWEST_EVENTS: u64 = 2_048;
const MOST_DOUBLINGS: u32 = 5;

/// Links that are cut at a certain time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// When.
    pub at: Duration,
    /// For how long.
    pub lasting: Duration,
    /// From where to where, between nodes.
    pub links: Vec<(usize, usize)>,
}

/// Everything that a run drew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The kinds of trouble it drew from.
    pub profile: Profile,
    /// Replicas.
    pub n: usize,
    /// Clients.
    pub clients: usize,
    /// What each client has under way at most.
    pub depth: usize,
    /// How messages are signed.
    pub signatures: Signatures,
    /// K.
    pub checkpoint_interval: u64,
    /// L.
    pub window: u64,
    /// The replicas' pipeline.
    pub pipeline: u64,
    /// How long a primary gathers requests before one more small batch joins others.
    pub spacing: Duration,
    /// The replicas' batch limit.
    pub batch: usize,
    /// The replicas' first timeout.
    pub base_timeout: Duration,
    /// Decided batches that a replica keeps for others.
    pub ledger: u64,
    /// Whether replicas read and check everything when they start.
    pub is_cold: bool,
    /// The least that a message takes.
    pub latency: Duration,
    /// What it takes beyond that, at most.
    pub jitter: Duration,
    /// What an fsync takes at most.
    pub fsync: Duration,
    /// How far clocks lie from each other at most.
    pub skew: Duration,
    /// How long faults last, at most.
    pub faulty_for: Duration,
    /// After how many events of the simulation they end sooner.
    pub faulty_events: u64,
    /// What a client waits at most, as long as there are faults, before it asks for the next thing.
    pub pause: Duration,
    /// What happens to messages, and how often.
    pub message_troubles: Vec<(MessageTrouble, Rate)>,
    /// What happens to nodes and links, and at what mean distance.
    pub node_troubles: Vec<(NodeTrouble, Duration)>,
    /// The liars and what each of them does.
    pub liars: Vec<(usize, Vec<Lie>)>,
    /// The replicas that run twice, with one key: faulty as well, though each of the two runs honest code.
    pub twins: Vec<usize>,
    /// Links that are cut by plan: nothing of this is drawn, scenarios of [`twins`](crate::twins) bring it.
    pub cuts: Vec<Cut>,
    /// The hostile clients and what each of them does.
    pub hostile: Vec<(usize, Vec<Mischief>)>,
    /// How often each of them does something, at a mean distance.
    pub mischief_pace: Duration,
    /// What the replicas' pools take: little, where there are floods.
    pub pool: PoolLimits,
}

impl Drawn {
    /// What a seed draws under the caller's options. The options fix results of the draw, never its order.
    pub fn new(seed: u64, options: &Options) -> Self {
        let mut rng = Rng::new(seed);
        let drawn_n = rng.one_of([4, 4, 4, 5, 7, 10]);
        let mut drawn = Self::sizes(&mut rng, options, options.n.unwrap_or(drawn_n));
        drawn.message_troubles = message_troubles(&mut rng.fork(), options.profile);
        drawn.node_troubles = node_troubles(&mut rng.fork(), options.profile);
        let faulty = liars(&mut rng.fork(), options, drawn.n);
        let mut twins = rng.fork();
        let is_twin = |_: &(usize, Vec<Lie>)| options.lies.is_empty() && twins.chance(TWINS);
        let (twins, liars): (Vec<_>, _) = faulty.into_iter().partition(is_twin);
        drawn.liars = liars;
        drawn.shorten_ledgers();
        drawn.twins = twins.into_iter().map(|(twin, _)| twin).collect();
        if !options.profile.is_bearable() {
            drawn.twins = overrunning(&mut rng.fork(), drawn.n);
        }
        if rng.below(HASTY_ONE_IN) == 0 {
            drawn.make_hasty(&mut rng);
        }
        drawn.be_hostile(&mut rng, options);
        drawn.limit_events(&mut rng, options);
        // Last, so that it moves no other draw of a seed.
        drawn.spacing = Duration::from_millis(rng.one_of([0, 0, 0, 1, 5, 20]));
        options.without.iter().for_each(|trouble| trouble.strike_out(&mut drawn));
        drawn
    }

    /// Draws how much may happen before the faults end, unless the caller says for how long they last. What is wrong shows after
    /// few events or never (`specs/testing.md` has the figures), so half of the runs have the fewest, a quarter twice as many, and so
    /// on: few runs are long enough for what takes many checkpoints, but those with lies about states are: somebody has to be left
    /// behind first, and to fetch one.
    fn limit_events(&mut self, rng: &mut Rng, options: &Options) {
        let doublings = (rng.draw() | 1 << (63 - MOST_DOUBLINGS)).leading_zeros();
        let pause = Duration::from_millis(rng.one_of(PAUSES_MS));
        let (pause, factor) = if self.lies_about_states() { (PAUSE, 4) } else { (pause, 1) };
        self.pause = pause;
        if options.faulty_for.is_none() {
            self.faulty_events = (FEWEST_EVENTS << doublings) * factor;
        }
    }

    /// Who is behind catches up by the log as long as anybody keeps it: lies about states need askers, so little log is kept.
    fn shorten_ledgers(&mut self) {
        if self.lies_about_states() {
            self.ledger = self.checkpoint_interval;
        }
    }

    fn lies_about_states(&self) -> bool {
        self.liars.iter().any(|(_, lies)| lies.contains(&Lie::LieState))
    }

    /// A message takes longer than the first timeout, and none is faster by chance. Every batch costs some views then, so whoever
    /// lost its records would wait long for the checkpoints that end its silence: disks stay whole.
    fn make_hasty(&mut self, rng: &mut Rng) {
        let takes_records = |trouble: &NodeTrouble| {
            matches!(trouble, NodeTrouble::Harm(_) | NodeTrouble::TornSector | NodeTrouble::LostFsync)
        };
        self.node_troubles.retain(|(trouble, _)| !takes_records(trouble));
        self.latency = Duration::from_millis(rng.between(10, 40));
        self.jitter = Duration::ZERO;
        self.base_timeout = self.latency / 2;
    }

    /// The most that a message takes from turn to turn without faults: its sender's fsync and its way.
    pub fn hop(&self) -> Duration {
        self.fsync + self.latency + self.jitter
    }

    /// How long everyone may take to be well again after the faults. Where the first timeout is shorter than agreement takes, each
    /// batch costs some views; where clients flood, what is in the pools comes first, in one view, once more in another, and before what is
    /// asked last, when nobody is silent any more.
    pub fn heal_within(&self) -> Duration {
        let is_tight = self.base_timeout < self.hop() * 4;
        let floods = if self.hostile.is_empty() { Duration::ZERO } else { self.drains_within() * 3 };
        floods + if is_tight { HEAL_WITHIN * 4 } else { HEAL_WITHIN }
    }

    /// How long it takes to order all that pools hold, of clients and of peers: three phases for as many batches as are in flight.
    fn drains_within(&self) -> Duration {
        let rounds = (2 * self.pool.transactions).div_ceil(self.batch * self.pipeline as usize);
        self.hop() * 3 * u32::try_from(rounds).unwrap_or(u32::MAX)
    }

    fn sizes(rng: &mut Rng, options: &Options, n: usize) -> Self {
        let checkpoint_interval = rng.between(4, 16);
        let real = rng.below(REAL_SIGNATURES_ONE_IN) == 0;
        let drawn_signatures = if real { Signatures::Real } else { Signatures::Fake };
        let latency = Duration::from_micros(rng.one_of([100, 500, 2_000, 10_000]));
        let jitter = latency * rng.one_of([0, 1, 2, 5]);
        let faulty_for = rng.span(Duration::from_millis(1_500), Duration::from_millis(4_000));
        let (clients, depth) = (rng.between(1, 4) as usize, rng.between(1, 3) as usize);
        Self {
            profile: options.profile,
            n,
            clients: options.clients.unwrap_or(clients),
            depth: options.depth.unwrap_or(depth),
            signatures: options.signatures.unwrap_or(drawn_signatures),
            checkpoint_interval,
            window: checkpoint_interval * rng.between(2, 4),
            pipeline: rng.one_of([1, 2, 4, 8, 16]),
            spacing: Duration::ZERO,
            batch: rng.one_of([1, 2, 16, 1_024]),
            base_timeout: base_timeout(rng, latency + jitter),
            ledger: rng.one_of([16, 64, 256, 1_024]),
            is_cold: rng.chance(7_000),
            latency,
            jitter,
            fsync: Duration::from_micros(rng.one_of([20, 200, 2_000])),
            skew: Duration::from_millis(rng.one_of([0, 1, 100, 2_000])),
            faulty_for: options.faulty_for.unwrap_or(faulty_for),
            faulty_events: u64::MAX,
            pause: PAUSE,
            message_troubles: Vec::new(),
            node_troubles: Vec::new(),
            liars: Vec::new(),
            twins: Vec::new(),
            cuts: Vec::new(),
            hostile: Vec::new(),
            mischief_pace: Duration::ZERO,
            pool: PoolLimits::default(),
        }
    }

    /// Draws hostile clients. Pools are smaller then than any flood, and not so large that an honest client would wait behind a full
    /// one for longer than everyone may take to be well.
    fn be_hostile(&mut self, rng: &mut Rng, options: &Options) {
        let count = if options.mischief.is_empty() { rng.index(3) } else { 1 };
        let drawn: Vec<_> = (0..count).map(|which| (which, mischief(rng, self.signatures))).collect();
        let pace = Duration::from_millis(rng.one_of([100, 250, 600]));
        let (transactions, per_sender) = (rng.one_of([64, 256, 2_048]), rng.one_of([8, 32, 256]));
        let bytes = rng.one_of([64 * 1_024, 1_024 * 1_024, 128 * 1_024 * 1_024]);
        if count > 0 && options.profile.has_liars() {
            self.hostile = if options.mischief.is_empty() { drawn } else { vec![(0, options.mischief.clone())] };
            self.mischief_pace = pace;
            self.pool = PoolLimits { transactions: transactions.min(16 * self.batch), bytes, per_sender };
        }
    }

    /// The nodes' replicas: one node a replica, and behind them the second halves of twins.
    pub fn replicas(&self) -> impl Iterator<Item = usize> {
        (0..self.n).chain(self.twins.iter().copied())
    }

    /// The replicas that lie or run twice.
    pub fn faulty(&self) -> impl Iterator<Item = usize> {
        self.liars.iter().map(|(liar, _)| *liar).chain(self.twins.iter().copied())
    }
}

/// Mostly a reasonable one. Sometimes shorter than a batch takes, so that it must double before a view can settle, and again for every
/// batch, since execution resets it (rule V-7); sometimes long.
fn base_timeout(rng: &mut Rng, slowest_way: Duration) -> Duration {
    let short = slowest_way * rng.between(1, 3) as u32;
    let long = rng.span(Duration::from_millis(600), Duration::from_secs(2));
    let usual = rng.span(Duration::from_millis(150), Duration::from_millis(600));
    match rng.below(8) {
        0 => short.max(Duration::from_millis(5)),
        1 => long,
        _ => usual,
    }
}

fn message_troubles(rng: &mut Rng, profile: Profile) -> Vec<(MessageTrouble, Rate)> {
    let mut troubles = Vec::new();
    for trouble in MessageTrouble::ALL {
        let rate = trouble.draw_rate(rng);
        if rate > 0 && profile.has_faults() {
            troubles.push((trouble, rate));
        }
    }
    troubles
}

fn node_troubles(rng: &mut Rng, profile: Profile) -> Vec<(NodeTrouble, Duration)> {
    let mut troubles = Vec::new();
    for trouble in NodeTrouble::ALL {
        let pace = Duration::from_millis(rng.one_of([150, 400, 1_000, 3_000]));
        let wanted = rng.chance(WANTED);
        // Liars need view changes to lie in: something has to take primaries away.
        let always = match profile {
            Profile::Byzantine => trouble == NodeTrouble::IsolatePrimary,
            Profile::Overrun => matches!(trouble, NodeTrouble::IsolatePrimary | NodeTrouble::Partition),
            _ => false,
        };
        if (wanted && profile.has_faults()) || always {
            troubles.push((trouble, pace));
        }
    }
    troubles
}

fn liars(rng: &mut Rng, options: &Options, n: usize) -> Vec<(usize, Vec<Lie>)> {
    if !options.profile.has_liars() {
        return Vec::new();
    }
    let most = n.saturating_sub(1) / 3;
    let everyone: Vec<usize> = (0..n).collect();
    let count = 1 + rng.index(most);
    let mut chosen = rng.sample(&everyone, count.min(most));
    chosen.sort_unstable();
    let drawn = chosen.into_iter().map(|liar| (liar, lies(rng)));
    if options.lies.is_empty() {
        drawn.collect()
    } else {
        drawn.map(|(liar, _)| (liar, options.lies.clone())).collect()
    }
}

/// More than f replicas, at most 2f: of every quorum one is honest still.
fn overrunning(rng: &mut Rng, n: usize) -> Vec<usize> {
    let f = n.saturating_sub(1) / 3;
    let everyone: Vec<usize> = (0..n).collect();
    let count = f + 1 + rng.index(f);
    let mut chosen = rng.sample(&everyone, count.min(2 * f).max(f + 1));
    chosen.sort_unstable();
    chosen
}

fn lies(rng: &mut Rng) -> Vec<Lie> {
    let count = rng.between(1, 3) as usize;
    let mut lies = rng.sample(Lie::ALL, count);
    lies.sort_unstable();
    lies
}

fn mischief(rng: &mut Rng, signatures: Signatures) -> Vec<Mischief> {
    let is_possible = |kind: &Mischief| signatures == Signatures::Real || !kind.needs_real_signatures();
    let possible: Vec<Mischief> = Mischief::ALL.into_iter().filter(is_possible).collect();
    let count = rng.between(1, 4) as usize;
    let mut kinds = rng.sample(&possible, count);
    // Few runs have real signatures; those must not go without what means something only there.
    kinds.extend(possible.into_iter().filter(|kind| kind.needs_real_signatures()));
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "profile {}, n {}, signatures {:?}", self.profile, self.n, self.signatures)?;
        writeln!(f, "clients {} × {}, faults for {:?}", self.clients, self.depth, self.faulty_for)?;
        writeln!(f, "at most {} events of them, pauses of {:?}", self.faulty_events, self.pause)?;
        writeln!(f, "checkpoint interval {}, window {}", self.checkpoint_interval, self.window)?;
        let (pipeline, spacing, batch) = (self.pipeline, self.spacing, self.batch);
        writeln!(f, "pipeline {pipeline}, {spacing:?} apart, batch {batch}, base timeout {:?}", self.base_timeout)?;
        writeln!(f, "ledger {}, {} starts", self.ledger, if self.is_cold { "cold" } else { "hot" })?;
        writeln!(f, "latency {:?} + {:?}, fsync {:?}, skew {:?}", self.latency, self.jitter, self.fsync, self.skew)?;
        writeln!(f, "message faults {:?}", self.message_troubles)?;
        writeln!(f, "node faults {:?}", self.node_troubles)?;
        writeln!(f, "liars {:?}, twins {:?}", self.liars, self.twins)?;
        write!(f, "hostile clients {:?} every {:?}, {:?}", self.hostile, self.mischief_pace, self.pool)
    }
}
