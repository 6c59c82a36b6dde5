//! One node: the shipping replica, execution, journal and recovery over a simulated disk, driven as the server drives them.
//!
//! ```text
//!   inbox ──▶ turn: step each input ──▶ at once ─────────────▶ acts
//!                                      records ─▶ sync ─▶ held ─▶ acts
//!   Execute ──▶ queue ──▶ executed later ──▶ Executed, Snapshotted ──▶ inbox
//! ```
//!
//! A node does nothing by itself. It says what is to be done ([`Act`]), and the world does it: so a crash can come between any
//! two of its parts.

mod clock;
mod damage;
mod disk;
mod driver;
mod executor;
mod fault;
mod journal;
mod machine;
mod recovery;
mod running;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_kv::{Overlay, StateMachine};
use tetrarch_replica::{Config, Record, ReplicaStatus};
use tetrarch_storage::Taken;
use tetrarch_types::{ReplicaId, Response, Time, TransactionId};

pub use clock::{Clock, EPOCH, MAX_DRIFT};
pub use disk::{Backup, Disk, JournalEnds};
pub use driver::Reach;
pub use fault::{Fault, Halt, Trap};
pub(crate) use machine::words;
pub use running::Running;

use crate::chain::Chain;
use crate::draw::Drawn;
use crate::faults::{CrashPoint, NodeTrouble};
use crate::letter::Letter;
use crate::rng::Rng;
use crate::sight::Sight;
use crate::state_digest::state_digest;
use crate::workload::Workload;

/// Something that a node wants done, or that happened in it.
#[derive(Clone, Debug)]
pub enum Act {
    /// Send a signed message to another replica.
    Send {
        /// To whom.
        to: ReplicaId,
        /// What.
        message: Rc<Letter>,
    },
    /// Answer a client.
    Respond {
        /// Which.
        client: usize,
        /// The transaction that it asked for.
        about: TransactionId,
        /// What; apart, since acts are moved much more often than anybody is answered.
        response: Box<Response>,
    },
    /// The turn's records wait for their fsync: call [`Running::sync`] when it is done.
    Sync,
    /// A batch or another job waits: call [`Running::execute`] when its time has come.
    Execute,
    /// Something cannot be read, and what: the process ends, and a new one repairs it.
    Damaged(String),
    /// The disk takes no more: the process votes no more and ends.
    Halted(Halt),
    /// Something happened that is counted.
    Count(&'static str),
    /// A fault had its effect.
    Struck(NodeTrouble),
    /// For the oracles.
    Saw(Sight),
    /// The node met something that no correct node meets.
    Broken(String),
}

/// The most that doubling makes of a first timeout, for the shortest and for the longest ones: a settled view must fit even where the
/// first timeout is shorter than a message's way.
const LONGEST_TIMEOUT: (Duration, Duration) = (Duration::from_millis(1_200), Duration::from_millis(4_800));

/// One node, up or down.
pub struct Node {
    /// Which member it is.
    pub id: ReplicaId,
    /// Its clocks.
    pub clock: Clock,
    /// What outlives its crashes.
    pub disk: Disk,
    /// The process, while there is one.
    pub running: Option<Running>,
    /// How many processes there have been: what was meant for an earlier one is void.
    pub incarnation: u64,
    /// It stands still until then.
    pub paused_until: Time,
    /// Where its next turn that writes is to end, and how long the node is then down.
    pub doomed: Option<(CrashPoint, Duration)>,
    /// Its next start reads and checks everything, whatever was drawn.
    pub is_suspect: bool,
    /// Its fsyncs take long until then.
    pub slow_until: Time,
    /// How often it still loses its power shortly after it came back.
    pub storm: u32,
    config: Config,
    how: Start,
}

/// How a node starts.
#[derive(Clone)]
pub struct Start {
    /// What it runs.
    pub workload: Arc<dyn Workload>,
    /// It reads and checks everything first.
    pub is_cold: bool,
    /// Decided batches that it keeps.
    pub ledger: u64,
}

impl Node {
    /// A node with an empty disk, made ready for the chain, and down.
    ///
    /// # Errors
    /// A sentence, when the disk cannot be made ready.
    pub fn new(
        id: ReplicaId,
        chain: &Chain,
        drawn: &Drawn,
        workload: &Arc<dyn Workload>,
        rng: &mut Rng,
    ) -> Result<Self, String> {
        let disk = Disk::new(recovery::tables(workload));
        disk.init(chain)?;
        Ok(Self {
            id,
            clock: Clock::draw(rng, drawn.skew),
            disk,
            running: None,
            incarnation: 0,
            paused_until: Time::ZERO,
            doomed: None,
            is_suspect: false,
            slow_until: Time::ZERO,
            storm: 0,
            config: config(id, chain, drawn),
            how: Start { workload: workload.clone(), is_cold: drawn.is_cold, ledger: drawn.ledger },
        })
    }

    /// Starts the process on what the disk holds. Returns the records that it starts from: some may have become durable while the
    /// power failed, so that nobody saw it.
    ///
    /// # Errors
    /// Nothing but a disk that takes no more keeps a correct node from starting.
    pub fn start(&mut self, chain: &Chain) -> Result<Vec<Record>, Fault> {
        self.incarnation += 1;
        self.config.start = self.incarnation;
        let how = Start { is_cold: self.starts_cold(), ..self.how.clone() };
        let (running, records) = Running::recover(self.config.clone(), &self.disk, chain, &how)?;
        self.is_suspect = false;
        self.running = Some(running);
        Ok(records)
    }

    /// Whether its next start reads and checks everything.
    pub const fn starts_cold(&self) -> bool {
        self.how.is_cold || self.is_suspect
    }

    /// The power fails. Returns what was lost.
    pub fn crash(&mut self, rng: &mut Rng) -> Taken {
        let interrupted = self.running.as_ref().is_some_and(Running::is_syncing) && rng.chance(5_000);
        if let Some(running) = self.running.as_mut().filter(|_| interrupted) {
            running.interrupt_sync(&self.disk);
        }
        self.running = None;
        self.incarnation += 1;
        self.paused_until = Time::ZERO;
        let point = self.doomed.take().map(|(point, _)| point);
        self.disk.crash(point, rng)
    }

    /// Its disk is made ready for the chain, as before its very first start.
    ///
    /// # Errors
    /// A sentence, when the disk cannot be made ready.
    pub fn init(&self, chain: &Chain) -> Result<(), String> {
        self.disk.init(chain)
    }

    /// Whether nothing that can be read on its disk says which chain it is of.
    pub fn names_no_chain(&self, chain: &Chain) -> bool {
        recovery::names_no_chain(&self.disk, chain, &self.how)
    }

    /// What the workload says of the state here, if that is the state behind a whole batch and can be read.
    pub fn judged(&self) -> Option<Result<(), String>> {
        if self.running.as_ref()?.executor.is_damaged() {
            return None;
        }
        let machine = self.how.workload.machine();
        let tables = machine.own_tables();
        let state = Overlay::new(&self.disk.store, &tables);
        let verdict = self.how.workload.check(&state);
        state.failure().is_none().then_some(verdict)
    }

    /// Every row of its state under the root, in one digest.
    ///
    /// # Errors
    /// A sentence, if one cannot be read.
    pub fn state(&self) -> Result<Digest, String> {
        let tables = recovery::rooted_tables(&self.how.workload);
        state_digest(&self.disk.store, &tables).map_err(|error| error.to_string())
    }

    /// Where its replica stands, if it is up.
    pub fn status(&self) -> Option<ReplicaStatus> {
        self.running.as_ref().map(Running::status)
    }
}

fn config(id: ReplicaId, chain: &Chain, drawn: &Drawn) -> Config {
    let mut config = Config::new(id, chain.membership.clone());
    // However short the first timeout is: a view gets time enough in the end, and nobody repeats himself faster than others hear it.
    config.base_timeout = drawn.base_timeout;
    config.max_timeout = (drawn.base_timeout * 8).max(drawn.hop() * 16).clamp(LONGEST_TIMEOUT.0, LONGEST_TIMEOUT.1);
    config.retransmit_interval = (drawn.base_timeout / 4).max(drawn.hop()).max(Duration::from_millis(25));
    config.heartbeat_interval = drawn.base_timeout.max(drawn.hop() * 4).max(Duration::from_millis(100));
    (config.pipeline, config.batch_spacing) = (drawn.pipeline, drawn.spacing);
    config.batch_transactions = drawn.batch;
    config.pool = drawn.pool;
    config
}
