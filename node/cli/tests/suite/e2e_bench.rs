//! `tetrarch bench` on real processes: that it measures, not what.

use crate::e2e_support::Net;
use serde_json::Value;

/// Measures, and once more where the machine stood still for as long as it was measured.
fn bench(net: &Net, words: &[&str]) -> Value {
    let measure = || {
        let report = net.json(&[&["bench"], words, &["--timeout", "60s"]].concat());
        assert_eq!(report["failed"], 0, "{report}");
        report
    };
    let is_answered = |report: &Value| report["operations"].as_u64().is_some_and(|count| count > 0);
    let report = std::iter::repeat_with(measure).take(5).find(is_answered).expect("something is answered");
    let number = |field: &Value| field.as_f64().unwrap_or_else(|| panic!("{report}"));
    let (operations, seconds) = (number(&report["operations"]), number(&report["seconds"]));
    assert!((number(&report["ops_per_s"]) - operations / seconds).abs() < 1e-6, "{report}");
    let course: f64 = report["answered"].as_array().unwrap().iter().map(number).sum();
    assert!((course - operations).abs() < 0.5, "the course adds up: {report}");
    let latency = ["p50", "p90", "p99", "p999", "max"].map(|name| number(&report["latency_ms"][name]));
    assert!(latency[0] > 0.0 && latency.is_sorted(), "{report}");
    report
}

#[test]
fn loads_of_every_kind_are_measured() {
    let net = Net::up_with_gateway();
    let gateway = net.gateway().to_string();
    let put = bench(&net, &["put", "--clients", "4", "--duration", "1s", "--distinct-keys", "--bundle", "3"]);
    let share = put["of_signature_limit"].as_f64().unwrap();
    assert!(share > 0.0 && share < 1.0, "{put}");
    assert_eq!(put["operations"].as_u64().unwrap() % 3, 0, "a bundle counts as a whole: {put}");

    let rate = 20.0;
    let txn = bench(&net, &["txn", "--duration", "2s", "--rate", "20", "--keys", "1"]);
    assert!(txn["ops_per_s"].as_f64().unwrap() <= 2.0 * rate, "{txn}");

    for operation in ["get", "mixed", "watch"] {
        let read = bench(&net, &[operation, "--clients", "2", "--duration", "1s", "--keys", "20"]);
        assert_eq!(read["signature_limit_ops_per_s"], Value::Null);
    }
    for operation in ["put", "txn", "get", "watch"] {
        bench(&net, &[operation, "--clients", "2", "--duration", "1s", "--keys", "20", "--endpoint", &gateway]);
    }
    net.assert_no_panic();
}

#[test]
fn what_is_broken_meanwhile_is_told_drawn_and_mended() {
    let net = Net::up(4);
    let picture = net.dir().join("run.svg");
    let fault = ["--fault", "kill-primary@500ms", "--plot", picture.to_str().unwrap()];
    // Where the machine stands still for a second the view is changed before anything is broken, and another one is.
    let measured = (0..3).find_map(|_| {
        let primary = net.primary();
        let report = bench(&net, &[&["put", "--clients", "4", "--duration", "6s"], fault.as_slice()].concat());
        assert_eq!(report["faults"][0]["fault"], "kill-primary");
        let status = net.until("all run again", |status| status.replicas.iter().all(|it| it.pid.is_some()));
        (report["faults"][0]["replica"] == primary).then_some((primary, report, status))
    });
    let (primary, report, status) = measured.expect("the primary was killed");
    assert!(report["longest_gap_ms"].as_f64().unwrap() > 100.0, "nobody answers without a primary: {report}");
    assert_ne!(status.primary, Some(primary), "{status:?}");
    let svg = std::fs::read_to_string(picture).unwrap();
    let svg = roxmltree::Document::parse(&svg).unwrap();
    assert!(svg.descendants().any(|node| node.text().is_some_and(|text| text.contains("kill-primary"))));
}

#[test]
fn what_cannot_be_measured_is_said() {
    let net = Net::up(4);
    let refused = |words: &[&str], code: i32, said: &str| {
        let done = net.tetrarch(&[&["bench"], words].concat());
        assert_eq!(done.code, code, "{words:?}: {done}");
        assert!(done.stderr.contains(said), "{words:?}: {done}");
    };
    refused(&["get", "--bundle", "2"], 2, "only puts");
    refused(&["put", "--duration", "1s", "--fault", "kill-primary@2s"], 2, "comes after the end");
    refused(&["put", "--fault", "eat-primary@2s"], 2, "is no fault");
    refused(&["put", "--endpoint", "127.0.0.1:1"], 3, "127.0.0.1:1");
    refused(&["put", "--plot", "/nowhere/run.svg", "--duration", "1s", "--clients", "1"], 1, "choose another file");
}
