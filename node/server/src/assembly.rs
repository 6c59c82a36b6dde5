//! Puts the stations of a node together and sets them going.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use tetrarch_crypto::{Ed25519, Remembering};
use tetrarch_kv::{Execution, Installation, StateMachine};
use tetrarch_storage::Store;
use tetrarch_transport::{ClientListener, Peers};
use tetrarch_types::{ReplicaId, Verifier};
use tokio::task::JoinSet;

use crate::bounds;
use crate::desk::{self, Answers, Clerk, Desk, Reception};
use crate::doors::Doors;
use crate::driver::{Driver, Exits};
use crate::egress::{Egress, Parcel};
use crate::executor::{Executor, Job};
use crate::observe::Observer;
use crate::outbox::Outbox;
use crate::recovery::Recovered;
use crate::shared::Shared;
use crate::status::{Board, Report};
use crate::supplier::Supplier;
use crate::threads;
use crate::verifier::{self, Admission, Gate, Votes};
use crate::{Identity, NodeConfig, NodeError};

/// A node that runs.
pub(crate) struct Running<M, S> {
    pub(crate) peers: Arc<Peers>,
    pub(crate) clients: ClientListener,
    pub(crate) report: Arc<Report<M, S>>,
    /// Driver, executor, egress, supplier: what a shutdown lets finish before the network closes.
    pub(crate) stations: Vec<JoinHandle<()>>,
    /// Threads that check signatures.
    pub(crate) verifiers: Vec<JoinHandle<()>>,
    pub(crate) tasks: JoinSet<()>,
}

/// Sets every station going.
pub(crate) fn start<M, S>(
    config: &NodeConfig,
    identity: Identity,
    recovered: Recovered<M, S>,
    doors: Doors,
    shared: &Shared,
) -> Result<Running<M, S>, NodeError>
where
    M: StateMachine + Sync + 'static,
    S: Store + Clone + 'static,
{
    let common = Common::new(identity, &recovered, &doors.peers, shared);
    let (to_executor, batches) = sync_channel(bounds::EXECUTOR_QUEUE);
    let (to_egress, parcels) = sync_channel(bounds::EGRESS_QUEUE);
    let (executor, supplier) = (common.executor(to_egress.clone()), common.supplier());
    let driver = common.driver(recovered, to_executor, to_egress);

    let (gate, desk) = (common.gate(), common.desk());
    let Doors { peers, clients, votes, bulk, incoming } = doors;
    let Shared { bench, health, .. } = shared;
    let mut tasks = JoinSet::new();
    tasks.spawn(desk::sweep(Arc::clone(&common.egress), shared.clock));
    tasks.spawn(threads::watch("sorter", Arc::clone(health), verifier::sort_bulk(bulk, Arc::clone(bench))));
    tasks.spawn(threads::watch("reception", Arc::clone(health), common.reception().run(incoming)));
    let votes = Votes::of(votes, shared.counts.clone());
    let verifiers = verifier::start(votes, bench, &gate, &desk, health, shared.clock, config.verifier_workers)?;
    let Common { egress, report, .. } = common;
    let stations = vec![
        threads::start("egress", health, move || egress.run(parcels))?,
        threads::start("executor", health, move || executor.run(batches))?,
        threads::start("supplier", health, move || supplier.run())?,
        threads::start("driver", health, move || driver.run())?,
    ];
    Ok(Running { peers, clients, report, stations, verifiers, tasks })
}

/// What more than one station is made of.
struct Common<M, S> {
    shared: Shared,
    state: Arc<Execution<M, S>>,
    outbox: Arc<Outbox>,
    egress: Arc<Egress<M, S>>,
    verifier: Arc<Verifier>,
    board: Arc<Board>,
    report: Arc<Report<M, S>>,
}

impl<M: StateMachine + Sync + 'static, S: Store + Clone + 'static> Common<M, S> {
    fn new(identity: Identity, recovered: &Recovered<M, S>, peers: &Arc<Peers>, shared: &Shared) -> Self {
        let state = Arc::clone(&recovered.state);
        let scheme = Arc::new(Remembering::new(Ed25519));
        let verifier = Arc::new(Verifier::new(Arc::clone(identity.membership()), Arc::clone(&scheme) as _));
        let (seam, counts) = (shared.seam.clone(), shared.counts.clone());
        let outbox = Arc::new(Outbox::new(identity.clone(), Arc::clone(peers), scheme, seam, counts));
        let board = Arc::new(Board::new(&recovered.replica));
        shared.parking.post(state.executed());
        let egress = Arc::new(Egress::new(Arc::clone(&state), Arc::clone(&outbox), shared.counts.clone()));
        let report = Arc::new(Report {
            identity,
            state: Arc::clone(&state),
            board: Arc::clone(&board),
            health: Arc::clone(&shared.health),
            evidence: recovered.dossier.total(),
            progress: shared.progress.clone(),
            recovery: recovered.recovery.clone(),
            clock: shared.clock,
        });
        Self { shared: shared.clone(), state, outbox, egress, verifier, board, report }
    }

    fn gate(&self) -> Arc<Gate> {
        let Shared { inbox, decided, seam, counts, .. } = &self.shared;
        let (verifier, inbox, decided) = (Arc::clone(&self.verifier), Arc::clone(inbox), Arc::clone(decided));
        Arc::new(Gate::new(verifier, inbox, decided, seam.clone(), counts.clone()))
    }

    fn desk(&self) -> Arc<dyn Admission> {
        Arc::new(Desk {
            state: Arc::clone(&self.state),
            egress: Arc::clone(&self.egress),
            inbox: Arc::clone(&self.shared.inbox),
            health: Arc::clone(&self.shared.health),
            seam: self.shared.seam.clone(),
            clock: self.shared.clock,
            counts: self.shared.counts.clone(),
        })
    }

    fn reception(&self) -> Reception<M, S> {
        let answers = Answers {
            state: Arc::clone(&self.state),
            egress: Arc::clone(&self.egress),
            report: Arc::clone(&self.report),
            health: Arc::clone(&self.shared.health),
        };
        Reception {
            bench: Arc::clone(&self.shared.bench),
            clerk: Clerk {
                answers: Arc::new(answers),
                places: Arc::clone(&self.shared.places),
                counts: self.shared.counts.clone(),
            },
            health: Arc::clone(&self.shared.health),
            parking: Arc::clone(&self.shared.parking),
        }
    }

    fn executor(&self, egress: SyncSender<Parcel>) -> Executor<M, S> {
        let (own, membership) = (self.report.identity.id(), self.report.identity.membership());
        let peers: Vec<ReplicaId> = membership.ids().filter(|id| *id != own).collect();
        Executor {
            state: Arc::clone(&self.state),
            installation: Installation::new(peers),
            tentative: None,
            inbox: Arc::clone(&self.shared.inbox),
            egress,
            outbox: Arc::clone(&self.outbox),
            progress: self.shared.progress.clone(),
            parking: Arc::clone(&self.shared.parking),
            health: Arc::clone(&self.shared.health),
            clock: self.shared.clock,
            counts: self.shared.counts.clone(),
        }
    }

    fn supplier(&self) -> Supplier<M, S> {
        Supplier {
            state: Arc::clone(&self.state),
            wishes: Arc::clone(&self.shared.wishes),
            outbox: Arc::clone(&self.outbox),
            health: Arc::clone(&self.shared.health),
            clock: self.shared.clock,
            counts: self.shared.counts.clone(),
        }
    }

    fn driver(&self, recovered: Recovered<M, S>, executor: SyncSender<Job>, egress: SyncSender<Parcel>) -> Driver<S> {
        let Recovered { replica, journal, live, dossier, .. } = recovered;
        let exits = Exits {
            outbox: Arc::clone(&self.outbox),
            executor,
            egress,
            wishes: Arc::clone(&self.shared.wishes),
            decided: Arc::clone(&self.shared.decided),
            board: Arc::clone(&self.board),
        };
        Driver {
            replica,
            journal,
            live,
            observer: Observer::new(self.shared.counts.clone(), dossier),
            verifier: Arc::clone(&self.verifier),
            inbox: Arc::clone(&self.shared.inbox),
            exits,
            health: Arc::clone(&self.shared.health),
            clock: self.shared.clock,
            counts: self.shared.counts.clone(),
        }
    }
}
