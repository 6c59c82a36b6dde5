//! The one process that starts a testnet's nodes, keeps them up, breaks them on request, and takes them all with it when it ends.

mod backoff;
mod fleet;
mod keeper;
mod process;
mod server;

use std::path::Path;
use std::sync::Arc;

use self::fleet::Fleet;
use self::process::Recipe;
use crate::log_file::LogFile;
use crate::protocol::SupervisorStatus;
use crate::{LaunchError, Layout, SupervisorLock, Testnet};

/// A running testnet, in this process.
pub struct Supervisor {
    layout: Layout,
    fleet: Arc<Fleet>,
    control: tokio::task::JoinHandle<()>,
    _lock: SupervisorLock,
}

impl Supervisor {
    /// Starts a process for every replica, `program node run --config FILE --exit-with-stdin`, and listens for commands. Before
    /// anything is started, all ports are found to be free. Needs a Tokio runtime.
    ///
    /// # Errors
    /// When a port is taken, or a log or the socket cannot be opened.
    pub fn start(testnet: &Testnet, lock: SupervisorLock, program: &Path) -> Result<Self, LaunchError> {
        let description = testnet.description();
        testnet.check_ports(&lock)?;
        let layout = testnet.layout().clone();
        let recipes = (0..description.n).map(|replica| recipe(&layout, replica, program)).collect::<Result<_, _>>()?;
        let fleet = Arc::new(Fleet::start(recipes));
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

fn recipe(layout: &Layout, replica: u16, program: &Path) -> Result<Recipe, LaunchError> {
    let path = layout.log(replica);
    let log = LogFile::open(&path).map_err(LaunchError::io(&path, "open"))?;
    Ok(Recipe { program: program.into(), config: layout.config(replica), log })
}
