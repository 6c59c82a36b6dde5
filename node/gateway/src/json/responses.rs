//! Which fields responses have.

use serde_json::{Value, json};

use super::{Writable, Writes};
use crate::messages::kv::{CompactionResponse, DeleteRangeResponse, PutResponse, RangeResponse};
use crate::messages::lease::{
    LeaseGrantResponse, LeaseKeepAliveResponse, LeaseLeasesResponse, LeaseRevokeResponse, LeaseStatus,
    LeaseTimeToLiveResponse,
};
use crate::messages::txn::{Outcome, ResponseOp, TxnResponse};
use crate::messages::{KeyValue, ResponseHeader};

/// A message's fields by their names.
macro_rules! writable {
    ($message:ident { $($field:ident: $name:literal),* }) => {
        impl Writable for $message {
            fn to_json(&self) -> Value {
                let fields = [$(($name, self.$field.write())),*];
                fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
            }
        }
    };
}

writable!(ResponseHeader {
    cluster_id: "cluster_id",
    member_id: "member_id",
    revision: "revision",
    raft_term: "raft_term"
});
writable!(KeyValue {
    key: "key",
    create_revision: "create_revision",
    mod_revision: "mod_revision",
    version: "version",
    value: "value",
    lease: "lease"
});
writable!(RangeResponse { header: "header", kvs: "kvs", more: "more", count: "count" });
writable!(PutResponse { header: "header", prev_kv: "prev_kv" });
writable!(DeleteRangeResponse { header: "header", deleted: "deleted", prev_kvs: "prev_kvs" });
writable!(TxnResponse { header: "header", succeeded: "succeeded", responses: "responses" });
writable!(CompactionResponse { header: "header" });
writable!(LeaseGrantResponse { header: "header", id: "ID", ttl: "TTL", error: "error" });
writable!(LeaseRevokeResponse { header: "header" });
writable!(LeaseKeepAliveResponse { header: "header", id: "ID", ttl: "TTL" });
writable!(LeaseTimeToLiveResponse { header: "header", id: "ID", ttl: "TTL", granted_ttl: "grantedTTL", keys: "keys" });
writable!(LeaseStatus { id: "ID" });
writable!(LeaseLeasesResponse { header: "header", leases: "leases" });

impl Writable for ResponseOp {
    fn to_json(&self) -> Value {
        match &self.response {
            Some(Outcome::Range(range)) => json!({ "response_range": range.to_json() }),
            Some(Outcome::Put(put)) => json!({ "response_put": put.to_json() }),
            Some(Outcome::DeleteRange(deleted)) => json!({ "response_delete_range": deleted.to_json() }),
            Some(Outcome::Txn(txn)) => json!({ "response_txn": txn.to_json() }),
            None => json!({}),
        }
    }
}
