//! Ctrl-C.

use crate::failure::Class;

/// Ends the process at the first Ctrl-C, whatever it is doing. For commands that have nothing to end in good order.
pub(crate) fn exit_when_interrupted() {
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(Class::Interrupted as i32);
        }
    });
}
