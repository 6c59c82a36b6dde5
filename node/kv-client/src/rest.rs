//! Pauses that may be none.

use std::time::Duration;

/// Waits; not at all if there is no time to wait. A timer ticks in milliseconds, so that even no time would take one or two.
pub(crate) async fn rest(pause: Duration) {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}
