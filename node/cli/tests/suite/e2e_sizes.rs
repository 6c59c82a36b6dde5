//! Testnets of other sizes than four.

use crate::e2e_support::Net;

/// Up, put, get, f of them killed, put, get, down.
fn lives(n: u16, f: u16, quorum: usize) {
    let mut net = Net::up(n);
    let status = net.status();
    assert_eq!((status.n, status.f, status.quorum), (usize::from(n), usize::from(f), quorum));
    let put = net.json(&["kv", "put", "a", "1", "--timeout", "30s"]);
    assert_eq!(put["needed"], quorum);
    assert_eq!(net.ok(&["kv", "get", "a", "--timeout", "30s"]).trim_end(), "1");
    for replica in n - f..n {
        net.ok(&["testnet", "kill", &replica.to_string()]);
    }
    net.ok(&["kv", "put", "a", "2", "--timeout", "60s"]);
    assert_eq!(net.ok(&["kv", "get", "a", "--timeout", "30s"]).trim_end(), "2");
    net.down();
    net.assert_no_panic();
}

#[test]
fn one_replica() {
    lives(1, 0, 1);
}

#[test]
fn five_replicas() {
    lives(5, 1, 4);
}

#[test]
fn seven_replicas() {
    lives(7, 2, 5);
}

#[test]
fn ten_replicas() {
    lives(10, 3, 7);
}

#[test]
fn sizes_that_tolerate_nothing_and_need_everyone_are_refused() {
    let net = Net::vacant(4);
    for n in ["0", "2", "3", "101"] {
        net.tetrarch(&["testnet", "up", "-n", n]).assert_failed(2, &["replicas"]);
        assert!(!net.dir().exists());
    }
}
