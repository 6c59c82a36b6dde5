//! The one process that starts a testnet's nodes, keeps them up, breaks them on request, and takes them all with it when it ends.

mod backoff;
mod fleet;
mod keeper;
mod process;
mod server;

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use self::fleet::Fleet;
use self::process::{Recipe, Role};
use crate::log_file::LogFile;
use crate::protocol::SupervisorStatus;
use crate::{Gateway, LaunchError, Layout, SupervisorLock, Testnet};

/// A running testnet, in this process.
pub struct Supervisor {
    layout: Layout,
    fleet: Arc<Fleet>,
    control: tokio::task::JoinHandle<()>,
    _lock: SupervisorLock,
}

impl Supervisor {
    /// Starts a process for every replica, `program node run --config FILE --exit-with-stdin`, one for the gateway if there is to be one,
    /// and listens for commands. Before anything is started, all ports are found to be free. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When a port is taken, or a log or the socket cannot be opened.
    pub fn start(
        testnet: &Testnet,
        lock: SupervisorLock,
        program: &Path,
        gateway: Option<Gateway>,
    ) -> Result<Self, LaunchError> {
        let description = testnet.description();
        testnet.check_ports(&lock)?;
        if gateway.is_some() {
            testnet.check_gateway_port(&lock)?;
        }
        let layout = testnet.layout().clone();
        let threads = threads_each(description.n);
        let recipe = |replica| replica_recipe(&layout, replica, program, threads);
        let recipes = (0..description.n).map(recipe).collect::<Result<_, _>>()?;
        let gateway = gateway.map(|gateway| gateway_recipe(&layout, gateway, program)).transpose()?;
        let fleet = Arc::new(Fleet::start(recipes, gateway));
        let control = server::serve(&layout, fleet.clone())?;
        Ok(Self { layout, fleet, control, _lock: lock })
    }

    /// How the processes are.
    pub fn status(&self) -> SupervisorStatus {
        self.fleet.status()
    }

    /// From now on, [`SupervisorStatus::serving`].
    pub fn mark_serving(&self) {
        self.fleet.mark_serving();
    }

    /// Waits until somebody has taken the testnet down through the socket. Every process has ended then.
    pub async fn until_down(&self) {
        self.fleet.until_down().await;
    }

    /// Ends every process: by SIGTERM, and by SIGKILL after a bounded time.
    pub async fn stop(&self) {
        self.fleet.stop_all().await;
    }

    /// Makes a [`Supervisor::stop`] under way use SIGKILL at once.
    pub fn force(&self) {
        self.fleet.force();
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.control.abort();
        let _ = std::fs::remove_file(self.layout.control());
    }
}

/// Replicas share this machine's processors. With a runtime as wide as the machine in each, they wake each other's threads more than they work.
fn threads_each(replicas: u16) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    (processors / usize::from(replicas.max(1))).max(1)
}

fn replica_recipe(layout: &Layout, replica: u16, program: &Path, threads: usize) -> Result<Recipe, LaunchError> {
    let role = Role::Replica { config: layout.config(replica), threads };
    recipe(program, role, &layout.log(replica))
}

fn gateway_recipe(
    layout: &Layout,
    gateway: Gateway,
    program: &Path,
) -> Result<(std::net::SocketAddr, Recipe), LaunchError> {
    let address = gateway.address();
    Ok((address, recipe(program, Role::Gateway(gateway), &layout.gateway_log())?))
}

fn recipe(program: &Path, role: Role, path: &Path) -> Result<Recipe, LaunchError> {
    let log = LogFile::open(path).map_err(LaunchError::io(path, "open"))?;
    Ok(Recipe { program: program.into(), role, log })
}
