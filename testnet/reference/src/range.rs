//! Ranges.

use std::cmp::Reverse;

use tetrarch_kv::store::{SortOrder, SortTarget};
use tetrarch_kv::{KeyRange, KeyRecord, RangeRequest, Selection};

use super::Records;

type Pair = (Vec<u8>, KeyRecord);

/// Whether a key is within a range.
pub fn contains(range: &KeyRange, key: &[u8]) -> bool {
    match range.end.as_slice() {
        [] => key == range.key,
        [0] => key >= range.key.as_slice(),
        end => key >= range.key.as_slice() && key < end,
    }
}

pub(super) fn within(records: &Records, range: &KeyRange) -> Vec<Pair> {
    records.clone().into_iter().filter(|(key, _)| contains(range, key)).collect()
}

/// The answer to a read of these records.
pub fn select(records: &Records, request: &RangeRequest) -> Selection {
    let mut found = within(records, &request.range);
    let count = found.len() as u64;
    if request.count_only {
        return Selection { records: Vec::new(), count, count_is_exact: true, more: false };
    }
    let limit = Some(request.limit).filter(|limit| *limit != 0).and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(usize::MAX);
    found.retain(|(_, record)| is_wanted(request, record));
    let has_filters = [request.mod_revisions, request.create_revisions].iter().any(|it| it.min != 0 || it.max != 0);
    if request.sort.order == SortOrder::None && request.sort.target != SortTarget::Key && !has_filters {
        // As etcd does: so many keys and one more are sorted, from the first on.
        found.truncate(limit.saturating_add(1));
    }
    // A stable sort: equal ones stay in the order of their keys.
    let sort_key = |(key, record): &Pair| -> (u64, Vec<u8>) {
        match request.sort.target {
            SortTarget::Key => (0, key.clone()),
            SortTarget::Version => (record.version, Vec::new()),
            SortTarget::Create => (record.create_revision, Vec::new()),
            SortTarget::Mod => (record.mod_revision, Vec::new()),
            SortTarget::Value => (0, record.value.clone()),
        }
    };
    if request.sort.order == SortOrder::Descend {
        found.sort_by_key(|one| Reverse(sort_key(one)));
    } else {
        found.sort_by_key(sort_key);
    }
    let more = found.len() > limit;
    found.truncate(limit);
    if request.keys_only {
        found.iter_mut().for_each(|(_, record)| record.value.clear());
    }
    Selection { records: found, count, count_is_exact: true, more }
}

fn is_wanted(request: &RangeRequest, record: &KeyRecord) -> bool {
    let (modified, created) = (request.mod_revisions, request.create_revisions);
    !(modified.max != 0 && record.mod_revision > modified.max
        || modified.min != 0 && record.mod_revision < modified.min
        || created.max != 0 && record.create_revision > created.max
        || created.min != 0 && record.create_revision < created.min)
}
