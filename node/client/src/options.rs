//! How patient a client is.

use std::time::Duration;

/// How patient a client is, and how long its transactions stay valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// How long one call may take, all attempts together.
    pub timeout: Duration,
    /// How long a replica may be silent before it is asked again. The wait doubles with each time.
    pub retransmit_interval: Duration,
    /// How far ahead of this machine's clock a transaction's validity ends; at most an hour counts (rule R-3).
    pub validity: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            retransmit_interval: Duration::from_millis(500),
            validity: Duration::from_secs(300),
        }
    }
}
