//! etcd's calls as JSON, on a gateway and on a real etcd beside it: the same statuses and objects.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::installed::has_etcd;
use crate::support::Running;
use crate::support::programs::Etcd;
use serde_json::{Value, json};

/// What a call is answered: its status, and its object.
fn post(endpoint: &str, path: &str, body: &str) -> (u16, Value) {
    post_with(endpoint, path, "", body)
}

/// The same, with a line more in its head.
fn post_with(endpoint: &str, path: &str, line: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(endpoint).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // In this version of the protocol no answer comes in chunks.
    write!(stream, "POST {path} HTTP/1.0\r\nHost: {endpoint}\r\n{line}Content-Length: {}\r\n\r\n{body}", body.len())
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    if status == 200 {
        assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    }
    (status, serde_json::from_str(body).unwrap_or_else(|_| json!({ "text": body.trim() })))
}

/// Without what names the cluster, and what depends on the moment.
fn comparable((status, mut answer): (u16, Value)) -> (u16, Value) {
    let within = if answer["result"].is_object() { &mut answer["result"] } else { &mut answer };
    if let Some(header) = within["header"].as_object_mut() {
        for name in ["cluster_id", "member_id", "raft_term"] {
            assert!(header.remove(name).is_some_and(|id| id.as_str().is_some_and(|id| id.parse::<u64>().is_ok())));
        }
    } else if let Some(object) = within.as_object_mut() {
        object.remove("header");
    }
    if within["grantedTTL"].is_string() {
        let left: u64 = within["TTL"].as_str().unwrap().parse().unwrap();
        assert!((50..=60).contains(&left), "{left}");
        within["TTL"] = "left".into();
    }
    (status, answer)
}

/// Calls in an order in which each means something.
const CALLS: &[(&str, &str)] = &[
    ("kv/put", r#"{"key":"Zm9v","value":"YmFy"}"#),
    ("kv/put", r#"{"key":"Zm9v","value":"YmF6","prev_kv":true}"#),
    ("kv/put", r#"{"key":"Zm9v","value":"YmF6","prevKv":true,"lease":0}"#),
    ("kv/put", r#"{"key":"Zm9w"}"#),
    ("kv/range", r#"{"key":"Zm9v"}"#),
    ("kv/range", r#"{"key":"Zm9v","range_end":"Zm9x","limit":1}"#),
    (
        "kv/range",
        r#"{"key":"Zm9v","rangeEnd":"Zm9x","limit":"3","sort_order":"DESCEND","sort_target":1,"keys_only":true}"#,
    ),
    ("kv/range", r#"{"key":"AA==","range_end":"AA==","count_only":true}"#),
    ("kv/range", r#"{"key":"Zm9v","unknown":{"a":1}}"#),
    ("kv/range", r#"{"key":"Zm9v","revision":"2","serializable":true}"#),
    ("kv/range", r#"{"key":"Zm9v","min_mod_revision":"5"}"#),
    ("kv/range", r#"{"key":"Zm9v","revision":"99"}"#),
    ("kv/range", ""),
    ("kv/range", "{}"),
    ("kv/range", r#"{"key":null}"#),
    ("kv/put", "{}"),
    ("kv/put", r#"{"key":"Zm9v","lease":"5"}"#),
    ("kv/put", r#"{"key":"Zm9v","value":"YQ==","ignore_value":true}"#),
    (
        "kv/txn",
        r#"{"compare":[{"key":"Zm9v","target":"VERSION","result":"EQUAL","version":"3"}],
            "success":[{"requestPut":{"key":"Zm9v","value":"YQ=="}},{"request_range":{"key":"Zm9v"}}],"failure":[]}"#,
    ),
    (
        "kv/txn",
        r#"{"compare":[{"key":"Zm9v","target":"CREATE","result":"GREATER","createRevision":"900"},{"key":"Zm9v","target":3,"value":"YQ=="}],
            "failure":[{"request_delete_range":{"key":"Zm9v","prev_kv":true}},{"request_txn":{"success":[{"request_put":{"key":"eg=="}}]}}]}"#,
    ),
    ("kv/txn", r#"{"compare":[{"key":"eg==","target":"MOD","result":"NOT_EQUAL","mod_revision":1}]}"#),
    ("kv/txn", r#"{"success":[{"request_put":{"key":"YQ=="}},{"request_put":{"key":"YQ=="}}]}"#),
    ("kv/deleterange", r#"{"key":"Zm9w","prev_kv":true}"#),
    ("kv/deleterange", r#"{"key":"Zm9w"}"#),
    ("lease/grant", r#"{"TTL":60,"ID":7}"#),
    ("lease/grant", r#"{"TTL":"60","ID":"7"}"#),
    ("lease/grant", r#"{"TTL":"9999999999","ID":"8"}"#),
    ("kv/put", r#"{"key":"bGVhc2Vk","lease":7}"#),
    ("kv/range", r#"{"key":"bGVhc2Vk"}"#),
    ("lease/timetolive", r#"{"ID":7,"keys":true}"#),
    ("kv/lease/timetolive", r#"{"ID":"7"}"#),
    ("lease/timetolive", r#"{"ID":77}"#),
    ("lease/leases", "{}"),
    ("lease/leases", ""),
    ("lease/keepalive", r#"{"ID":"7"}"#),
    ("lease/keepalive", r#"{"ID":"77"}"#),
    ("lease/revoke", r#"{"ID":7}"#),
    ("lease/revoke", r#"{"ID":7}"#),
    ("kv/lease/leases", "{}"),
    ("kv/compaction", r#"{"revision":3,"physical":true}"#),
    ("kv/compaction", r#"{"revision":"3"}"#),
    ("kv/compaction", r#"{"revision":"3000"}"#),
    ("kv/range", r#"{"key":"Zm9v","revision":2}"#),
];

/// What cannot be read: etcd tells why in the words of Go's library, so only the code is compared.
const UNREADABLE: &[(&str, &str)] = &[
    ("kv/range", "{"),
    ("kv/range", "[]"),
    ("kv/range", r#"{"key":"*"}"#),
    ("kv/range", r#"{"key":"Zm9vYg"}"#),
    ("kv/range", r#"{"key":"Zm9_"}"#),
    ("kv/range", r#"{"key":7}"#),
    ("kv/range", r#"{"key":"Zm9v","limit":"x"}"#),
    ("kv/range", r#"{"key":"Zm9v","limit":1.5}"#),
    ("kv/range", r#"{"key":"Zm9v","keys_only":1}"#),
    ("kv/range", r#"{"key":"Zm9v","sort_order":"UP"}"#),
    ("kv/txn", r#"{"success":{"request_put":{}}}"#),
    ("lease/grant", r#"{"TTL":"99999999999999999999"}"#),
];

fn transcript(endpoint: &str) -> Vec<(String, (u16, Value))> {
    let asked = |(path, body): &(&str, &str)| {
        let answer = comparable(post(endpoint, &format!("/v3/{path}"), body));
        (format!("{path} {body}"), answer)
    };
    let mut told: Vec<_> = CALLS.iter().map(asked).collect();
    for call in UNREADABLE {
        let (name, (status, answer)) = asked(call);
        assert_eq!(answer["error"], answer["message"], "{name}");
        assert!(answer["error"].as_str().is_some_and(|why| !why.is_empty()), "{name}: {answer}");
        told.push((name, (status, answer["code"].clone())));
    }
    let (status, _) = post(endpoint, "/v3/kv/nothing", "{}");
    told.push(("what is not there".to_owned(), (status, Value::Null)));
    told
}

#[test]
fn calls_as_json_are_as_etcds() {
    let gateway = Running::local();
    let ours = transcript(&gateway.endpoint());
    assert_eq!(ours[0].1, (200, json!({ "header": { "revision": "2" } })));
    if !has_etcd() {
        return;
    }
    let etcd = Etcd::start();
    for (ours, theirs) in ours.into_iter().zip(transcript(&etcd.endpoint)) {
        assert_eq!(ours, theirs, "the gateway's is on the left");
    }
}

#[test]
fn a_call_as_json_is_read_up_to_a_bound_and_counted() {
    let gateway = Running::local();
    let endpoint = gateway.endpoint();
    let value = "A".repeat(2 * 1024 * 1024);
    let (status, answer) = post(&endpoint, "/v3/kv/put", &format!(r#"{{"key":"Zm9v","value":"{value}"}}"#));
    assert_eq!((status, &answer["error"]), (400, &json!("etcdserver: request is too large")));
    let (status, _) = post(&endpoint, "/v3/kv/put", r#"{"key":"Zm9v"}"#);
    assert_eq!(status, 200);
    let mut stream = TcpStream::connect(&endpoint).unwrap();
    write!(stream, "GET /metrics HTTP/1.0\r\nHost: {endpoint}\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    for line in [
        r#"requests_total{method="v3/kv/put",code="OK"} 1"#,
        r#"requests_total{method="v3/kv/put",code="InvalidArgument"} 1"#,
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn pages_in_a_browser_are_refused() {
    let gateway = Running::local();
    let put = r#"{"key":"Zm9v","value":"YmFy"}"#;
    for page in ["Origin: http://elsewhere.example\r\n", "Origin: null\r\n"] {
        let (status, answer) = post_with(&gateway.endpoint(), "/v3/kv/put", page, put);
        assert_eq!(status, 403, "{answer}");
        assert!(answer["error"].as_str().unwrap().contains("a program of your own"), "{answer}");
    }
    assert_eq!(post(&gateway.endpoint(), "/v3/kv/range", put).1["count"], Value::Null, "nothing was put");
}
