//! A fetched state, from the wish for it to its end: what joins the fetcher to the state that it replaces.
//!
//! ```text
//!   begin ──▶ note, synced ──▶ fold ──▶ Transfer ◀── parts, silence ──▶ Ask
//!                                          │
//!                                          └─ root reached ──▶ finish: one synced write ──▶ Installed
//! ```
//!
//! One for each replica, driven by whoever owns the state: it is told the time and what peers sent, and says what to ask and what
//! came of it.

use std::collections::BTreeSet;

use tetrarch_storage::{Store, StoreError};
use tetrarch_types::{Applied, CheckpointCertificate, Fetch, ReplicaId, SeqNum, Supply, Time, TransferProgress};

use crate::execution::{Execution, InstallError, StateMachine};
use crate::transfer::{Ask, Transfer};

/// What an installation wants done, or has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstallEvent {
    /// Ask a peer.
    Ask {
        /// Whom.
        to: ReplicaId,
        /// What for.
        fetch: Fetch,
    },
    /// A peer sent what is not the certified state: it is not asked again.
    Liar {
        /// Who.
        peer: ReplicaId,
    },
    /// The state is in place and durable.
    Installed {
        /// Of which checkpoint.
        certificate: CheckpointCertificate,
        /// What agreement must know of it.
        applied: Box<Applied>,
    },
    /// No peer that answers holds the target: a later one is needed.
    Gone {
        /// The target.
        checkpoint: SeqNum,
    },
}

/// The installation of one replica; idle most of the time.
pub struct Installation {
    peers: Vec<ReplicaId>,
    transfer: Option<Transfer>,
    /// Whether it was said that the target is gone.
    said_gone: bool,
    liars: BTreeSet<ReplicaId>,
    /// Rows that earlier transfers brought.
    rows: u64,
}

impl Installation {
    /// An idle one, for a replica with these peers.
    pub const fn new(peers: Vec<ReplicaId>) -> Self {
        Self { peers, transfer: None, said_gone: false, liars: BTreeSet::new(), rows: 0 }
    }

    /// Begins to replace the state by that of a checkpoint, or turns to a later one; what is in place stays. The start of the chain is
    /// put in place at once: there is nothing to fetch for it.
    ///
    /// # Errors
    /// If the state cannot be written. Nothing may execute then.
    pub fn begin<M: StateMachine, S: Store>(
        &mut self,
        state: &Execution<M, S>,
        target: CheckpointCertificate,
        now: Time,
        out: &mut Vec<InstallEvent>,
    ) -> Result<(), StoreError> {
        self.said_gone = false;
        if target.is_genesis() {
            state.begin_install(None)?;
            let applied = Box::new(state.restart_from_genesis().map_err(broken)?);
            self.end();
            out.push(InstallEvent::Installed { certificate: target, applied });
            return Ok(());
        }
        state.begin_install(Some(&target))?;
        match &mut self.transfer {
            Some(transfer) => transfer.retarget(target, now),
            None => {
                state.make_comparable()?;
                self.liars.clear();
                self.transfer = Some(Transfer::new(target, self.peers.clone(), now));
            }
        }
        self.wake(state, now, out)
    }

    /// A peer's answer.
    ///
    /// # Errors
    /// If the state cannot be read or written.
    pub fn arrived<M: StateMachine, S: Store>(
        &mut self,
        state: &Execution<M, S>,
        now: Time,
        from: ReplicaId,
        supply: Supply,
        out: &mut Vec<InstallEvent>,
    ) -> Result<(), StoreError> {
        let Some(transfer) = &mut self.transfer else { return Ok(()) };
        let mut asks = Vec::new();
        match supply {
            Supply::State { checkpoint, parts } => {
                transfer.on_parts(state, now, from, checkpoint, parts, &mut asks)?;
            }
            Supply::NoState { checkpoint } => transfer.on_no_state(now, from, checkpoint, &mut asks),
            _ => {}
        }
        self.go_on(state, asks, out)
    }

    /// Its time has come.
    ///
    /// # Errors
    /// If the state cannot be read or written.
    pub fn wake<M: StateMachine, S: Store>(
        &mut self,
        state: &Execution<M, S>,
        now: Time,
        out: &mut Vec<InstallEvent>,
    ) -> Result<(), StoreError> {
        let Some(transfer) = &mut self.transfer else { return Ok(()) };
        let mut asks = Vec::new();
        transfer.on_deadline(state, now, &mut asks)?;
        self.go_on(state, asks, out)
    }

    /// When [`wake`](Self::wake) is due.
    pub fn deadline(&self) -> Option<Time> {
        self.transfer.as_ref().and_then(Transfer::deadline)
    }

    /// How far the transfer under way is.
    pub fn progress(&self) -> Option<TransferProgress> {
        self.transfer.as_ref().map(Transfer::progress)
    }

    /// Rows that transfers brought, in all.
    pub fn rows(&self) -> u64 {
        self.rows + self.progress().map_or(0, |progress| progress.rows)
    }

    fn go_on<M: StateMachine, S: Store>(
        &mut self,
        state: &Execution<M, S>,
        asks: Vec<Ask>,
        out: &mut Vec<InstallEvent>,
    ) -> Result<(), StoreError> {
        out.extend(asks.into_iter().map(|Ask { to, fetch }| InstallEvent::Ask { to, fetch }));
        let Some(transfer) = &self.transfer else { return Ok(()) };
        let liars: BTreeSet<ReplicaId> = transfer.liars().collect();
        out.extend(liars.difference(&self.liars).map(|peer| InstallEvent::Liar { peer: *peer }));
        self.liars = liars;
        if transfer.is_complete() {
            return self.finish(state, out);
        }
        if transfer.is_stuck() && !self.said_gone {
            self.said_gone = true;
            out.push(InstallEvent::Gone { checkpoint: transfer.target().seq });
        }
        Ok(())
    }

    fn finish<M: StateMachine, S: Store>(
        &mut self,
        state: &Execution<M, S>,
        out: &mut Vec<InstallEvent>,
    ) -> Result<(), StoreError> {
        let Some(certificate) = self.transfer.as_ref().map(|transfer| transfer.target().clone()) else { return Ok(()) };
        let applied = Box::new(state.finish_install(&certificate).map_err(broken)?);
        self.end();
        out.push(InstallEvent::Installed { certificate, applied });
        Ok(())
    }

    fn end(&mut self) {
        self.rows = self.rows();
        self.transfer = None;
    }
}

/// The root is reached and yet the state is not the one it stands for: what is here is not what was written.
fn broken(error: InstallError) -> StoreError {
    match error {
        InstallError::Store(error) => error,
        other => StoreError::Corrupt { place: "The installed state".to_owned(), reason: other.to_string() },
    }
}
