//! What requests came to.

use tetrarch_kv::store::Selection;
use tetrarch_kv::{Answered, Response, TxnResponse};

use super::{key_value, signed};
use crate::messages::ResponseHeader;
use crate::messages::kv::{DeleteRangeResponse, PutResponse, RangeResponse};
use crate::messages::txn::{self, Outcome, ResponseOp};

/// Makes the header of a response given at a revision.
pub(crate) type Headers<'h> = &'h dyn Fn(u64) -> ResponseHeader;

/// To a range.
pub(crate) fn range(header: ResponseHeader, selection: Selection) -> RangeResponse {
    RangeResponse {
        header: Some(header),
        kvs: selection.records.into_iter().map(key_value).collect(),
        more: selection.more,
        count: signed(selection.count),
    }
}

/// To a put; none if the response is to something else.
pub(crate) fn put(headers: Headers<'_>, answered: Answered) -> Option<PutResponse> {
    let Response::Put { previous, .. } = answered.response else { return None };
    Some(PutResponse { header: Some(headers(answered.revision)), prev_kv: previous.map(key_value) })
}

/// To a deletion; none if the response is to something else.
pub(crate) fn deleted(headers: Headers<'_>, answered: Answered) -> Option<DeleteRangeResponse> {
    let Response::Deleted { count, previous } = answered.response else { return None };
    let prev_kvs = previous.into_iter().map(key_value).collect();
    Some(DeleteRangeResponse { header: Some(headers(answered.revision)), deleted: signed(count), prev_kvs })
}

/// To a transaction; none if the response is to something else.
pub(crate) fn txn(headers: Headers<'_>, answered: Answered) -> Option<txn::TxnResponse> {
    let Response::Txn(response) = answered.response else { return None };
    txn_with(headers(answered.revision), response)
}

/// As in etcd, headers inside of a transaction have a revision and nothing else, and those of transactions in it nothing at all.
fn txn_with(header: ResponseHeader, response: TxnResponse) -> Option<txn::TxnResponse> {
    let responses = response.responses.into_iter().map(operation).collect::<Option<_>>()?;
    Some(txn::TxnResponse { header: Some(header), succeeded: response.succeeded, responses })
}

fn operation(answered: Answered) -> Option<ResponseOp> {
    let header = |revision| ResponseHeader { revision: signed(revision), ..ResponseHeader::default() };
    let outcome = match answered.response {
        Response::Range(selection) => Outcome::Range(range(header(answered.revision), selection)),
        Response::Put { .. } => Outcome::Put(put(&header, answered)?),
        Response::Deleted { .. } => Outcome::DeleteRange(deleted(&header, answered)?),
        Response::Txn(response) => Outcome::Txn(txn_with(ResponseHeader::default(), response)?),
        Response::Compacted
        | Response::LeaseGranted { .. }
        | Response::LeaseRevoked
        | Response::LeaseKept { .. }
        | Response::PrimaryAsked => return None,
    };
    Some(ResponseOp { response: Some(outcome) })
}
