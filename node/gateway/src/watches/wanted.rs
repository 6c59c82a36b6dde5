//! What a watch is told.

use tetrarch_kv::KeyRange;
use tetrarch_kv_client::watch::{Change, Happened};

use crate::messages::KeyValue;
use crate::messages::watch::{Event, EventType, FilterType, WatchCreateRequest};
use crate::translate::{key_value, signed};

/// Which events, and what of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    range: KeyRange,
    puts: bool,
    deletions: bool,
    pub(crate) previous: bool,
}

impl Wanted {
    /// None if the range is empty; etcd refuses that. An empty key is the first there is, and filters that nobody knows filter nothing.
    pub(crate) fn of(message: &WatchCreateRequest) -> Option<Self> {
        let key = if message.key.is_empty() { vec![0] } else { message.key.clone() };
        let end = message.range_end.clone();
        if !end.is_empty() && end != [0] && key >= end {
            return None;
        }
        let wants = |filter: FilterType| !message.filters.contains(&filter.into());
        Some(Self {
            range: KeyRange { key, end },
            puts: wants(FilterType::Noput),
            deletions: wants(FilterType::Nodelete),
            previous: message.prev_kv,
        })
    }

    /// Whether it is told anything of a revision.
    pub(crate) fn is_touched(&self, happened: &Happened) -> bool {
        happened.changes.iter().any(|change| self.wants(change))
    }

    /// What it is told of a revision.
    pub(crate) fn events(&self, happened: &Happened) -> Vec<Event> {
        let wanted = happened.changes.iter().filter(|change| self.wants(change));
        wanted.map(|change| self.event(happened.revision, change)).collect()
    }

    fn wants(&self, change: &Change) -> bool {
        (if change.put.is_some() { self.puts } else { self.deletions }) && self.range.contains(&change.key)
    }

    fn event(&self, revision: u64, change: &Change) -> Event {
        let pair = |record| key_value((change.key.clone(), record));
        let (kind, kv) = match &change.put {
            Some(record) => (EventType::Put, pair(record.clone())),
            None => {
                let key = change.key.clone();
                (EventType::Delete, KeyValue { key, mod_revision: signed(revision), ..KeyValue::default() })
            }
        };
        let previous = if self.previous { change.previous.clone() } else { None };
        Event { kind: kind.into(), kv: Some(kv), prev_kv: previous.map(pair) }
    }
}

#[cfg(test)]
mod tests {
    use tetrarch_kv::KeyRecord;

    use super::*;

    fn create(key: &str, end: &str, filters: &[FilterType]) -> WatchCreateRequest {
        let filters = filters.iter().map(|filter| (*filter).into()).collect();
        let (key, range_end) = (key.into(), end.into());
        WatchCreateRequest { key, range_end, filters, prev_kv: true, ..Default::default() }
    }

    fn happened() -> Happened {
        let record = |value: &str| KeyRecord {
            value: value.into(),
            create_revision: 2,
            mod_revision: 3,
            version: 2,
            lease: u64::MAX,
        };
        let change = |key: &str, put: Option<&str>| Change {
            key: key.into(),
            put: put.map(record),
            previous: Some(record("old")),
        };
        Happened { revision: 3, changes: vec![change("a", Some("1")), change("b", None), change("c", Some("2"))] }
    }

    fn keys(wanted: &Wanted) -> Vec<Vec<u8>> {
        wanted.events(&happened()).into_iter().map(|event| event.kv.unwrap().key).collect()
    }

    #[test]
    fn ranges_and_filters_choose() {
        use FilterType::{Nodelete, Noput};
        for (key, end, filters, expected) in [
            ("a", "", &[][..], &["a"][..]),
            ("a", "c", &[], &["a", "b"]),
            ("b", "\0", &[], &["b", "c"]),
            ("", "\0", &[], &["a", "b", "c"]),
            ("", "", &[], &[]),
            ("a", "\0", &[Noput], &["b"]),
            ("a", "\0", &[Nodelete], &["a", "c"]),
            ("a", "\0", &[Nodelete, Noput], &[]),
        ] {
            let wanted = Wanted::of(&create(key, end, filters)).unwrap();
            assert_eq!(keys(&wanted), expected.iter().map(|key| key.as_bytes()).collect::<Vec<_>>(), "{key:?} {end:?}");
            assert_eq!(wanted.is_touched(&happened()), !expected.is_empty());
        }
        assert_eq!([("b", "a"), ("a", "a")].map(|(key, end)| Wanted::of(&create(key, end, &[]))), [None, None]);
    }

    #[test]
    fn a_deletion_has_a_key_and_a_revision_only_and_what_was_before_if_asked_for() {
        let create = create("b", "", &[]);
        let [with, without] = [true, false].map(|prev_kv| {
            let wanted = Wanted::of(&WatchCreateRequest { prev_kv, ..create.clone() }).unwrap();
            wanted.events(&happened()).remove(0)
        });
        let kv = KeyValue { key: b"b".to_vec(), mod_revision: 3, ..Default::default() };
        assert_eq!((without.kind, without.kv, without.prev_kv), (1, Some(kv.clone()), None));
        assert_eq!((with.kv, with.prev_kv.unwrap().value), (Some(kv), b"old".to_vec()));
    }
}
