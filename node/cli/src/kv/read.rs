//! Reading keys.

use tetrarch_client::{Client, ClientError};
use tetrarch_kv::{Command, KeyRecord, KvError, KvQuery, QueryResult, RangeRequest, Request, Response, Selection};

use super::change::{OTHER_VERSION, executed, first_result};
use super::{GetArguments, check};
use crate::describe;
use crate::failure::{Class, Failure};

/// What was read.
pub(super) struct Found {
    /// The store's revision then.
    pub(super) revision: u64,
    /// Keys and records, ascending.
    pub(super) records: Vec<(Vec<u8>, KeyRecord)>,
    /// How many keys there are, whatever the limit.
    pub(super) count: u64,
    /// Whether there are more than the limit.
    pub(super) more: bool,
}

/// Reads at a quorum; where the replicas cannot agree on one answer, the read is ordered. A prefix is read page by page until the
/// limit; all pages are of one revision.
pub(super) async fn read(client: &Client, get: &GetArguments) -> Result<Found, Failure> {
    let mut request = get.range();
    let tried = format!("cannot {}", describe::request_name(&Request::Range(request.clone())));
    check(&Request::Range(request.clone()), &tried)?;
    // Without a limit all records are read, and nothing else needs to be counted.
    let first = if get.limit == 0 { KvQuery::Page(request.clone()) } else { KvQuery::Range(request.clone()) };
    let (revision, Selection { mut records, count, mut more, .. }) = page(client, first, &request, &tried).await?;
    if request.revision == 0 {
        request.revision = revision;
    }
    while let Some((last, _)) = records.last().filter(|_| more && is_below(get.limit, records.len())) {
        request.range.begin_behind(last);
        request.limit = get.limit.saturating_sub(records.len() as u64);
        let (_, next) = page(client, KvQuery::Page(request.clone()), &request, &tried).await?;
        if next.records.is_empty() {
            break;
        }
        more = next.more;
        records.extend(next.records);
    }
    let count = if get.limit == 0 { records.len() as u64 } else { count };
    Ok(Found { revision, records, count, more })
}

const fn is_below(limit: u64, count: usize) -> bool {
    limit == 0 || (count as u64) < limit
}

/// The store's revision, and as much of a range as fits an answer: to the query, or ordered.
async fn page(
    client: &Client,
    query: KvQuery,
    request: &RangeRequest,
    tried: &str,
) -> Result<(u64, Selection), Failure> {
    let bytes = match client.read(query.encode()).await {
        Ok(answer) => answer.bytes,
        Err(ClientError::Disagree { .. }) => return ordered_page(client, request, tried).await,
        Err(error) => return Err(Failure::client(tried, &error)),
    };
    let answer = QueryResult::decode(&bytes)
        .map_err(|error| Failure::failed(tried, format!("the answer cannot be read: {error}"), OTHER_VERSION))?;
    let revision = answer.revision;
    let refused = |error: KvError| Failure::sentence(Class::Failed, tried, &error.to_string());
    Ok((revision, answer.selection().map_err(refused)?))
}

/// Records of an ordered page, unless a smaller limit is asked for: an ordered answer has to fit as a whole.
const ORDERED_PAGE: u64 = 1_000;

async fn ordered_page(client: &Client, request: &RangeRequest, tried: &str) -> Result<(u64, Selection), Failure> {
    let limit = if request.limit == 0 { ORDERED_PAGE } else { request.limit.min(ORDERED_PAGE) };
    let mut request = request.clone().limit(limit);
    loop {
        let command = Command::from(Request::Range(request.clone()));
        let submitted = client.submit(command.encode()).await.map_err(|error| Failure::client(tried, &error))?;
        let result = executed(&submitted.outcome, tried)?;
        if matches!(result.results.as_deref(), Ok([Err(KvError::AnswerTooLarge)])) && request.limit > 1 {
            request.limit /= 4;
            continue;
        }
        let first = first_result(&result, tried)?;
        return match &first.response {
            Response::Range(found) => Ok((result.revision, found.clone())),
            _ => Err(Failure::failed(tried, "the result is one of another request", "report this")),
        };
    }
}
