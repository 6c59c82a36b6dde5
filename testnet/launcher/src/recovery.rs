//! How a replica comes back, and how it came back, for people and scripts.

use serde::{Deserialize, Serialize};
use tetrarch_types::{NodeMode, Recovery, TransferProgress};

/// The state transfer that a replica has under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferStatus {
    /// The checkpoint whose state it fetches.
    pub checkpoint: u64,
    /// Thousandths that are in place.
    pub permille: u16,
    /// Rows written so far.
    pub rows: u64,
    /// Bytes received so far.
    pub bytes: u64,
    /// Peers that it dropped because they lied.
    pub liars: u32,
}

/// How a replica came back when its process started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryStatus {
    /// What it found and did, a sentence each.
    pub findings: Vec<String>,
    /// How long it read its own disk, in milliseconds.
    pub disk_ms: u64,
    /// How long it then took until it was level with the others, in milliseconds; null while it is not.
    pub level_ms: Option<u64>,
    /// Rows that came from the others.
    pub rows_fetched: u64,
}

impl From<TransferProgress> for TransferStatus {
    fn from(progress: TransferProgress) -> Self {
        let TransferProgress { checkpoint, permille, rows, bytes, outstanding: _, liars } = progress;
        Self { checkpoint: checkpoint.get(), permille, rows, bytes, liars }
    }
}

impl From<Recovery> for RecoveryStatus {
    fn from(recovery: Recovery) -> Self {
        let Recovery { findings, disk_micros, level_micros, rows_fetched } = recovery;
        Self { findings, disk_ms: disk_micros / 1_000, level_ms: level_micros.map(|it| it / 1_000), rows_fetched }
    }
}

/// Why a replica that answers does not take part in full.
pub(crate) fn reason(mode: &NodeMode, transfer: Option<TransferStatus>) -> Option<String> {
    match mode {
        NodeMode::Halted(why) => Some(why.clone()),
        NodeMode::Silent { until: Some(until) } => {
            Some(format!("it lost records of its votes and votes from the stable checkpoint {until} on"))
        }
        NodeMode::Silent { until: None } => Some("it asks the others which of its votes they hold, and votes then".into()),
        NodeMode::Recovering => transfer.map(|transfer| {
            let TransferStatus { checkpoint, permille, rows, bytes, liars } = transfer;
            let percent = permille / 10;
            let dropped = if liars == 0 { String::new() } else { format!(", {liars} of them dropped because they lied") };
            format!("it fetches the state at checkpoint {checkpoint} from the others{dropped}: {percent} %, {rows} rows, {bytes} bytes")
        }),
        NodeMode::Normal | NodeMode::ChangingView => None,
    }
}

#[cfg(test)]
mod tests {
    use tetrarch_types::SeqNum;

    use super::*;

    #[test]
    fn what_keeps_a_replica_from_voting_is_said() {
        let silent = reason(&NodeMode::Silent { until: Some(SeqNum::new(512)) }, None).unwrap_or_default();
        assert_eq!(silent, "it lost records of its votes and votes from the stable checkpoint 512 on");
        let transfer = TransferStatus { checkpoint: 256, permille: 426, rows: 7, bytes: 900, liars: 1 };
        let fetching = reason(&NodeMode::Recovering, Some(transfer)).unwrap_or_default();
        assert!(fetching.contains("checkpoint 256") && fetching.contains("42 %, 7 rows, 900 bytes"), "{fetching}");
        assert!(fetching.contains("1 of them dropped"), "{fetching}");
        assert_eq!(reason(&NodeMode::Recovering, None), None);
        assert_eq!(reason(&NodeMode::Normal, None), None);
    }
}
