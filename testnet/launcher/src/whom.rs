//! Whose process.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Whose process: on the command line a replica's number, or `gateway`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whom {
    /// A replica, by its id.
    Replica(u16),
    /// The gateway.
    Gateway,
}

impl Whom {
    /// As it is written on the command line.
    pub fn word(self) -> String {
        match self {
            Self::Replica(replica) => replica.to_string(),
            Self::Gateway => "gateway".to_owned(),
        }
    }
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replica(replica) => write!(f, "replica {replica}"),
            Self::Gateway => f.write_str("the gateway"),
        }
    }
}

impl FromStr for Whom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(replica) => Ok(Self::Replica(replica)),
            Err(_) if text == "gateway" => Ok(Self::Gateway),
            Err(_) => Err("it is a replica's number, or `gateway`".to_owned()),
        }
    }
}
