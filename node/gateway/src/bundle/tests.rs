//! What travels together, and whose result is whose.

use tetrarch_kv::Response;

use super::*;

fn put(bytes: usize) -> Request {
    Request::put("k", vec![0; bytes])
}

fn queue(requests: Vec<Request>) -> VecDeque<Entry<usize>> {
    requests.into_iter().enumerate().map(|(number, request)| Entry::new(request).unwrap().of(number)).collect()
}

fn done(revision: u64) -> Result<Answered, KvError> {
    Ok(Answered { revision, response: Response::Compacted })
}

fn result(results: Vec<Result<Answered, KvError>>) -> CommandResult {
    CommandResult { revision: 9, results: Ok(results) }
}

#[test]
fn as_many_as_a_command_may_have_travel_together() {
    let mut waiting = queue(vec![put(1); MAX_REQUESTS + 3]);
    let first = Bundle::take(&mut waiting);
    assert_eq!((first.len(), first.command().requests.len()), (MAX_REQUESTS, MAX_REQUESTS));
    assert_eq!(Bundle::take(&mut waiting).into_waiters(), [MAX_REQUESTS, MAX_REQUESTS + 1, MAX_REQUESTS + 2]);
    assert_eq!(Bundle::take(&mut waiting).len(), 0);
}

#[test]
fn a_bundle_is_never_more_bytes_than_a_command_may_have() {
    let mut waiting = queue(vec![put(700_000), put(700_000), put(700_000), put(1_000_000), put(10)]);
    let sizes: Vec<Vec<usize>> = std::iter::from_fn(|| {
        let bundle = Bundle::take(&mut waiting);
        let bytes = bundle.command().encode();
        assert_eq!(Command::decode(&bytes).as_ref(), Ok(bundle.command()), "{} bytes", bytes.len());
        Some(bundle.into_waiters()).filter(|waiters| !waiters.is_empty())
    })
    .collect();
    assert_eq!(sizes, [vec![0, 1], vec![2], vec![3, 4]]);
}

#[test]
fn what_is_wrong_for_its_own_sake_does_not_get_in() {
    assert_eq!(Entry::new(Request::put("", "v")).unwrap_err(), KvError::KeyNotProvided);
    assert_eq!(Entry::new(put(2_000_000)).unwrap_err(), KvError::ValueTooLarge);
    let big = |_| tetrarch_kv::Operation::Put(tetrarch_kv::PutRequest::new("k", vec![0; 1_000_000]));
    let [one, other] = [1, 2].map(big);
    let txn = tetrarch_kv::TxnRequest { success: vec![one], failure: vec![other], ..Default::default() };
    assert_eq!(Entry::new(Request::Txn(txn)).unwrap_err(), KvError::RequestTooLarge);
}

#[test]
fn each_gets_its_own_result() {
    let bundle = Bundle::take(&mut queue(vec![put(1); 3]));
    let parts = bundle.settle(result(vec![done(2), Err(KvError::LeaseNotFound), done(3)])).unwrap();
    let settled: Vec<_> = parts
        .into_iter()
        .map(|part| match part {
            Part::Settled(waiter, result) => (waiter, result.map(|answered| answered.revision)),
            Part::Again(bundle) => panic!("again: {bundle:?}"),
        })
        .collect();
    assert_eq!(settled, [(0, Ok(2)), (1, Err(KvError::LeaseNotFound)), (2, Ok(3))]);
}

#[test]
fn who_suffers_from_neighbours_goes_again_alone_and_only_once() {
    for suffering in [KvError::AnswerTooLarge, KvError::TooMuch, KvError::Crowded] {
        let bundle = Bundle::take(&mut queue(vec![put(1), put(2)]));
        let parts = bundle.settle(result(vec![done(2), Err(suffering)])).unwrap();
        let [Part::Settled(0, Ok(_)), Part::Again(_)] = parts.as_slice() else { panic!("{parts:?}") };
        let Some(Part::Again(alone)) = parts.into_iter().nth(1) else { unreachable!() };
        assert_eq!(alone.command().requests, [put(2)]);
        let parts = alone.settle(result(vec![Err(suffering)])).unwrap();
        let [Part::Settled(1, Err(error))] = parts.as_slice() else { panic!("{parts:?}") };
        assert_eq!(*error, suffering);
    }
}

#[test]
fn a_command_that_is_refused_as_a_whole_is_tried_in_parts() {
    let refused = CommandResult { revision: 9, results: Err(KvError::Malformed) };
    let parts = Bundle::take(&mut queue(vec![put(1), put(2)])).settle(refused.clone()).unwrap();
    assert!(parts.iter().all(|part| matches!(part, Part::Again(bundle) if bundle.len() == 1)), "{parts:?}");
    let parts = Bundle::take(&mut queue(vec![put(1)])).settle(refused).unwrap();
    assert!(matches!(parts.as_slice(), [Part::Settled(0, Err(KvError::Malformed))]), "{parts:?}");
}

#[test]
fn results_of_another_number_of_requests_settle_nothing() {
    let bundle = Bundle::take(&mut queue(vec![put(1), put(2)]));
    assert_eq!(bundle.settle(result(vec![done(2)])).unwrap_err().into_waiters(), [0, 1]);
}
