//! Reading ranges: without an order where replicas agree, and page by page where an answer does not fit.

use tetrarch_kv::store::Revisions;
use tetrarch_kv::{Answered, KvError, KvQuery, RangeRequest, Request, Response, Selection};
use tetrarch_kv_client::{Backend, BackendError, Freshness};

use crate::gateway::{Gateway, in_time, unreadable};
use crate::limits::{MAX_ANSWER_BYTES, MAX_COUNT_PAGES, PAGE_ATTEMPTS, RANGE_ATTEMPTS};
use crate::refusal::Refusal;

/// The records of a range, and the store's revision then.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) revision: u64,
    pub(super) selection: Selection,
}

/// Reads a range. If the caller named no revision, it is not told that the one which is read was compacted meanwhile: it is begun anew.
pub(super) async fn range<B: Backend>(
    gateway: &Gateway<B>,
    request: RangeRequest,
    serializable: bool,
) -> Result<Read, Refusal> {
    request.check()?;
    let freshness = if serializable { Freshness::Serializable } else { Freshness::Linearizable };
    match whole(gateway, &request, freshness).await {
        Err(refusal) if request.revision == 0 && is_outrun(&refusal) => in_time(anew(gateway, &request)).await,
        read => read,
    }
}

/// Begins at the latest revision, again and again, as the one before was compacted. Where replicas that are behind have made it so, a
/// serializable read would be behind again.
async fn anew<B: Backend>(gateway: &Gateway<B>, request: &RangeRequest) -> Result<Read, Refusal> {
    for _ in 1..RANGE_ATTEMPTS {
        match whole(gateway, request, Freshness::Linearizable).await {
            Err(refusal) if is_outrun(&refusal) => {}
            read => return read,
        }
    }
    Err(Refusal::RangeOutrun)
}

/// Reads a range, all of it at one revision.
async fn whole<B: Backend>(
    gateway: &Gateway<B>,
    request: &RangeRequest,
    freshness: Freshness,
) -> Result<Read, Refusal> {
    let first = if needs_count(request) { KvQuery::Range(request.clone()) } else { KvQuery::Page(request.clone()) };
    match query(gateway, &first, freshness).await {
        Ok(first) => in_time(complete(gateway, request, first)).await,
        Err(Refusal::Backend(BackendError::Disagree)) => {
            gateway.metrics.read_ordered();
            ordered(gateway, request.clone()).await
        }
        Err(refusal) => Err(refusal),
    }
}

/// Whether the revision that was read is not there any more.
pub(super) fn is_outrun(refusal: &Refusal) -> bool {
    *refusal == KvError::Compacted.into()
}

/// Reads as much of a range as one query answers, in the order of keys, and counts nothing behind it. Without an order to fall back to, since a range
/// that comes in pages is mostly larger than an ordered one may be: where replicas do not agree they are asked again.
pub(super) async fn page<B: Backend>(gateway: &Gateway<B>, request: RangeRequest) -> Result<Read, Refusal> {
    let page = KvQuery::Page(request);
    for _ in 1..PAGE_ATTEMPTS {
        match query(gateway, &page, Freshness::Linearizable).await {
            Err(Refusal::Backend(BackendError::Disagree)) => {}
            answered => return answered,
        }
    }
    query(gateway, &page, Freshness::Linearizable).await
}

async fn query<B: Backend>(gateway: &Gateway<B>, query: &KvQuery, freshness: Freshness) -> Result<Read, Refusal> {
    let result = gateway.query(query, freshness).await?;
    Ok(Read { revision: result.revision, selection: result.selection()? })
}

async fn ordered<B: Backend>(gateway: &Gateway<B>, request: RangeRequest) -> Result<Read, Refusal> {
    match gateway.order(Request::Range(request)).await? {
        Answered { revision, response: Response::Range(selection) } => Ok(Read { revision, selection }),
        _ => Err(unreadable("a response to another request")),
    }
}

/// Adds the pages that follow the first, all of its revision, and the true count.
async fn complete<B: Backend>(gateway: &Gateway<B>, request: &RangeRequest, first: Read) -> Result<Read, Refusal> {
    let mut read = first;
    let mut bytes = weight(&read.selection);
    while let Some(last) = cut_behind(request, &read.selection) {
        let next = KvQuery::Page(next(request, &read, last));
        let page = query(gateway, &next, Freshness::Linearizable).await?.selection;
        bytes += weight(&page);
        if page.records.is_empty() && page.more {
            return Err(KvError::TooMuch.into());
        }
        if bytes > MAX_ANSWER_BYTES {
            return Err(KvError::AnswerTooLarge.into());
        }
        read.selection.more = page.more;
        read.selection.records.extend(page.records);
    }
    if !read.selection.count_is_exact {
        let all = !needs_count(request) && !read.selection.more;
        let had = read.selection.records.len() as u64;
        read.selection.count = if all { had } else { count(gateway, request, read.revision).await? };
    }
    Ok(read)
}

/// How many keys a range has that are more than one query reads: their names, page by page.
async fn count<B: Backend>(gateway: &Gateway<B>, request: &RangeRequest, revision: u64) -> Result<u64, Refusal> {
    let revision = if request.revision == 0 { revision } else { request.revision };
    let mut names = RangeRequest { revision, keys_only: true, ..RangeRequest::of(request.range.clone()) };
    let mut counted = 0;
    for _ in 0..MAX_COUNT_PAGES {
        let page = query(gateway, &KvQuery::Page(names.clone()), Freshness::Linearizable).await?.selection;
        counted += page.records.len() as u64;
        match page.records.last() {
            _ if !page.more => return Ok(counted),
            Some((last, _)) => names.range.begin_behind(last),
            None => break,
        }
    }
    Err(KvError::TooMuch.into())
}

/// The last key, if there is more behind it that belongs to the answer.
fn cut_behind<'s>(request: &RangeRequest, selection: &'s Selection) -> Option<&'s [u8]> {
    let full = request.limit != 0 && selection.records.len() as u64 >= request.limit;
    let (last, _) = selection.records.last()?;
    (selection.more && !full).then_some(last)
}

/// The rest of a range, at the revision of what was read of it.
fn next(request: &RangeRequest, read: &Read, last: &[u8]) -> RangeRequest {
    let had = read.selection.records.len() as u64;
    let mut next = request.clone();
    next.range.begin_behind(last);
    next.limit = if request.limit == 0 { 0 } else { request.limit - had };
    next.revision = if request.revision == 0 { read.revision } else { request.revision };
    next
}

/// Whether how many keys there are is not known from the records of the whole answer.
fn needs_count(request: &RangeRequest) -> bool {
    let has_filters = request.mod_revisions != Revisions::default() || request.create_revisions != Revisions::default();
    request.limit != 0 || request.count_only || has_filters
}

fn weight(selection: &Selection) -> usize {
    selection.records.iter().map(|(key, record)| key.len() + record.value.len()).sum()
}

#[cfg(test)]
mod tests;
