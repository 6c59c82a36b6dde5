//! One line that says how a running testnet is, a bar for each replica that fetches a state, and what changes.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tetrarch_launcher::{Observer, ReplicaState, ReplicaStatus, TestnetStatus};

use super::transfers::{Change, Transfers};
use crate::output::Output;

/// How often it is looked.
const PAUSE: Duration = Duration::from_secs(1);

/// Says what changes until it is dropped; on a terminal, with a status line and bars below.
pub(super) async fn watch(observer: &Observer, first: TestnetStatus, output: &Output) {
    let mut screen = std::io::stderr().is_terminal().then(Screen::new);
    let (mut before, mut transfers) = (first, Transfers::default());
    loop {
        if let Some(screen) = &mut screen {
            screen.show(&before);
        }
        for change in transfers.look(&before, Instant::now()) {
            tell_transfer(screen.as_ref(), output, change);
        }
        tokio::time::sleep(PAUSE).await;
        let after = observer.look().await;
        for change in changes(&before, &after) {
            tell(screen.as_ref(), output, &change);
        }
        before = after;
    }
}

fn tell(screen: Option<&Screen>, output: &Output, line: &str) {
    match screen {
        Some(screen) => screen.line.println(line),
        None => output.note(line),
    }
}

/// That one begins, a terminal shows by a bar.
fn tell_transfer(screen: Option<&Screen>, output: &Output, change: Change) {
    match change {
        Change::Begun(_) if screen.is_some() => {}
        Change::Begun(line) | Change::Ended(line) => tell(screen, output, &line),
    }
}

/// What a terminal shows at its end.
struct Screen {
    all: MultiProgress,
    line: ProgressBar,
    bars: BTreeMap<u16, ProgressBar>,
}

impl Screen {
    fn new() -> Self {
        let style =
            ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        let all = MultiProgress::new();
        let line = all.add(ProgressBar::new_spinner().with_style(style));
        line.enable_steady_tick(Duration::from_millis(250));
        Self { all, line, bars: BTreeMap::new() }
    }

    fn show(&mut self, status: &TestnetStatus) {
        self.line.set_message(now(status));
        status.replicas.iter().for_each(|replica| self.show_transfer(replica));
    }

    fn show_transfer(&mut self, replica: &ReplicaStatus) {
        let Some(transfer) = replica.transfer else {
            if let Some(bar) = self.bars.remove(&replica.id) {
                bar.finish_and_clear();
                self.all.remove(&bar);
            }
            return;
        };
        let bar = self.bars.entry(replica.id).or_insert_with(|| self.all.add(bar(replica.id)));
        bar.set_position(u64::from(transfer.permille));
        bar.set_message(format!(
            "checkpoint {}, {} rows, {} bytes",
            transfer.checkpoint, transfer.rows, transfer.bytes
        ));
    }
}

fn bar(replica: u16) -> ProgressBar {
    let style = ProgressStyle::with_template("  {prefix} [{bar:30}] {percent} % {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(1_000).with_style(style.progress_chars("=> ")).with_prefix(format!("replica {replica} fetches"))
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
        if old.words() != new.words() {
            let reason = new.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            changes.push(format!("replica {} was {}, is {}{reason}", new.id, old.words(), new.words()));
        }
    }
    let gateway = |status: &TestnetStatus| status.gateway_process.as_ref().map(|process| process.state);
    if let (Some(old), Some(new)) = (gateway(before), gateway(after))
        && old != new
    {
        changes.push(format!("the gateway was {old}, is {new}"));
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
            corruption: None,
            view,
            executed: Some(7),
            stable_checkpoint: None,
            state_root: None,
            revision: Some(9),
            stored_bytes: Some(2_500_000),
            transfer: None,
            recovery: None,
            reason: None,
        };
        let replicas = (0..).zip(states).map(replica).collect();
        TestnetStatus {
            n: 2,
            f: 0,
            quorum: 2,
            view,
            primary: view.map(|_| 1),
            gateway: None,
            gateway_process: None,
            replicas,
        }
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
