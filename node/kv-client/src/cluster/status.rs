//! How the cluster is, as far as f + 1 replicas vouch for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_client::Trouble;
use tetrarch_types::{Genesis, NodeMode, NodeStatus, Query, ReplicaId, Timestamp, View, nth_largest};
use tokio::time::Instant;

use super::Shared;
use super::ballot::unanswered;
use super::survey::Survey;
use crate::{BackendError, ClusterStatus, Replica};

/// How long those who have not answered are waited for when a quorum has.
const GRACE: Duration = Duration::from_millis(100);

/// Asks all replicas, and notes what f + 1 say of the view and of agreed time.
///
/// # Errors
/// [`BackendError::Unavailable`] if fewer than a quorum answer.
pub(super) async fn look(shared: &Arc<Shared>) -> Result<ClusterStatus, BackendError> {
    let roll = call(shared).await;
    let membership = shared.membership();
    if roll.said.len() < membership.quorum() {
        let why = unanswered(membership.quorum(), membership.size(), roll.said.len(), &roll.troubles);
        return Err(BackendError::Unavailable(why));
    }
    // The highest that f + 1 claim: an honest one does.
    let believed = |of: fn(&NodeStatus) -> u64| {
        nth_largest(roll.said.values().map(of), membership.weak_quorum()).unwrap_or_default()
    };
    let view = believed(|status| status.view.get());
    shared.note(View::new(view), Timestamp::from_micros(believed(|status| status.agreed_time.as_micros())));
    let standing = shared.standing();
    let has_begun = believed(begun) > standing.view;
    if has_begun {
        shared.note_leader();
    }
    Ok(ClusterStatus {
        has_begun,
        next_primary: shared.primary(View::new(standing.view).next()),
        standing,
        revision: believed(|status| status.revision),
        executed: believed(|status| status.executed.get()),
        stored_bytes: believed(|status| status.stored_bytes),
        replicas: shared.replicas.clone(),
        troubles: roll.troubles_of(shared.membership().ids()),
    })
}

/// The view after the last one that a replica says has begun; 0: it says that of none.
fn begun(status: &NodeStatus) -> u64 {
    if status.mode == NodeMode::Normal { status.view.next().get() } else { 0 }
}

/// What replicas say of themselves.
#[derive(Default)]
struct Roll {
    said: BTreeMap<ReplicaId, NodeStatus>,
    troubles: BTreeMap<ReplicaId, Trouble>,
}

async fn call(shared: &Arc<Shared>) -> Roll {
    let (mut roll, mut until) = (Roll::default(), shared.deadline());
    let mut survey = Survey::start(shared, Query::Status);
    let (n, quorum) = (shared.membership().size(), shared.membership().quorum());
    while roll.said.len() < n {
        let Some((from, said)) = survey.next(until).await else { break };
        let had_quorum = roll.said.len() >= quorum;
        roll.hear(from, shared.client.status_of(from, said));
        if !had_quorum && roll.said.len() >= quorum {
            until = until.min(Instant::now() + GRACE);
        }
    }
    roll
}

impl Roll {
    fn hear(&mut self, from: ReplicaId, said: Result<NodeStatus, Trouble>) {
        match said {
            Ok(status) => {
                self.troubles.remove(&from);
                self.said.entry(from).or_insert(status);
            }
            Err(trouble) => drop(self.troubles.insert(from, trouble)),
        }
    }

    /// A sentence for each replica that does not take part.
    fn troubles_of(&self, ids: impl Iterator<Item = ReplicaId>) -> Vec<String> {
        ids.filter_map(|id| match (self.said.get(&id), self.troubles.get(&id)) {
            (Some(status), _) => ailment(&status.mode).map(|ailment| format!("replica {id} {ailment}")),
            (None, Some(trouble)) => Some(format!("replica {id} does not answer: {trouble}")),
            (None, None) => Some(format!("replica {id} does not answer")),
        })
        .collect()
    }
}

fn ailment(mode: &NodeMode) -> Option<String> {
    match mode {
        NodeMode::Normal | NodeMode::ChangingView => None,
        NodeMode::Recovering => Some("is behind and catches up".to_owned()),
        NodeMode::Silent { .. } => Some("does not vote until that is safe".to_owned()),
        NodeMode::Halted(reason) => Some(format!("does not vote: {reason}")),
    }
}

/// The replicas as etcd tells of members: by ids that are drawn from their keys, so that they stay the same.
pub(super) fn members(genesis: &Genesis) -> Vec<Replica> {
    let member = |(number, member): (usize, &tetrarch_types::Member)| Replica {
        id: short(member.public_key.as_bytes()),
        name: format!("replica-{number}"),
        url: format!("quic://{}", member.peer_address),
    };
    genesis.replicas.iter().enumerate().map(member).collect()
}

/// The beginning of a key or a digest as a number that is not 0.
pub(super) fn short(bytes: &[u8; 32]) -> u64 {
    bytes.first_chunk().map_or(1, |first| u64::from_be_bytes(*first).max(1))
}
