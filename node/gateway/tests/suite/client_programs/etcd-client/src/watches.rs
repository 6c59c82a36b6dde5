//! Watches: from a revision on, of a prefix, with what was there before, more than one on a stream, and progress.

use etcd_client::{Client, EventType, WatchOptions, WatchResponse};

use crate::soon;

/// What an event says: its kind, key and value, the value before, and its revision.
type Told = (EventType, String, String, Option<String>, i64);

fn told(response: &WatchResponse) -> Vec<Told> {
    let told = |event: &etcd_client::Event| {
        let kv = event.kv().unwrap();
        let before = event.prev_kv().map(|kv| kv.value_str().unwrap().to_owned());
        let (key, value) = (kv.key_str().unwrap().to_owned(), kv.value_str().unwrap().to_owned());
        (event.event_type(), key, value, before, kv.mod_revision())
    };
    response.events().iter().map(told).collect()
}

pub async fn watches(mut client: Client) {
    let first = client.put("w/a", "1", None).await.unwrap().header().unwrap().revision();
    client.put("elsewhere", "2", None).await.unwrap();
    client.put("w/a", "3", None).await.unwrap();
    client.delete("w/a", None).await.unwrap();
    let options = WatchOptions::new().with_prefix().with_start_revision(first).with_prev_key();
    let mut stream = client.watch("w/", Some(options)).await.unwrap();
    let mut events = Vec::new();
    let mut id = None;
    while events.len() < 3 {
        let response = soon(stream.message()).await.unwrap();
        assert!(!response.canceled(), "{response:?}");
        assert_eq!(response.watch_id(), *id.get_or_insert(response.watch_id()));
        events.extend(told(&response));
    }
    let event = |kind, value: &str, before: Option<&str>, at| {
        (kind, "w/a".to_owned(), value.to_owned(), before.map(str::to_owned), first + at)
    };
    let expected = [
        event(EventType::Put, "1", None, 0),
        event(EventType::Put, "3", Some("1"), 2),
        event(EventType::Delete, "", Some("3"), 3),
    ];
    assert_eq!(events, expected);

    // Another one on the same stream, of what is yet to come; and the end of each.
    stream.watch("w/b", Some(WatchOptions::new().with_watch_id(77))).await.unwrap();
    let created = soon(stream.message()).await.unwrap();
    assert!(created.created() && created.watch_id() == 77, "{created:?}");
    stream.cancel(id.unwrap()).await.unwrap();
    let cancelled = soon(stream.message()).await.unwrap();
    assert!(cancelled.canceled() && cancelled.watch_id() == id.unwrap(), "{cancelled:?}");
    let at = client.put("w/b", "4", None).await.unwrap().header().unwrap().revision();
    let response = soon(stream.message()).await.unwrap();
    assert_eq!(response.watch_id(), 77);
    assert_eq!(told(&response), [(EventType::Put, "w/b".to_owned(), "4".to_owned(), None, at)]);
}

pub async fn progress(mut client: Client) {
    let at = client.put("somewhere", "x", None).await.unwrap().header().unwrap().revision();
    let mut stream = client.watch("quiet", None).await.unwrap();
    loop {
        stream.request_progress().await.unwrap();
        let response = soon(stream.message()).await.unwrap();
        assert!(response.events().is_empty());
        if !response.created() && response.header().unwrap().revision() >= at {
            break;
        }
    }
}
