//! How a replica comes back, on a line.

use tetrarch_launcher::{RecoveryStatus, ReplicaStatus};

/// Why a replica does not take part in full, what its start found, and how long it took; none where there is nothing to say.
pub(super) fn line(replica: &ReplicaStatus) -> Option<String> {
    let found = replica.recovery.as_ref().filter(|recovery| !recovery.findings.is_empty());
    let parts: Vec<String> = replica.reason.iter().cloned().chain(found.map(findings)).collect();
    if parts.is_empty() { None } else { Some(parts.join("; ")) }
}

fn findings(recovery: &RecoveryStatus) -> String {
    let RecoveryStatus { findings, disk_ms, level_ms, rows_fetched } = recovery;
    let level = match level_ms {
        Some(level) => format!("level with the others {level} ms later"),
        None => "not yet level with the others".into(),
    };
    let found = findings.join("; ");
    format!(
        "its start found: {found}; it read its disk in {disk_ms} ms and is {level}, {rows_fetched} rows came from them"
    )
}

#[cfg(test)]
mod tests {
    use tetrarch_launcher::ReplicaState;

    use super::*;

    fn replica(reason: Option<&str>, findings: &[&str], level_ms: Option<u64>) -> ReplicaStatus {
        let findings = findings.iter().map(|it| (*it).to_owned()).collect();
        ReplicaStatus {
            id: 1,
            pid: None,
            state: ReplicaState::Recovering,
            corruption: None,
            view: None,
            executed: None,
            stable_checkpoint: None,
            state_root: None,
            revision: None,
            stored_bytes: None,
            transfer: None,
            recovery: Some(RecoveryStatus { findings, disk_ms: 12, level_ms, rows_fetched: 7 }),
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn what_was_found_is_told_until_the_next_start() {
        assert_eq!(line(&replica(None, &[], Some(3))), None);
        assert_eq!(line(&replica(Some("it is silent"), &[], None)).as_deref(), Some("it is silent"));
        let text = line(&replica(Some("it is silent"), &["the mark is gone"], None)).unwrap_or_default();
        assert!(text.starts_with("it is silent; its start found: the mark is gone;"), "{text}");
        assert!(text.contains("read its disk in 12 ms and is not yet level"), "{text}");
        let text = line(&replica(None, &["the mark is gone"], Some(3_400))).unwrap_or_default();
        assert!(text.contains("level with the others 3400 ms later, 7 rows"), "{text}");
    }
}
