//! A response that is too large for one message, for clients that take it in fragments.

use prost::Message;

use crate::limits::FRAGMENT_BYTES;
use crate::messages::watch::WatchResponse;

/// Cuts a response as etcd does: each fragment but the last says so, and has one event at least.
pub(crate) fn fragments(mut response: WatchResponse) -> Vec<WatchResponse> {
    if response.encoded_len() < FRAGMENT_BYTES {
        return vec![response];
    }
    let events = std::mem::take(&mut response.events);
    let head = WatchResponse { fragment: true, ..response };
    let head_bytes = head.encoded_len();
    let (mut all, mut bytes) = (vec![head.clone()], head_bytes);
    for event in events {
        // The event's own field: a byte for its number, and its length.
        let size = 1 + event.encoded_len() + prost::length_delimiter_len(event.encoded_len());
        let has_events = all.last().is_some_and(|last| !last.events.is_empty());
        if has_events && bytes + size >= FRAGMENT_BYTES {
            all.push(head.clone());
            bytes = head_bytes;
        }
        bytes += size;
        if let Some(last) = all.last_mut() {
            last.events.push(event);
        }
    }
    if let Some(last) = all.last_mut() {
        last.fragment = false;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::KeyValue;
    use crate::messages::watch::Event;

    fn response(sizes: &[usize]) -> WatchResponse {
        let event = |size: &usize| Event {
            kv: Some(KeyValue { value: vec![0; *size], ..Default::default() }),
            ..Default::default()
        };
        WatchResponse { watch_id: 5, events: sizes.iter().map(event).collect(), ..Default::default() }
    }

    #[test]
    fn what_is_small_or_one_event_stays_whole() {
        for whole in [response(&[]), response(&[1, 2]), response(&[FRAGMENT_BYTES])] {
            assert_eq!(fragments(whole.clone()), [whole]);
        }
    }

    #[test]
    fn fragments_are_bounded_and_come_to_the_same() {
        const MIB: usize = 1024 * 1024;
        let whole = response(&[MIB, MIB / 2, MIB, 10, MIB, 3 * MIB, 1, 1]);
        let cut = fragments(whole.clone());
        assert!(cut.len() > 3);
        for (index, fragment) in cut.iter().enumerate() {
            assert!(fragment.encoded_len() < FRAGMENT_BYTES || fragment.events.len() == 1);
            assert_eq!((fragment.fragment, fragment.watch_id), (index + 1 < cut.len(), 5));
        }
        let events: Vec<Event> = cut.into_iter().flat_map(|fragment| fragment.events).collect();
        assert_eq!(events, whole.events);
    }
}
