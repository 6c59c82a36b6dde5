//! Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Class;

/// Ends the process at the first Ctrl-C, whatever it is doing. For commands that have nothing to end in good order.
pub(crate) fn exit_when_interrupted() {
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(Class::Interrupted as i32);
        }
    });
}

/// Whether Ctrl-C was pressed, for commands that look from time to time and then end in good order.
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from here on. A second Ctrl-C ends the process at once.
    pub(crate) fn listen() -> Self {
        let has_come = Arc::new(AtomicBool::new(false));
        let noted = has_come.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                noted.store(true, Ordering::Relaxed);
                exit_when_interrupted();
            }
        });
        Self(has_come)
    }

    /// Whether it was.
    pub(crate) fn has_come(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
