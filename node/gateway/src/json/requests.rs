//! Which fields requests have.

use serde_json::Value;

use super::Readable;
use super::read::{Names, Object, enumeration, field, object, optional};
use crate::messages::kv::{CompactionRequest, DeleteRangeRequest, PutRequest, RangeRequest, SortOrder, SortTarget};
use crate::messages::lease::{
    LeaseGrantRequest, LeaseKeepAliveRequest, LeaseLeasesRequest, LeaseRevokeRequest, LeaseTimeToLiveRequest,
};
use crate::messages::txn::{Compare, CompareResult, CompareTarget, Operation, RequestOp, TargetUnion, TxnRequest};

/// A message's fields by their names, and the enumerations among them.
macro_rules! readable {
    ($message:ident { $($field:ident: $name:literal $(of $names:ident)?),* }) => {
        impl Readable for $message {
            fn from_json(value: &Value) -> Result<Self, String> {
                let object = object(value)?;
                Ok(Self { $($field: readable!(object $name $($names)?)),* })
            }
        }
    };
    ($object:ident $name:literal) => { field($object, $name)? };
    ($object:ident $name:literal $names:ident) => { enumeration::<$names>($object, $name)? };
}

macro_rules! names {
    ($($names:ident: $($name:literal)*;)*) => {
        $(impl Names for $names {
            const NAMES: &'static [&'static str] = &[$($name),*];
        })*
    };
}

names! {
    SortOrder: "NONE" "ASCEND" "DESCEND";
    SortTarget: "KEY" "VERSION" "CREATE" "MOD" "VALUE";
    CompareResult: "EQUAL" "GREATER" "LESS" "NOT_EQUAL";
    CompareTarget: "VERSION" "CREATE" "MOD" "VALUE" "LEASE";
}

readable!(RangeRequest {
    key: "key",
    range_end: "range_end",
    limit: "limit",
    revision: "revision",
    sort_order: "sort_order" of SortOrder,
    sort_target: "sort_target" of SortTarget,
    serializable: "serializable",
    keys_only: "keys_only",
    count_only: "count_only",
    min_mod_revision: "min_mod_revision",
    max_mod_revision: "max_mod_revision",
    min_create_revision: "min_create_revision",
    max_create_revision: "max_create_revision"
});
readable!(PutRequest {
    key: "key",
    value: "value",
    lease: "lease",
    prev_kv: "prev_kv",
    ignore_value: "ignore_value",
    ignore_lease: "ignore_lease"
});
readable!(DeleteRangeRequest { key: "key", range_end: "range_end", prev_kv: "prev_kv" });
readable!(TxnRequest { compare: "compare", success: "success", failure: "failure" });
readable!(CompactionRequest { revision: "revision", physical: "physical" });
readable!(LeaseGrantRequest { ttl: "TTL", id: "ID" });
readable!(LeaseRevokeRequest { id: "ID" });
readable!(LeaseKeepAliveRequest { id: "ID" });
readable!(LeaseTimeToLiveRequest { id: "ID", keys: "keys" });

impl Readable for LeaseLeasesRequest {
    fn from_json(value: &Value) -> Result<Self, String> {
        object(value).map(|_| Self {})
    }
}

impl Readable for RequestOp {
    fn from_json(value: &Value) -> Result<Self, String> {
        Ok(Self { request: operation(object(value)?)? })
    }
}

fn operation(object: &Object) -> Result<Option<Operation>, String> {
    let range = optional::<Option<_>>(object, "request_range")?.flatten().map(Operation::Range);
    let put = optional::<Option<_>>(object, "request_put")?.flatten().map(Operation::Put);
    let delete = optional::<Option<_>>(object, "request_delete_range")?.flatten().map(Operation::DeleteRange);
    let txn = optional::<Option<_>>(object, "request_txn")?.flatten().map(Operation::Txn);
    one_of([range, put, delete, txn])
}

impl Readable for Compare {
    fn from_json(value: &Value) -> Result<Self, String> {
        let object = object(value)?;
        Ok(Self {
            result: enumeration::<CompareResult>(object, "result")?,
            target: enumeration::<CompareTarget>(object, "target")?,
            key: field(object, "key")?,
            target_union: target(object)?,
            range_end: field(object, "range_end")?,
        })
    }
}

fn target(object: &Object) -> Result<Option<TargetUnion>, String> {
    one_of([
        optional(object, "version")?.map(TargetUnion::Version),
        optional(object, "create_revision")?.map(TargetUnion::CreateRevision),
        optional(object, "mod_revision")?.map(TargetUnion::ModRevision),
        optional(object, "value")?.map(TargetUnion::Value),
        optional(object, "lease")?.map(TargetUnion::Lease),
    ])
}

/// The one that is there, of several of which at most one may be.
fn one_of<T, const N: usize>(all: [Option<T>; N]) -> Result<Option<T>, String> {
    let mut there = all.into_iter().flatten();
    match (there.next(), there.next()) {
        (first, None) => Ok(first),
        _ => Err("several fields stand where one of them should".to_owned()),
    }
}
