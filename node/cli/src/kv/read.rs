//! Reading keys.

use tetrarch_client::{Client, ClientError};
use tetrarch_kv::{Command, KvQuery, Operation, OperationResult, QueryResult};

use super::change::{OTHER_VERSION, executed, first_result};
use super::{GetArguments, check};
use crate::describe;
use crate::failure::Failure;

/// Reads at a quorum; where the replicas cannot agree on one answer, the read is ordered. A prefix is read page by page until the
/// limit; all pages are of one revision.
pub(super) async fn read(client: &Client, get: &GetArguments) -> Result<QueryResult, Failure> {
    let tried = format!("cannot {}", describe::operation_name(&get.clone().operation()));
    check(&get.clone().operation(), &tried)?;
    for _ in 0..READ_ATTEMPTS {
        let mut answer = page(client, get.query(), &tried).await?;
        while answer.more && (get.limit == 0 || (answer.records.len() as u64) < get.limit) {
            let Some((last, _)) = answer.records.last() else { break };
            let next = page(client, rest(get, last, answer.records.len() as u64), &tried).await?;
            if next.revision != answer.revision || next.records.is_empty() {
                break;
            }
            answer.more = next.more;
            answer.records.extend(next.records);
        }
        if !answer.more || (get.limit != 0 && answer.records.len() as u64 >= get.limit) {
            return Ok(answer);
        }
    }
    let happened = "the store changed while its pages were read, each time it was tried";
    Err(Failure::failed(tried, happened, "try again, or ask for a longer prefix or with --limit"))
}

/// How often a read of many pages starts anew.
const READ_ATTEMPTS: usize = 3;

fn rest(get: &GetArguments, last: &[u8], had: u64) -> KvQuery {
    match get.query().after(last) {
        KvQuery::Range { from, to, limit } => {
            KvQuery::range(from, to, if limit == 0 { 0 } else { limit.saturating_sub(had) })
        }
        query => query,
    }
}

async fn page(client: &Client, query: KvQuery, tried: &str) -> Result<QueryResult, Failure> {
    let bytes = match client.read(query.encode()).await {
        Ok(answer) => answer.bytes,
        Err(ClientError::Disagree { .. }) => return ordered_page(client, query, tried).await,
        Err(error) => return Err(Failure::client(tried, &error)),
    };
    QueryResult::decode(&bytes)
        .map_err(|error| Failure::failed(tried, format!("the answer cannot be read: {error}"), OTHER_VERSION))
}

async fn ordered_page(client: &Client, query: KvQuery, tried: &str) -> Result<QueryResult, Failure> {
    let operation = match &query {
        KvQuery::Get { key } => Operation::get(key.clone()),
        KvQuery::Range { from, to, limit } => Operation::Range { from: from.clone(), to: to.clone(), limit: *limit },
    };
    let submitted =
        client.submit(Command::from(operation).encode()).await.map_err(|error| Failure::client(tried, &error))?;
    let result = executed(&submitted.outcome, tried)?;
    let revision = result.revision;
    Ok(match (query, first_result(&result, tried)?.clone()) {
        (KvQuery::Get { key }, OperationResult::Got { record }) => {
            let records: Vec<_> = record.map(|record| (key, record)).into_iter().collect();
            QueryResult { revision, count: records.len() as u64, records, count_is_exact: true, more: false }
        }
        (_, OperationResult::Range(found)) => QueryResult {
            revision,
            records: found.records,
            count: found.count,
            count_is_exact: found.count_is_exact,
            more: found.more,
        },
        _ => return Err(Failure::failed(tried, "the result is one of another operation", "report this")),
    })
}
