//! The tables of the configuration file.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tetrarch_replica::PoolLimits;
use tetrarch_transport::ClientLimits;

/// `[log]`: what is logged, and how. The node itself only emits; the program around it reads these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// A filter as `tracing` reads it. Default: `info`.
    pub filter: String,
    /// How a line looks. Default: text.
    pub format: LogFormat,
}

/// How much of what is on the disk a start checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StartCheck {
    /// Every row of the state against its tree, before anything is answered: a second or so for each hundred thousand rows.
    #[default]
    Cold,
    /// Nothing but the journal: the state is taken as the latest checkpoint left it. Damage shows when it is read, and the start that
    /// follows is a cold one.
    Hot,
}

impl StartCheck {
    /// As it is written in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Hot => "hot",
        }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// `[pool]`: transactions that wait to be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Transactions in total. Default: 32768.
    pub transactions: usize,
    /// Their bytes in total. Default: 128 MiB.
    pub bytes: usize,
    /// Transactions of one sender. Default: 4096.
    pub per_sender: usize,
}

impl Default for PoolConfig {
    fn default() -> Self {
        let PoolLimits { transactions, bytes, per_sender } = PoolLimits::default();
        Self { transactions, bytes, per_sender }
    }
}

impl From<PoolConfig> for PoolLimits {
    fn from(PoolConfig { transactions, bytes, per_sender }: PoolConfig) -> Self {
        Self { transactions, bytes, per_sender }
    }
}

/// `[clients]`: bounds against clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientConfig {
    /// Connections in all, of which a host may have as many as it leaves free: alone half of them. Default: 4096.
    pub connections: usize,
    /// Connections from one address (one /64 for IPv6) at most. Default: 1024.
    pub connections_per_address: usize,
    /// Requests of one connection that are not answered yet. Default: 1024.
    pub requests_in_flight: usize,
    /// Responses of one connection that QUIC has not taken yet, in bytes. Default: 32 MiB.
    pub response_bytes: usize,
    /// Seconds of silence, of taking none of its responses, or of not ending a request (and one for each 16 KiB of it), after which a client counts as
    /// gone. Default: 30.
    pub idle_timeout_s: u64,
}

impl Default for ClientConfig {
    fn default() -> Self {
        let limits = ClientLimits::default();
        Self {
            connections: limits.connections,
            connections_per_address: limits.connections_per_address,
            requests_in_flight: limits.requests_in_flight_per_connection,
            response_bytes: limits.response_bytes_per_connection,
            idle_timeout_s: limits.idle_timeout.as_secs(),
        }
    }
}

impl From<ClientConfig> for ClientLimits {
    fn from(config: ClientConfig) -> Self {
        Self {
            connections: config.connections,
            connections_per_address: config.connections_per_address,
            requests_in_flight_per_connection: config.requests_in_flight,
            response_bytes_per_connection: config.response_bytes,
            idle_timeout: Duration::from_secs(config.idle_timeout_s),
        }
    }
}
