//! What simulated clients ask for: few keys and leases, so that they get into each other's way.

use tetrarch_kv::store::{Sort, SortOrder, SortTarget};
use tetrarch_kv::{
    Command, CommandResult, Compare, Comparison, DeleteRangeRequest, Expected, KeyRange, Operation, PutRequest,
    RangeRequest, Request, Response, Target, TxnRequest,
};
use tetrarch_types::View;

use crate::rng::Rng;
use crate::workload::Generator;

pub(super) const KEYS: u64 = 6;

/// Leases, and keys that hang on them.
const LEASES: u64 = 3;

/// What a client last saw of the keys: what it compares with.
#[derive(Clone, Debug, Default)]
pub(super) struct FewKeys {
    versions: [u64; KEYS as usize],
    counters: [u64; KEYS as usize],
    /// The store's revision as far as it was told.
    revision: u64,
}

impl Generator for FewKeys {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        let which = rng.below(KEYS);
        let requests = match rng.below(16) {
            0..4 => vec![self.change(which, rng), Request::get(key(which))],
            4..7 => {
                let other = rng.below(KEYS);
                vec![self.change(which, rng), self.change(other, rng), Request::get(key(which))]
            }
            7..10 => vec![self.change(which, rng)],
            10 => vec![several(which, rng)],
            11 => vec![listing(rng)],
            12..15 => lease(rng),
            _ => self.past(rng),
        };
        Command::new(requests).encode()
    }

    /// Learns from an answer what the keys were like.
    fn learn(&mut self, command: &[u8], result: &[u8]) {
        let Ok(command) = Command::decode(command) else { return };
        let Ok(CommandResult { results: Ok(results), revision }) = CommandResult::decode(result) else { return };
        self.revision = self.revision.max(revision);
        for (request, result) in command.requests.iter().zip(results) {
            if let (Request::Range(read), Ok(Response::Range(mut found))) = (request, result.map(|it| it.response))
                && read.range.is_one()
                && let Some(which) = read.range.key.last().map(|digit| usize::from(digit.wrapping_sub(b'0')))
                && let (Some(version), Some(counter)) = (self.versions.get_mut(which), self.counters.get_mut(which))
            {
                let record = found.records.pop().map(|(_, record)| record);
                let value = record.as_ref().and_then(|record| record.value.first_chunk::<8>().copied());
                *version = record.map_or(0, |record| record.version);
                *counter = value.map_or(0, u64::from_be_bytes);
            }
        }
    }
}

impl FewKeys {
    fn change(&self, which: u64, rng: &mut Rng) -> Request {
        let value = rng.draw().to_be_bytes().to_vec();
        let version = self.versions.get(which as usize).copied().unwrap_or_default();
        let count = self.counters.get(which as usize).copied().unwrap_or_default();
        match rng.below(8) {
            0 | 1 => Request::put(key(which), value),
            2 => Request::delete(key(which)),
            3 => Request::compare_and_swap(key(which), Expected::Absent, Some(value)),
            4 => Request::compare_and_swap(key(which), Expected::Version(version), Some(value)),
            5 => Request::compare_and_swap(key(which), Expected::Version(version), None),
            // An increment: the number that was read, plus one, if it is still that number.
            _ => {
                let expected = Expected::Value(count.to_be_bytes().to_vec());
                Request::compare_and_swap(key(which), expected, Some(count.wrapping_add(1).to_be_bytes().to_vec()))
            }
        }
    }

    /// Reads what was, gives up some of it, or asks the primary to give way. It writes no keys.
    fn past(&self, rng: &mut Rng) -> Vec<Request> {
        let revision = (self.revision + 1).saturating_sub(rng.below(12));
        let read = RangeRequest::prefix("key/").at(revision);
        let sort = Sort { order: SortOrder::Descend, target: rng.one_of([SortTarget::Mod, SortTarget::Create]) };
        let mut requests = vec![alive(rng), Request::Range(RangeRequest { sort, ..read.clone() })];
        match rng.below(4) {
            0 => {
                requests.push(Request::Compact { revision: self.revision.saturating_sub(rng.below(20)) });
                requests.push(Request::Range(read));
            }
            // Accepted once a minute only, and a run is shorter: so it ends one view of a run at most, among those with which runs begin.
            1 => requests.push(Request::MovePrimary { view: View::new(rng.below(3)) }),
            _ => {}
        }
        requests
    }
}

/// A transaction about several keys, with another one in it.
fn several(which: u64, rng: &mut Rng) -> Request {
    let value = rng.draw().to_be_bytes();
    let (next, last) = (key((which + 1) % KEYS), key((which + 2) % KEYS));
    let inner = TxnRequest {
        compares: vec![Compare::new(next.clone(), Comparison::NotEqual, Target::Version(0))],
        success: vec![Operation::DeleteRange(DeleteRangeRequest { range: KeyRange::one(next.clone()), prev_kv: true })],
        failure: vec![Operation::Put(PutRequest::new(next, value))],
    };
    let at_most = i64::try_from(rng.below(4)).unwrap_or_default();
    Request::Txn(TxnRequest {
        compares: vec![Compare {
            range: KeyRange::one(key(which)),
            result: Comparison::Less,
            target: Target::Version(at_most),
        }],
        success: vec![
            Operation::Put(PutRequest { prev_kv: true, ..PutRequest::new(key(which), value) }),
            Operation::Txn(inner),
        ],
        failure: vec![
            Operation::DeleteRange(DeleteRangeRequest::of(KeyRange::one(key(which)))),
            Operation::Range(RangeRequest::one(last)),
        ],
    })
}

fn listing(rng: &mut Rng) -> Request {
    let order = rng.one_of([SortOrder::None, SortOrder::Ascend, SortOrder::Descend]);
    let target = rng.one_of([SortTarget::Key, SortTarget::Version, SortTarget::Value]);
    let read = RangeRequest::prefix("key/").limit(rng.below(4));
    Request::Range(RangeRequest { sort: Sort { order, target }, keys_only: rng.below(3) == 0, ..read })
}

/// What holders of leases do, on keys that nobody else writes.
fn lease(rng: &mut Rng) -> Vec<Request> {
    let (id, name) = (1 + rng.below(LEASES), format!("leased/{}", rng.below(LEASES)));
    let ttl = i64::try_from(rng.below(6)).unwrap_or_default();
    let attached = Operation::Put(PutRequest::new(name.clone(), rng.draw().to_be_bytes()).lease(id));
    let lock = Request::Txn(TxnRequest {
        compares: vec![Expected::Absent.compare(name.clone())],
        success: vec![attached.clone()],
        failure: vec![Operation::Range(RangeRequest::one(name.clone()))],
    });
    let then = match rng.below(8) {
        0 | 1 => vec![Request::LeaseGrant { id, ttl }],
        2 | 3 => vec![Request::LeaseGrant { id, ttl }, lock],
        4 => vec![lock],
        5 => vec![Request::Txn(TxnRequest { success: vec![attached], ..TxnRequest::default() })],
        6 => vec![Request::LeaseRevoke { id }, Request::delete(name)],
        _ => vec![Request::prefix("leased/", 0)],
    };
    std::iter::once(alive(rng)).chain(then).collect()
}

/// What every command begins with that depends on more than its keys: see [`KvModel`](super::KvModel).
fn alive(rng: &mut Rng) -> Request {
    Request::LeaseKeepAlive { id: 1 + rng.below(LEASES) }
}

pub(super) fn key(which: u64) -> Vec<u8> {
    format!("key/{which}").into_bytes()
}
