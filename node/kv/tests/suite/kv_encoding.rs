//! The bytes of commands and results. Whoever changes them makes another protocol: these must then change on purpose.

use crate::requests;
use proptest::prelude::*;
use tetrarch_kv::{
    Answered, Command, CommandResult, Expected, KvError, KvQuery, Operation, PutRequest, RangeRequest, Request,
    Response, TxnRequest, TxnResponse,
};
use tetrarch_types::{Timestamp, View};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn requests_are_written_so() {
    let nested = TxnRequest {
        success: vec![Operation::Txn(TxnRequest::default()), Operation::Put(PutRequest::new("l", "").lease(7))],
        ..TxnRequest::default()
    };
    for (request, bytes) in [
        (Request::get("k"), "01 00 016b 00 00 00 0000 00 00 0000 0000"),
        (Request::put("k", "v"), "01 01 016b 0176 00 000000"),
        (Request::delete_prefix("k"), "0102016b016c00"),
        (
            Request::compare_and_swap("k", Expected::Version(1), Some(b"v".to_vec())),
            "01 03 01 01 016b00 00 0002 01 01 016b 0176 00 000000 01 00 016b00 00 00 0000 01 00 0000 0000",
        ),
        (Request::Txn(nested), "01 03 02 00 02 03 01 016c 00 07 000000 00 00 00 00"),
        (Request::Compact { revision: 300 }, "0104ac02"),
        (Request::LeaseGrant { id: 1, ttl: -1 }, "01050101"),
        (Request::LeaseRevoke { id: 2 }, "010602"),
        (Request::LeaseKeepAlive { id: 3 }, "010703"),
        (Request::MovePrimary { view: View::new(300) }, "0108ac02"),
    ] {
        let command = Command::from(request);
        assert_eq!(hex(&command.encode()), bytes.replace(' ', ""), "{command:?}");
        assert_eq!(Command::decode(&command.encode()), Ok(command));
    }
    assert_eq!(hex(&KvQuery::Hash { revision: 5 }.encode()), "0405");
    let page = KvQuery::Page(RangeRequest::one("k"));
    assert_eq!(hex(&page.encode()), "05 016b 00 00 00 0000 00 00 0000 0000".replace(' ', ""));
}

#[test]
fn results_are_written_so() {
    let inner =
        Answered { revision: 3, response: Response::Txn(TxnResponse { succeeded: true, responses: Vec::new() }) };
    let put = Answered { revision: 3, response: Response::Put { version: 2, previous: None } };
    let txn = TxnResponse { succeeded: false, responses: vec![inner, put] };
    let results = vec![Ok(Answered { revision: 3, response: Response::Txn(txn) }), Err(KvError::Compacted)];
    let result = CommandResult { revision: 3, results: Ok(results) };
    assert_eq!(hex(&result.encode()), "0300020003030200020303030102000100010b");
    assert_eq!(CommandResult::decode(&result.encode()), Ok(result));
    let asked = Ok(Answered { revision: 3, response: Response::PrimaryAsked });
    let too_soon = Err(KvError::MovedRecently { next: Timestamp::from_micros(300) });
    let result = CommandResult { revision: 3, results: Ok(vec![asked, too_soon]) };
    assert_eq!(hex(&result.encode()), "0300020003080113ac02");
}

proptest! {
    #[test]
    fn every_command_is_read_as_it_was_written(requests in prop::collection::vec(requests::request(), 0..6)) {
        let command = Command::new(requests);
        prop_assert_eq!(Command::decode(&command.encode()), Ok(command));
    }
}
