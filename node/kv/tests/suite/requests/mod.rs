//! Random requests: few keys, leases and revisions, so that they get into each other's way.

use proptest::collection::vec;
use proptest::prelude::*;
use tetrarch_kv::store::{Revisions, Sort, SortOrder, SortTarget};
use tetrarch_kv::{
    Compare, Comparison, DeleteRangeRequest, KeyRange, Operation, PutRequest, RangeRequest, Request, Target, TxnRequest,
};
use tetrarch_types::View;

/// Time that passes, in milliseconds, and what is ordered then.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) passes: u64,
    pub(crate) commands: Vec<Vec<Request>>,
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let passes = prop_oneof![4 => 0_u64..1_500, 1 => Just(2_000_u64), 1 => 0_u64..9_000];
    let step = (passes, vec(vec(request(), 0..5), 0..4)).prop_map(|(passes, commands)| Step { passes, commands });
    (prop::option::weighted(0.3, many_keys()), vec(step, 1..10)).prop_map(|(first, steps)| {
        let first = first.map(|first| Step { passes: 0, commands: vec![vec![first]] });
        first.into_iter().chain(steps).collect()
    })
}

/// More keys than are read at a time.
fn many_keys() -> impl Strategy<Value = Request> {
    (0_u32..60).prop_map(|count| {
        let put = |number| Operation::Put(PutRequest::new(format!("a/{number:02}"), ""));
        Request::Txn(TxnRequest { success: (0..count).map(put).collect(), ..TxnRequest::default() })
    })
}

pub(crate) fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop::sample::select(vec![0, b'a', b'b', 255]), 1..4)
}

pub(crate) fn bound() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![3 => key(), 1 => Just(Vec::new())]
}

fn few_keys() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::sample::select(vec!["a", "a/1", "a/2", "b", "c"]).prop_map(|key| key.as_bytes().to_vec()),
        1 => key(),
    ]
}

/// Now and then none.
fn maybe_key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![40 => few_keys(), 1 => Just(Vec::new())]
}

fn range() -> impl Strategy<Value = KeyRange> {
    prop_oneof![
        3 => maybe_key().prop_map(KeyRange::one),
        2 => few_keys().prop_map(KeyRange::prefix),
        1 => Just(KeyRange::prefix("")),
        1 => few_keys().prop_map(|key| KeyRange { key, end: vec![0] }),
        2 => (maybe_key(), few_keys()).prop_map(|(key, end)| KeyRange { key, end }),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    vec(0_u8..3, 0..3)
}

fn revision() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(0_u64), 1 => 0_u64..30]
}

fn revisions() -> impl Strategy<Value = Revisions> {
    prop_oneof![
        4 => Just(Revisions::default()),
        1 => (0_u64..20, 0_u64..20).prop_map(|(min, max)| Revisions { min, max }),
    ]
}

fn sort() -> impl Strategy<Value = Sort> {
    let order = prop::sample::select(vec![SortOrder::None, SortOrder::Ascend, SortOrder::Descend]);
    let target = prop::sample::select(vec![
        SortTarget::Key,
        SortTarget::Key,
        SortTarget::Version,
        SortTarget::Create,
        SortTarget::Mod,
        SortTarget::Value,
    ]);
    (order, target).prop_map(|(order, target)| Sort { order, target })
}

fn read() -> impl Strategy<Value = RangeRequest> {
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.1));
    let what = (range(), 0_u64..4, revision(), sort());
    (what, flags, revisions(), revisions()).prop_map(
        |((range, limit, revision, sort), (keys_only, count_only), mod_revisions, create_revisions)| RangeRequest {
            range,
            limit,
            revision,
            sort,
            keys_only,
            count_only,
            mod_revisions,
            create_revisions,
        },
    )
}

fn lease() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(0_u64), 3 => 1_u64..4]
}

fn put() -> impl Strategy<Value = PutRequest> {
    let ignores = (prop::bool::weighted(0.2), prop::bool::weighted(0.2), prop::bool::weighted(0.05));
    (maybe_key(), value(), lease(), any::<bool>(), ignores).prop_map(
        |(key, value, lease, prev_kv, (ignore_value, ignore_lease, both))| PutRequest {
            key,
            // Seldom what is ignored and brought all the same, which is refused.
            value: if ignore_value && !both { Vec::new() } else { value },
            lease: if ignore_lease && !both { 0 } else { lease },
            prev_kv,
            ignore_value,
            ignore_lease,
        },
    )
}

fn delete() -> impl Strategy<Value = DeleteRangeRequest> {
    (range(), any::<bool>()).prop_map(|(range, prev_kv)| DeleteRangeRequest { range, prev_kv })
}

fn compare() -> impl Strategy<Value = Compare> {
    let target = prop_oneof![
        (-1_i64..4).prop_map(Target::Version),
        (-1_i64..20).prop_map(Target::Create),
        (-1_i64..20).prop_map(Target::Mod),
        value().prop_map(Target::Value),
        (0_u64..4).prop_map(Target::Lease),
    ];
    let result =
        prop::sample::select(vec![Comparison::Equal, Comparison::Greater, Comparison::Less, Comparison::NotEqual]);
    (range(), result, target).prop_map(|(range, result, target)| Compare { range, result, target })
}

fn operation() -> impl Strategy<Value = Operation> {
    let leaf = prop_oneof![
        2 => read().prop_map(Operation::Range),
        3 => put().prop_map(Operation::Put),
        2 => delete().prop_map(Operation::DeleteRange),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| txn_of(inner).prop_map(Operation::Txn))
}

fn txn_of(operation: impl Strategy<Value = Operation> + Clone + 'static) -> impl Strategy<Value = TxnRequest> {
    (vec(compare(), 0..3), vec(operation.clone(), 0..4), vec(operation, 0..4))
        .prop_map(|(compares, success, failure)| TxnRequest { compares, success, failure })
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        3 => read().prop_map(Request::Range),
        5 => put().prop_map(Request::Put),
        2 => delete().prop_map(Request::DeleteRange),
        6 => txn_of(operation().boxed()).prop_map(Request::Txn),
        1 => (0_u64..20).prop_map(|revision| Request::Compact { revision }),
        2 => (1_u64..4, -1_i64..6).prop_map(|(id, ttl)| Request::LeaseGrant { id, ttl }),
        1 => (1_u64..4).prop_map(|id| Request::LeaseRevoke { id }),
        1 => (1_u64..4).prop_map(|id| Request::LeaseKeepAlive { id }),
        1 => (0_u64..3).prop_map(|view| Request::MovePrimary { view: View::new(view) }),
    ]
}
