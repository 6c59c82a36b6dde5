//! Ranges, puts and deletions.

use tetrarch_kv::store::{Revisions, Sort, SortOrder, SortTarget};
use tetrarch_kv::{DeleteRangeRequest, KeyRange, PutRequest, RangeRequest};

use super::{lease_id, unsigned};
use crate::messages::kv;
use crate::refusal::Refusal;

pub(crate) fn range(message: kv::RangeRequest) -> Result<RangeRequest, Refusal> {
    Ok(RangeRequest {
        range: KeyRange { key: message.key, end: message.range_end },
        limit: unsigned(message.limit),
        revision: unsigned(message.revision),
        sort: sort(message.sort_order, message.sort_target)?,
        keys_only: message.keys_only,
        count_only: message.count_only,
        mod_revisions: revisions(message.min_mod_revision, message.max_mod_revision),
        create_revisions: revisions(message.min_create_revision, message.max_create_revision),
    })
}

pub(crate) fn put(message: kv::PutRequest) -> PutRequest {
    PutRequest {
        key: message.key,
        value: message.value,
        lease: lease_id(message.lease),
        prev_kv: message.prev_kv,
        ignore_value: message.ignore_value,
        ignore_lease: message.ignore_lease,
    }
}

pub(crate) fn delete_range(message: kv::DeleteRangeRequest) -> DeleteRangeRequest {
    let range = KeyRange { key: message.key, end: message.range_end };
    DeleteRangeRequest { range, prev_kv: message.prev_kv }
}

fn sort(order: i32, target: i32) -> Result<Sort, Refusal> {
    let order = match kv::SortOrder::try_from(order) {
        Ok(kv::SortOrder::None) => SortOrder::None,
        Ok(kv::SortOrder::Ascend) => SortOrder::Ascend,
        Ok(kv::SortOrder::Descend) => SortOrder::Descend,
        Err(_) => return Err(Refusal::InvalidSort),
    };
    let target = match kv::SortTarget::try_from(target) {
        Ok(kv::SortTarget::Key) => SortTarget::Key,
        Ok(kv::SortTarget::Version) => SortTarget::Version,
        Ok(kv::SortTarget::Create) => SortTarget::Create,
        Ok(kv::SortTarget::Mod) => SortTarget::Mod,
        Ok(kv::SortTarget::Value) => SortTarget::Value,
        Err(_) => return Err(Refusal::InvalidSort),
    };
    Ok(Sort { order, target })
}

/// In etcd a negative upper bound is one that no revision is below; a negative lower one is none.
fn revisions(min: i64, max: i64) -> Revisions {
    if max < 0 { Revisions { min: u64::MAX, max: 0 } } else { Revisions { min: unsigned(min), max: unsigned(max) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> kv::RangeRequest {
        kv::RangeRequest { key: b"k".to_vec(), ..Default::default() }
    }

    #[test]
    fn what_is_negative_means_nothing_was_asked_but_for_upper_bounds() {
        let asked = kv::RangeRequest { limit: -1, revision: -7, min_mod_revision: -2, ..message() };
        assert_eq!(range(asked), Ok(RangeRequest::one("k")));
        let asked = kv::RangeRequest { max_create_revision: -1, ..message() };
        assert_eq!(range(asked).unwrap().create_revisions, Revisions { min: u64::MAX, max: 0 });
    }

    #[test]
    fn unknown_ways_of_sorting_are_refused() {
        for asked in [kv::RangeRequest { sort_order: 3, ..message() }, kv::RangeRequest { sort_target: 5, ..message() }]
        {
            assert_eq!(range(asked), Err(Refusal::InvalidSort));
        }
    }

    #[test]
    fn every_field_of_a_range_and_a_put_arrives() {
        let asked = kv::RangeRequest {
            key: b"a".to_vec(),
            range_end: b"b".to_vec(),
            limit: 3,
            revision: 4,
            sort_order: kv::SortOrder::Descend.into(),
            sort_target: kv::SortTarget::Mod.into(),
            serializable: true,
            keys_only: true,
            count_only: true,
            min_mod_revision: 5,
            max_mod_revision: 6,
            min_create_revision: 7,
            max_create_revision: 8,
        };
        let expected = RangeRequest {
            range: KeyRange { key: b"a".to_vec(), end: b"b".to_vec() },
            limit: 3,
            revision: 4,
            sort: Sort { order: SortOrder::Descend, target: SortTarget::Mod },
            keys_only: true,
            count_only: true,
            mod_revisions: Revisions { min: 5, max: 6 },
            create_revisions: Revisions { min: 7, max: 8 },
        };
        assert_eq!(range(asked), Ok(expected));
        let asked = kv::PutRequest {
            key: b"k".to_vec(),
            value: b"v".to_vec(),
            lease: -1,
            prev_kv: true,
            ignore_value: true,
            ignore_lease: true,
        };
        let put = put(asked);
        assert_eq!((put.key, put.value, put.lease), (b"k".to_vec(), b"v".to_vec(), u64::MAX));
        assert!(put.prev_kv && put.ignore_value && put.ignore_lease);
    }
}
