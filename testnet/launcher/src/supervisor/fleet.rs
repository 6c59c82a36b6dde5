//! All replicas' processes together.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::backoff::Backoff;
use super::keeper::{Keeper, Order, Ordered};
use super::process::Recipe;
use crate::Whom;
use crate::protocol::{Answer, Command, GatewayStatus, ProcessState, ProcessStatus, Refusal, SupervisorStatus};

/// Orders waiting for one keeper.
const MAX_ORDERS: usize = 16;

/// How long a node may take to end by itself.
const GRACE: Duration = Duration::from_secs(10);

/// The keepers of a testnet, told what to do from the terminal and through the socket alike.
pub(super) struct Fleet {
    /// Those of the replicas, by id.
    keepers: Vec<Handle>,
    gateway: Option<(SocketAddr, Handle)>,
    force: watch::Sender<bool>,
    down: watch::Sender<bool>,
    serving: AtomicBool,
}

struct Handle {
    orders: mpsc::Sender<Ordered>,
    status: watch::Receiver<ProcessStatus>,
}

impl Fleet {
    /// Starts one process for each replica's recipe, and one for the gateway's.
    pub(super) fn start(recipes: Vec<Recipe>, gateway: Option<(SocketAddr, Recipe)>) -> Self {
        let force = watch::Sender::new(false);
        let keepers =
            (0..).zip(recipes).map(|(id, recipe)| start_keeper(Whom::Replica(id), recipe, force.subscribe())).collect();
        let gateway =
            gateway.map(|(address, recipe)| (address, start_keeper(Whom::Gateway, recipe, force.subscribe())));
        Self { keepers, gateway, force, down: watch::Sender::new(false), serving: AtomicBool::new(false) }
    }

    /// Does what it is told.
    pub(super) async fn obey(&self, command: Command) -> Answer {
        let result = match command {
            Command::Status => return Answer::Status(self.status()),
            Command::Kill { whom } => self.order(whom, Order::Kill).await,
            Command::Start { whom } => self.order(whom, Order::Start).await,
            Command::Corrupt { replica, corruption } => {
                self.order(Whom::Replica(replica), Order::Corrupt(corruption)).await
            }
            Command::Pause { whom } => self.order(whom, Order::Pause).await,
            Command::Resume { whom } => self.order(whom, Order::Resume).await,
            Command::Down => {
                self.stop_all().await;
                Ok(())
            }
        };
        result.map_or_else(|why| Answer::Refused { why }, |()| Answer::Done)
    }

    pub(super) fn status(&self) -> SupervisorStatus {
        let replicas = self.keepers.iter().map(|keeper| keeper.status.borrow().clone()).collect();
        let gateway =
            self.gateway.as_ref().map(|(address, it)| GatewayStatus::new(*address, it.status.borrow().clone()));
        SupervisorStatus { pid: std::process::id(), serving: self.serving.load(Ordering::Relaxed), replicas, gateway }
    }

    pub(super) fn mark_serving(&self) {
        self.serving.store(true, Ordering::Relaxed);
    }

    /// Ends every process, all at the same time; returns when the last one has ended.
    pub(super) async fn stop_all(&self) {
        let orders = self.all().map(|keeper| keeper.send(Order::Stop { grace: GRACE })).collect::<Vec<_>>();
        let mut waits = Vec::new();
        for order in orders {
            waits.push(order.await);
        }
        for wait in waits.into_iter().flatten() {
            let _ = wait.await;
        }
        for keeper in self.all() {
            // Another order to stop may be the one that is being obeyed.
            let mut status = keeper.status.clone();
            let _ = status.wait_for(|status| status.state == ProcessState::Stopped).await;
        }
    }

    /// No more patience for those that are ending.
    pub(super) fn force(&self) {
        self.force.send_replace(true);
    }

    /// Whoever waits in [`Fleet::until_down`] goes on.
    pub(super) fn announce_down(&self) {
        self.down.send_replace(true);
    }

    pub(super) async fn until_down(&self) {
        let _ = self.down.subscribe().wait_for(|down| *down).await;
    }

    fn all(&self) -> impl Iterator<Item = &Handle> {
        self.keepers.iter().chain(self.gateway.as_ref().map(|(_, keeper)| keeper))
    }

    async fn order(&self, whom: Whom, order: Order) -> Result<(), Refusal> {
        let done = self.keeper(whom)?.send(order).await.ok_or(Refusal::Stopping)?;
        done.await.unwrap_or(Err(Refusal::Stopping))
    }

    fn keeper(&self, whom: Whom) -> Result<&Handle, Refusal> {
        let n = u16::try_from(self.keepers.len()).unwrap_or(u16::MAX);
        match whom {
            Whom::Replica(replica) => {
                self.keepers.get(usize::from(replica)).ok_or(Refusal::NoSuchReplica { replica, n })
            }
            Whom::Gateway => self.gateway.as_ref().map(|(_, keeper)| keeper).ok_or(Refusal::NoGateway),
        }
    }
}

impl Handle {
    /// Where the result will come; `None` when the keeper has gone.
    async fn send(&self, order: Order) -> Option<oneshot::Receiver<Result<(), Refusal>>> {
        let (done, result) = oneshot::channel();
        self.orders.send(Ordered { order, done }).await.ok()?;
        Some(result)
    }
}

fn start_keeper(whom: Whom, recipe: Recipe, force: watch::Receiver<bool>) -> Handle {
    let (orders, receiver) = mpsc::channel(MAX_ORDERS);
    let id = match whom {
        Whom::Replica(replica) => replica,
        // It has none, and none is told: see `GatewayStatus`.
        Whom::Gateway => u16::MAX,
    };
    let (sender, status) = watch::channel(ProcessStatus::starting(id));
    let keeper =
        Keeper { whom, recipe, orders: receiver, status: sender, force, backoff: Backoff::new(), corruption: None };
    tokio::spawn(keeper.run());
    Handle { orders, status }
}
