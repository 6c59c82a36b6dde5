//! What a liar is told of the cluster that it lies to.

use std::time::Duration;

/// What the replicas are set to, as far as a lie depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// How long a view may go without progress before it is given up, without any doubling: a slow primary stays just below it.
    pub timeout: Duration,
    /// How far a batch's stamp may lie from a backup's clock.
    pub clock_bound: Duration,
}

impl Default for Setting {
    /// What replicas are set to unless somebody says otherwise.
    fn default() -> Self {
        Self { timeout: Duration::from_secs(1), clock_bound: Duration::from_secs(10) }
    }
}
