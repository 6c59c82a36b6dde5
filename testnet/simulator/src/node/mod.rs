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
mod disk;
mod driver;
mod executor;
mod journal;
mod recovery;
mod running;

use std::rc::Rc;
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_kv::KvMachine;
use tetrarch_replica::{Config, Record, ReplicaStatus};
use tetrarch_types::{ReplicaId, Response, Time, TransactionId};

pub use clock::{Clock, EPOCH};
pub use disk::{Backup, Disk};
pub use driver::Reach;
pub use running::Running;

use crate::chain::Chain;
use crate::draw::Drawn;
use crate::faults::CrashPoint;
use crate::letter::Letter;
use crate::rng::Rng;
use crate::sight::Sight;
use crate::state_digest::state_digest;

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
        /// What.
        response: Response,
    },
    /// The turn's records wait for their fsync: call [`Running::sync`] when it is done.
    Sync,
    /// A batch or another job waits: call [`Running::execute`] when its time has come.
    Execute,
    /// Something cannot be read: the process ends, and a new one repairs it.
    Damaged,
    /// Something happened that is counted.
    Count(&'static str),
    /// For the oracles.
    Saw(Sight),
    /// The node met something that no correct node meets.
    Broken(String),
}

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
    config: Config,
    how: Start,
}

/// How a node starts.
#[derive(Clone, Debug)]
pub struct Start {
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
    pub fn new(id: ReplicaId, chain: &Chain, drawn: &Drawn, rng: &mut Rng) -> Result<Self, String> {
        let disk = Disk::default();
        recovery::init(&disk, chain).map_err(|error| error.to_string())?;
        Ok(Self {
            id,
            clock: Clock::draw(rng, drawn.skew),
            disk,
            running: None,
            incarnation: 0,
            paused_until: Time::ZERO,
            doomed: None,
            is_suspect: false,
            config: config(id, chain, drawn),
            how: Start { is_cold: drawn.is_cold, ledger: drawn.ledger },
        })
    }

    /// Starts the process on what the disk holds. Returns the records that it starts from: some may have become durable while the
    /// power failed, so that nobody saw it.
    ///
    /// # Errors
    /// A sentence: no correct node's disk keeps it from starting.
    pub fn start(&mut self, chain: &Chain) -> Result<Vec<Record>, String> {
        self.incarnation += 1;
        self.config.start = self.incarnation;
        let how = Start { is_cold: self.how.is_cold || self.is_suspect, ..self.how.clone() };
        self.is_suspect = false;
        let (running, records) = Running::recover(self.config.clone(), &self.disk, chain, &how)?;
        self.running = Some(running);
        Ok(records)
    }

    /// The power fails. Returns how many writes were lost.
    pub fn crash(&mut self, rng: &mut Rng) -> u64 {
        let interrupted = self.running.as_ref().is_some_and(Running::is_syncing) && rng.chance(5_000);
        if let Some(running) = self.running.as_mut().filter(|_| interrupted) {
            running.interrupt_sync(&self.disk);
        }
        self.running = None;
        self.incarnation += 1;
        self.doomed = None;
        self.paused_until = Time::ZERO;
        self.disk.crash(rng)
    }

    /// Its disk is made ready for the chain, as before its very first start.
    ///
    /// # Errors
    /// A sentence, when the disk cannot be made ready.
    pub fn init(&self, chain: &Chain) -> Result<(), String> {
        recovery::init(&self.disk, chain).map_err(|error| error.to_string())
    }

    /// Whether nothing that can be read on its disk says which chain it is of.
    pub fn names_no_chain(&self, chain: &Chain) -> bool {
        recovery::names_no_chain(&self.disk, chain, &self.how)
    }

    /// Every row of its state under the root, in one digest.
    ///
    /// # Errors
    /// A sentence, if one cannot be read.
    pub fn state(&self) -> Result<Digest, String> {
        let tables = recovery::State::rooted_tables(&KvMachine);
        state_digest(&self.disk.store, &tables).map_err(|error| error.to_string())
    }

    /// Where its replica stands, if it is up.
    pub fn status(&self) -> Option<ReplicaStatus> {
        self.running.as_ref().map(Running::status)
    }

    /// Puts a bug into the replica, from its next start on.
    #[cfg(feature = "mutants")]
    pub fn set_mutant(&mut self, mutant: Option<tetrarch_replica::Mutant>) {
        self.config.mutant = mutant;
    }
}

fn config(id: ReplicaId, chain: &Chain, drawn: &Drawn) -> Config {
    let mut config = Config::new(id, chain.membership.clone());
    config.base_timeout = drawn.base_timeout;
    config.max_timeout = drawn.base_timeout * 8;
    config.retransmit_interval = drawn.base_timeout / 4;
    config.heartbeat_interval = drawn.base_timeout;
    config.pipeline = drawn.pipeline;
    config.batch_transactions = drawn.batch;
    config.pool = drawn.pool;
    config
}
