//! The state transfers of a running testnet: when each begins, how far it is, and what it came to.

use std::collections::BTreeMap;
use std::time::Instant;

use tetrarch_launcher::{ReplicaStatus, TestnetStatus, TransferStatus};

/// What has changed since the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A replica fetches a state; in words.
    Begun(String),
    /// It has it; in words.
    Ended(String),
}

/// A transfer under way.
struct Seen {
    since: Instant,
    last: TransferStatus,
    /// Rows that earlier transfers brought.
    before: u64,
}

/// What was seen at the last look, by replica.
#[derive(Default)]
pub(super) struct Transfers {
    under_way: BTreeMap<u16, Seen>,
    /// Rows that all transfers since the start of its process brought.
    rows: BTreeMap<u16, u64>,
}

impl Transfers {
    /// Looks at each replica. What one that does not answer fetched is not known, and it starts anew.
    pub(super) fn look(&mut self, status: &TestnetStatus, now: Instant) -> Vec<Change> {
        status.replicas.iter().filter_map(|replica| self.look_at(replica, now)).collect()
    }

    fn look_at(&mut self, replica: &ReplicaStatus, now: Instant) -> Option<Change> {
        let id = replica.id;
        let Some(rows) = replica.recovery.as_ref().map(|recovery| recovery.rows_fetched) else {
            self.under_way.remove(&id);
            self.rows.insert(id, 0);
            return None;
        };
        let earlier = self.rows.insert(id, rows).unwrap_or(rows);
        match (replica.transfer, self.under_way.get_mut(&id)) {
            (Some(transfer), Some(seen)) => {
                seen.last = transfer;
                None
            }
            (Some(transfer), None) => {
                let before = rows.saturating_sub(transfer.rows);
                self.under_way.insert(id, Seen { since: now, last: transfer, before });
                let checkpoint = transfer.checkpoint;
                Some(Change::Begun(format!(
                    "replica {id} fetches the state at checkpoint {checkpoint} from the others"
                )))
            }
            (None, Some(_)) => self.under_way.remove(&id).map(|seen| seen.end(id, rows, now)),
            (None, None) => unseen(id, earlier, rows),
        }
    }
}

/// A transfer that came and went between two looks: all that is left of it is its rows. Fewer than before are those of a new process.
fn unseen(id: u16, earlier: u64, rows: u64) -> Option<Change> {
    let fetched = if rows >= earlier { rows - earlier } else { rows };
    let words = || format!("replica {id} has fetched what its state lacked from the others: {fetched} rows");
    (fetched > 0).then(|| Change::Ended(words()))
}

impl Seen {
    fn end(self, id: u16, rows_fetched: u64, now: Instant) -> Change {
        let TransferStatus { checkpoint, bytes, .. } = self.last;
        let rows = rows_fetched.saturating_sub(self.before).max(self.last.rows);
        let seconds = now.saturating_duration_since(self.since).as_secs_f64();
        Change::Ended(format!(
            "replica {id} has the state at checkpoint {checkpoint}: {rows} rows and at least {bytes} bytes in {seconds:.1} s"
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tetrarch_launcher::{RecoveryStatus, ReplicaState};

    use super::*;

    fn status(answers: bool, rows_fetched: u64, transfer: Option<TransferStatus>) -> TestnetStatus {
        let recovery = answers.then(|| RecoveryStatus { rows_fetched, ..RecoveryStatus::default() });
        let replica = ReplicaStatus {
            id: 2,
            pid: None,
            state: ReplicaState::Recovering,
            corruption: None,
            view: None,
            executed: None,
            stable_checkpoint: None,
            state_root: None,
            revision: None,
            stored_bytes: None,
            transfer,
            recovery,
            reason: None,
        };
        TestnetStatus {
            n: 4,
            f: 1,
            quorum: 3,
            view: None,
            primary: None,
            gateway: None,
            gateway_process: None,
            replicas: vec![replica],
        }
    }

    fn transfer(rows: u64) -> Option<TransferStatus> {
        Some(TransferStatus { checkpoint: 64, permille: 500, rows, bytes: rows * 100, liars: 0 })
    }

    #[test]
    fn a_transfer_is_told_when_it_begins_and_when_it_ends() {
        let (mut transfers, start) = (Transfers::default(), Instant::now());
        assert!(transfers.look(&status(true, 10, None), start).is_empty());
        let begun = transfers.look(&status(true, 15, transfer(5)), start);
        assert_eq!(begun, [Change::Begun("replica 2 fetches the state at checkpoint 64 from the others".into())]);
        assert!(transfers.look(&status(true, 20, transfer(10)), start).is_empty());
        let ended = transfers.look(&status(true, 24, None), start + Duration::from_millis(2_500));
        let words = "replica 2 has the state at checkpoint 64: 14 rows and at least 1000 bytes in 2.5 s";
        assert_eq!(ended, [Change::Ended(words.into())]);
        assert!(transfers.look(&status(true, 24, None), start).is_empty());
    }

    #[test]
    fn one_that_does_not_answer_is_forgotten() {
        let (mut transfers, start) = (Transfers::default(), Instant::now());
        assert_eq!(transfers.look(&status(true, 5, transfer(5)), start).len(), 1);
        assert!(transfers.look(&status(false, 0, None), start).is_empty());
        assert!(transfers.look(&status(true, 0, None), start).is_empty());
    }

    #[test]
    fn one_between_two_looks_is_told_by_its_rows() {
        let (mut transfers, start) = (Transfers::default(), Instant::now());
        assert!(transfers.look(&status(true, 50, None), start).is_empty(), "before the first look");
        let fetched = |rows| {
            let words = format!("replica 2 has fetched what its state lacked from the others: {rows} rows");
            vec![Change::Ended(words)]
        };
        assert_eq!(transfers.look(&status(true, 57, None), start), fetched(7));
        assert_eq!(transfers.look(&status(true, 20, None), start), fetched(20), "a new process");
        assert!(transfers.look(&status(false, 0, None), start).is_empty());
        assert_eq!(transfers.look(&status(true, 30, None), start), fetched(30));
    }
}
