//! Rounds of questions, until enough replicas say the same (`specs/gateway.md`, "Reads").

use std::sync::Arc;
use std::time::Duration;

use tetrarch_kv::{KvError, KvQuery, QueryResult};
use tetrarch_types::{Query, ReplicaId, SeqNum};
use tokio::time::Instant;

use super::Shared;
use super::ballot::{Ballot, told};
use super::survey::Survey;
use crate::rest::rest;
use crate::{BackendError, Freshness, Told};

/// How often it is begun anew, if it can be ordered instead. What cannot is tried until the time is up.
const ATTEMPTS: u32 = 6;

/// The wait before it is begun anew, times the number of attempts made so far, up to the longest.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// The shortest wait for those who have not answered when a quorum has; else it is as long again as the quorum took.
const GRACE: Duration = Duration::from_millis(10);

/// How long replicas may take to come to a revision that others have, or to execute something more.
const CATCH_UP: Duration = Duration::from_millis(500);

/// How long one replica may take to answer, beyond the ten seconds for which it may wait to execute something.
const TELLING: Duration = Duration::from_secs(5);
const WAITING: Duration = Duration::from_secs(10);

/// An answer that enough replicas give.
///
/// First all are asked for their latest state. Where that is not the same at enough of them, because writes are under way, a second round asks
/// at one revision: the answer to that is the same wherever it is known.
pub(super) async fn query(
    shared: &Arc<Shared>,
    query: &KvQuery,
    freshness: Freshness,
) -> Result<QueryResult, BackendError> {
    let deadline = shared.deadline();
    let mut question = latest(query, freshness);
    let attempts = if pin(query, 1).is_some() { ATTEMPTS } else { u32::MAX };
    for attempt in 0..attempts {
        rest(PAUSE.saturating_mul(attempt).min(LONGEST_PAUSE)).await;
        let mut ballot = ballot(shared, freshness, None);
        let until = if is_waiting(&question) { deadline.min(Instant::now() + CATCH_UP) } else { deadline };
        if let Some(result) = round(shared, question, &mut ballot, until).await {
            return Ok(result);
        }
        if Instant::now() >= deadline || ballot.refusal().is_some() {
            return Err(ballot.failure());
        }
        let target = if freshness == Freshness::Linearizable { ballot.floor() } else { ballot.vouched() };
        if let Some((revision, pinned)) = target.and_then(|revision| Some((revision, pin(query, revision)?)))
            && let Some(result) = at_revision(shared, &pinned, revision, freshness).await
            && !is_overtaken(query, &pinned, &result)
        {
            return Ok(result);
        }
        question = next_question(query, &ballot, freshness, attempt);
    }
    Err(BackendError::Disagree)
}

/// One replica's own answer.
pub(super) async fn tell(
    shared: &Shared,
    replica: ReplicaId,
    query: &KvQuery,
    behind: Option<SeqNum>,
) -> Result<Told, BackendError> {
    let (question, patience) = match behind {
        Some(executed) => (Query::ReadAfter { executed, question: query.encode() }, WAITING + TELLING),
        None => (Query::ReadStale(query.encode()), TELLING),
    };
    let said = shared.client.ask(replica, question, patience).await.and_then(told);
    said.map_err(|trouble| BackendError::Unavailable(format!("replica {replica}: {trouble}")))
}

fn ballot(shared: &Shared, freshness: Freshness, pinned: Option<u64>) -> Ballot {
    let membership = shared.membership();
    let need = match freshness {
        Freshness::Linearizable => membership.quorum(),
        Freshness::Serializable => membership.weak_quorum(),
    };
    Ballot::new(membership, need, pinned)
}

/// What has no revision to be asked at is asked for right behind the next batch, in turn with the latest state: replicas that have just
/// executed the same batch say the same. Only where it may be stale: who follows the state is answered whatever others were told (rule X-4), and
/// a linearizable read must not be. That waits for what was told, and so stands behind a batch by itself.
pub(super) fn next_question(query: &KvQuery, ballot: &Ballot, freshness: Freshness, attempt: u32) -> Query {
    let follows = freshness == Freshness::Serializable && attempt.is_multiple_of(2) && pin(query, 1).is_none();
    match ballot.executed().filter(|_| follows) {
        Some(executed) => Query::ReadAfter { executed: SeqNum::new(executed), question: query.encode() },
        None => latest(query, freshness),
    }
}

/// A question for the latest state. Who may be answered with an earlier one asks so: replicas that have told of a batch and cannot decide it,
/// because too few of them are left, still answer that.
fn latest(query: &KvQuery, freshness: Freshness) -> Query {
    match freshness {
        Freshness::Linearizable => Query::Read(query.encode()),
        Freshness::Serializable => Query::ReadStale(query.encode()),
    }
}

const fn is_waiting(question: &Query) -> bool {
    matches!(question, Query::ReadAfter { .. })
}

/// Asks all replicas once, and hears them until enough agree; until they cannot, with some patience for the rest; or until the time is up.
async fn round(shared: &Arc<Shared>, question: Query, ballot: &mut Ballot, deadline: Instant) -> Option<QueryResult> {
    let (started, mut until) = (Instant::now(), deadline);
    let mut survey = Survey::start(shared, question);
    while let Some((from, said)) = survey.next(until).await {
        let _ = ballot.hear(from, said);
        if let Some(result) = ballot.agreed() {
            return Some(result);
        }
        if ballot.has_all() || ballot.refusal().is_some() {
            return None;
        }
        if ballot.has_quorum() && until == deadline {
            until = deadline.min(Instant::now() + started.elapsed().max(GRACE));
        }
    }
    None
}

/// Asks at a revision that enough replicas have, or come to soon. It is known to all acknowledged writes, and a quorum that answers has
/// executed it, so that the next read finds it too: the read stands behind this revision in the order.
async fn at_revision(
    shared: &Arc<Shared>,
    pinned: &KvQuery,
    revision: u64,
    freshness: Freshness,
) -> Option<QueryResult> {
    tracing::debug!(revision, "replicas differ, and are asked about one revision");
    let until = shared.deadline().min(Instant::now() + CATCH_UP);
    let mut ballot = ballot(shared, freshness, Some(revision));
    let mut survey = Survey::start(shared, latest(pinned, freshness));
    while let Some((from, said)) = survey.next(until).await {
        if let Err(Told { executed, .. }) = ballot.hear(from, said) {
            survey.ask_again(from, Query::ReadAfter { executed, question: pinned.encode() });
        }
        if let Some(result) = ballot.agreed() {
            return Some(result);
        }
        if ballot.is_split() {
            return None;
        }
    }
    None
}

/// Whether the revision was compacted before it could be read, and it was not the caller who chose it.
fn is_overtaken(query: &KvQuery, pinned: &KvQuery, result: &QueryResult) -> bool {
    query != pinned && result.answer == Err(KvError::Compacted)
}

/// The same question about one revision, if it can be asked so.
fn pin(query: &KvQuery, at: u64) -> Option<KvQuery> {
    match query {
        KvQuery::Range(request) if request.revision == 0 => Some(KvQuery::Range(request.clone().at(at))),
        KvQuery::Page(request) if request.revision == 0 => Some(KvQuery::Page(request.clone().at(at))),
        KvQuery::Hash { revision: 0 } => Some(KvQuery::Hash { revision: at }),
        KvQuery::Range(_) | KvQuery::Page(_) | KvQuery::Hash { .. } => Some(query.clone()),
        KvQuery::Lease { .. } | KvQuery::Leases { .. } | KvQuery::Story { .. } => None,
    }
}
