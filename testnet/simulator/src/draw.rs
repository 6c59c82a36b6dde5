//! Swarm: every run draws its own mix of sizes, rates, faults and liars (Groce et al., "Swarm Testing", 2012).

use std::fmt;
use std::time::Duration;

use tetrarch_replica::PoolLimits;

use crate::adversary::Lie;
use crate::client::Mischief;
use crate::faults::{MessageTrouble, NodeTrouble};
use crate::options::{Options, Profile};
use crate::rng::{Rate, Rng};
use crate::scheme::Signatures;

/// One run in this many has real signatures.
const REAL_SIGNATURES_ONE_IN: u64 = 16;

/// Of the faulty replicas, how many run twice instead of lying.
const TWINS: Rate = 2_000;

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
    /// How long faults last.
    pub faulty_for: Duration,
    /// What happens to messages, and how often.
    pub message_troubles: Vec<(MessageTrouble, Rate)>,
    /// What happens to nodes and links, and at what mean distance.
    pub node_troubles: Vec<(NodeTrouble, Duration)>,
    /// The liars and what each of them does.
    pub liars: Vec<(usize, Vec<Lie>)>,
    /// The replicas that run twice, with one key: faulty as well, though each of the two runs honest code.
    pub twins: Vec<usize>,
    /// What each hostile client does.
    pub mischief: Vec<Vec<Mischief>>,
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
        drawn.twins = twins.into_iter().map(|(twin, _)| twin).collect();
        drawn.be_hostile(&mut rng.fork(), options);
        drawn
    }

    fn sizes(rng: &mut Rng, options: &Options, n: usize) -> Self {
        let checkpoint_interval = rng.between(4, 16);
        let real = rng.below(REAL_SIGNATURES_ONE_IN) == 0;
        let drawn_signatures = if real { Signatures::Real } else { Signatures::Fake };
        let latency = Duration::from_micros(rng.one_of([100, 500, 2_000, 10_000]));
        let faulty_for = rng.span(Duration::from_millis(1_500), Duration::from_millis(4_000));
        Self {
            profile: options.profile,
            n,
            clients: rng.between(1, 4) as usize,
            depth: rng.between(1, 3) as usize,
            signatures: options.signatures.unwrap_or(drawn_signatures),
            checkpoint_interval,
            window: checkpoint_interval * rng.between(2, 4),
            pipeline: rng.one_of([1, 2, 4, 8, 16]),
            batch: rng.one_of([1, 2, 16, 1_024]),
            base_timeout: rng.span(Duration::from_millis(150), Duration::from_millis(600)),
            ledger: rng.one_of([16, 64, 256, 1_024]),
            is_cold: rng.chance(7_000),
            latency,
            jitter: latency * rng.one_of([0, 1, 2, 5]),
            fsync: Duration::from_micros(rng.one_of([20, 200, 2_000])),
            skew: Duration::from_millis(rng.one_of([0, 1, 100, 2_000])),
            faulty_for: options.faulty_for.unwrap_or(faulty_for),
            message_troubles: Vec::new(),
            node_troubles: Vec::new(),
            liars: Vec::new(),
            twins: Vec::new(),
            mischief: Vec::new(),
            mischief_pace: Duration::ZERO,
            pool: PoolLimits::default(),
        }
    }

    /// Draws hostile clients. Pools are smaller then than any flood, and not so large that an honest client would wait behind a full
    /// one for longer than everyone may take to be well.
    fn be_hostile(&mut self, rng: &mut Rng, options: &Options) {
        let count = if options.mischief.is_empty() { rng.below(3) } else { 1 };
        let drawn = (0..count).map(|_| mischief(rng, self.signatures)).collect();
        let pace = Duration::from_millis(rng.one_of([60, 200, 500]));
        let (transactions, per_sender) = (rng.one_of([64, 256, 2_048]), rng.one_of([8, 32, 256]));
        let bytes = rng.one_of([64 * 1_024, 1_024 * 1_024, 128 * 1_024 * 1_024]);
        if count > 0 && options.profile.has_liars() {
            self.mischief = if options.mischief.is_empty() { drawn } else { vec![options.mischief.clone()] };
            self.mischief_pace = pace;
            self.pool = PoolLimits { transactions: transactions.min(16 * self.batch), bytes, per_sender };
        }
    }

    /// The replicas that lie or run twice.
    pub fn faulty(&self) -> impl Iterator<Item = usize> {
        self.liars.iter().map(|(liar, _)| *liar).chain(self.twins.iter().copied())
    }
}

fn message_troubles(rng: &mut Rng, profile: Profile) -> Vec<(MessageTrouble, Rate)> {
    let mut troubles = Vec::new();
    for trouble in MessageTrouble::ALL {
        let rate = rng.one_of([0, 50, 300, 1_500]) as Rate;
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
        let wanted = rng.chance(5_000);
        // Liars need view changes to lie in: something has to take primaries away.
        let always = profile == Profile::Byzantine && trouble == NodeTrouble::IsolatePrimary;
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

fn lies(rng: &mut Rng) -> Vec<Lie> {
    let count = rng.between(1, 3) as usize;
    let mut lies = rng.sample(&Lie::ALL, count);
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
        writeln!(f, "checkpoint interval {}, window {}", self.checkpoint_interval, self.window)?;
        writeln!(f, "pipeline {}, batch {}, base timeout {:?}", self.pipeline, self.batch, self.base_timeout)?;
        writeln!(f, "ledger {}, {} starts", self.ledger, if self.is_cold { "cold" } else { "hot" })?;
        writeln!(f, "latency {:?} + {:?}, fsync {:?}, skew {:?}", self.latency, self.jitter, self.fsync, self.skew)?;
        writeln!(f, "message faults {:?}", self.message_troubles)?;
        writeln!(f, "node faults {:?}", self.node_troubles)?;
        writeln!(f, "liars {:?}, twins {:?}", self.liars, self.twins)?;
        write!(f, "hostile clients {:?} every {:?}, {:?}", self.mischief, self.mischief_pace, self.pool)
    }
}
