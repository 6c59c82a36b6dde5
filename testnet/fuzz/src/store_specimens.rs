//! Valid specimens of what is asked of the store, and of what it says.

use tetrarch_kv::store::{Detail, Place};
use tetrarch_kv::{
    Answered, Command, CommandResult, Expected, KvError, KvQuery, Operation, QueryAnswer, QueryResult, RangeRequest,
    Request, Response, Selection, TxnRequest, TxnResponse,
};

/// Each behind the name of its type.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let lease =
        [Request::LeaseGrant { id: 7, ttl: 5 }, Request::LeaseKeepAlive { id: 7 }, Request::Compact { revision: 2 }];
    let inner =
        Operation::Txn(TxnRequest { success: vec![], failure: vec![], compares: vec![Expected::Absent.compare("k")] });
    let txn = TxnRequest { success: vec![inner], ..TxnRequest::default() };
    let swapped = Response::Txn(TxnResponse { succeeded: true, responses: vec![] });
    let nested = TxnResponse { succeeded: false, responses: vec![Answered { revision: 3, response: swapped }] };
    let answered = Answered { revision: 3, response: Response::Txn(nested) };
    let result = CommandResult { revision: 3, results: Ok(vec![Ok(answered), Err(KvError::Compacted)]) };
    let found = QueryResult { revision: 3, compacted: 2, answer: Ok(QueryAnswer::Range(Selection::default())) };
    let from = Place { revision: 2, event: 0 };
    vec![
        ("tetrarch_kv::Command", Command::put("key", "value").encode()),
        ("tetrarch_kv::Command", Command::compare_and_swap("key", Expected::Version(1), Some(vec![1])).encode()),
        ("tetrarch_kv::Command", Command::new(lease).encode()),
        ("tetrarch_kv::Command", Command::from(Request::Txn(txn)).encode()),
        ("tetrarch_kv::CommandResult", result.encode()),
        ("tetrarch_kv::KvQuery", KvQuery::prefix("key", 3).encode()),
        ("tetrarch_kv::KvQuery", KvQuery::Page(RangeRequest::prefix("key")).encode()),
        ("tetrarch_kv::KvQuery", KvQuery::Story { from, detail: Detail::Previous }.encode()),
        ("tetrarch_kv::QueryResult", found.encode()),
    ]
}
