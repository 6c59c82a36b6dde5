//! One line that says how a running testnet is, and what changes.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tetrarch_launcher::{Observer, ReplicaState, ReplicaStatus, TestnetStatus};

use crate::output::Output;

/// How often it is looked.
const PAUSE: Duration = Duration::from_secs(1);

/// Says what changes until it is dropped; on a terminal, with a status line below.
pub(super) async fn watch(observer: &Observer, first: TestnetStatus, output: &Output) {
    let line = std::io::stderr().is_terminal().then(status_line);
    let mut before = first;
    loop {
        if let Some(line) = &line {
            line.set_message(now(&before));
        }
        tokio::time::sleep(PAUSE).await;
        let after = observer.look().await;
        for change in changes(&before, &after) {
            match &line {
                Some(line) => line.println(change),
                None => output.note(&change),
            }
        }
        before = after;
    }
}

fn status_line() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let line = ProgressBar::new_spinner().with_style(style);
    line.enable_steady_tick(Duration::from_millis(250));
    line
}

fn now(status: &TestnetStatus) -> String {
    let up = status.replicas.iter().filter(|replica| replica.state == ReplicaState::Running).count();
    let highest = |of: fn(&ReplicaStatus) -> Option<u64>| status.replicas.iter().filter_map(of).max().unwrap_or(0);
    let view = status.view.map_or_else(|| "view unknown".into(), |view| format!("view {view}"));
    let executed = highest(|replica| replica.executed);
    let revision = highest(|replica| replica.revision);
    format!("{up} of {} up, {view}, sequence {executed}, revision {revision}; Ctrl-C stops", status.n)
}

fn changes(before: &TestnetStatus, after: &TestnetStatus) -> Vec<String> {
    let mut changes = Vec::new();
    for (old, new) in before.replicas.iter().zip(&after.replicas) {
        if old.state != new.state {
            let reason = new.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            changes.push(format!("replica {} was {}, is {}{reason}", new.id, old.state.word(), new.state.word()));
        }
    }
    if let (Some(view), Some(primary)) = (after.view, after.primary)
        && before.view != after.view
    {
        changes.push(format!("view {view}: replica {primary} is the primary"));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(view: Option<u64>, states: [ReplicaState; 2]) -> TestnetStatus {
        let replica = |(id, state): (u16, ReplicaState)| ReplicaStatus {
            id,
            pid: None,
            state,
            view,
            executed: Some(7),
            stable_checkpoint: None,
            state_root: None,
            revision: Some(9),
            reason: None,
        };
        let replicas = (0..).zip(states).map(replica).collect();
        TestnetStatus { n: 2, f: 0, quorum: 2, view, primary: view.map(|_| 1), replicas }
    }

    #[test]
    fn only_changes_are_said() {
        let before = status(Some(0), [ReplicaState::Running, ReplicaState::Running]);
        assert!(changes(&before, &before).is_empty());
        let after = status(Some(1), [ReplicaState::Killed, ReplicaState::Running]);
        assert_eq!(changes(&before, &after), ["replica 0 was running, is killed", "view 1: replica 1 is the primary"]);
        let lost = status(None, [ReplicaState::Killed, ReplicaState::Killed]);
        assert_eq!(changes(&after, &lost), ["replica 1 was running, is killed"]);
    }

    #[test]
    fn the_line_sums_up() {
        let text = now(&status(Some(3), [ReplicaState::Running, ReplicaState::Paused]));
        assert_eq!(text, "1 of 2 up, view 3, sequence 7, revision 9; Ctrl-C stops");
    }
}
