//! Clients and strangers that want too much of real replicas: connections by the hundred at the clients' and the peers' doors, and
//! readers that ask for much and take nothing. Honest clients go on meanwhile, and memory stays bounded.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::e2e_support::load::Load;
use crate::e2e_support::{Net, PATIENCE, block_on};
use quinn::{ConnectionError, RecvStream, SendStream};
use rogue::Rogue;
use tetrarch_kv::{Command, KvQuery};
use tetrarch_launcher::Testnet;
use tetrarch_types::{Query, Request, encode};
use tokio::task::JoinSet;

// The transport's own stranger: it speaks TLS properly, and then says what it likes.
#[path = "../../../transport/tests/suite/common/rogue.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared with the transport's tests")]
mod rogue;

pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens in time")
}

/// What is spoken at each door.
const CLIENT: &[u8] = b"tetrarch-client/1";
const PEER: &[u8] = b"tetrarch-peer/1";

/// Connections that a flood tries to make: more than a replica lets in from one address (1024).
const CONNECTIONS: usize = 1_100;

/// Attempts under way at a time.
const AT_ONCE: usize = 24;

/// Operations that have to be answered while a flood goes on.
const MEANWHILE: usize = 60;

/// Bytes of memory that a replica may gain by any of this: the bounds of its queues in sum are below.
const MOST_GAINED: u64 = 256 * 1024 * 1024;

#[test]
fn connection_floods_at_both_doors_stop_nobody() {
    let net = Net::up_with_many_checkpoints();
    let load = Load::start(&net);
    load.goes_on("before", MEANWHILE);
    let before = memory(&net);
    let testnet = Testnet::open(&net.dir()).unwrap();
    block_on(async {
        let held = flood(testnet.description().client_address(0), CONNECTIONS, CLIENT).await;
        assert!(held.len() >= 900, "most of the allowed connections are open: {}", held.len());
        assert!(held.len() < CONNECTIONS, "and the bound for one address holds: {}", held.len());
        load.goes_on("the clients' door of a replica is full", MEANWHILE);
        // Nobody without a member's key stays at the peers' door.
        let strangers = flood(testnet.description().peer_address(1), CONNECTIONS / 4, PEER).await;
        for stranger in &strangers {
            within(stranger.rogue.connection.closed()).await;
        }
        load.goes_on("strangers at the peers' door of another", MEANWHILE);
    });
    assert_gained_little(&net, &before);
    net.ok(&["kv", "put", "after", "the flood"]);
    load.end(&net);
    net.until_level();
    net.assert_no_panic();
}

#[test]
fn readers_that_take_nothing_are_cut_off() {
    let net = Net::up_with_many_checkpoints();
    let load = Load::start(&net);
    let before = memory(&net);
    let testnet = Testnet::open(&net.dir()).unwrap();
    block_on(async {
        let client = net.client();
        client.submit(Command::put("large", "x".repeat(256 * 1024)).encode()).await.unwrap();
        client.close().await;
        let mut readers = JoinSet::new();
        for number in 0..12 {
            let replica = testnet.description().client_address(number % 4);
            readers.spawn(async move { read_nothing(replica).await });
        }
        load.goes_on("slow readers ask for more than they take", MEANWHILE);
        for verdict in readers.join_all().await {
            assert!(is_cut_off(&verdict), "cut off for its slowness: {verdict:?}");
        }
    });
    assert_gained_little(&net, &before);
    load.end(&net);
    net.until_level();
    net.assert_no_panic();
}

/// A connection, and its stream if it has begun one.
struct Held {
    rogue: Rogue,
    _streams: Option<(SendStream, RecvStream)>,
}

impl Held {
    /// A client asks something: whoever says nothing has its place for ten seconds only, which a flood may last.
    async fn new(rogue: Rogue, protocol: &[u8]) -> Option<Self> {
        if protocol != CLIENT {
            return Some(Self { rogue, _streams: None });
        }
        let (mut send, recv) = rogue.connection.open_bi().await.ok()?;
        send.write_all(&frame(0, &encode(&Request::Query(Query::Status)))).await.ok()?;
        Some(Self { rogue, _streams: Some((send, recv)) })
    }
}

/// Makes so many connections, as far as the other side lets it, and keeps them.
async fn flood(to: SocketAddr, count: usize, protocol: &'static [u8]) -> Vec<Held> {
    let (mut attempts, mut held) = (JoinSet::new(), Vec::new());
    for _ in 0..count {
        if attempts.len() >= AT_ONCE {
            held.extend(attempts.join_next().await.unwrap().unwrap());
        }
        attempts.spawn(async move { Held::new(Rogue::connect(to, None, protocol).await.ok()?, protocol).await });
    }
    held.extend(attempts.join_all().await.into_iter().flatten());
    held
}

/// A request with its number.
fn frame(id: u64, question: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + question.len()).unwrap();
    [&length.to_le_bytes()[..], &id.to_le_bytes(), question].concat()
}

/// With its socket's buffer full it may miss the words, and learns of the end when it sends something.
fn is_cut_off(end: &ConnectionError) -> bool {
    match end {
        ConnectionError::ApplicationClosed(close) => String::from_utf8_lossy(&close.reason).contains("were not taken"),
        other => *other == ConnectionError::Reset,
    }
}

/// Asks for a large value again and again and reads no answer, until the replica has had enough. Gives how it ends that.
async fn read_nothing(replica: SocketAddr) -> ConnectionError {
    let rogue = Rogue::client(replica).await;
    let question = encode(&Request::Query(Query::Read(KvQuery::get("large").encode())));
    let (mut send, _recv) = within(rogue.connection.open_bi()).await.unwrap();
    let ask = async {
        for id in 0_u64.. {
            if send.write_all(&frame(id, &question)).await.is_err() {
                return;
            }
            // At its own pace: faster than it takes, slower than the replica answers.
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        end = within(rogue.connection.closed()) => end,
        () = ask => within(rogue.connection.closed()).await,
    }
}

/// Resident bytes of each replica.
fn memory(net: &Net) -> Vec<u64> {
    let of = |pid: u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:").map(str::trim).map(str::to_owned));
        line.and_then(|line| line.trim_end_matches(" kB").parse::<u64>().ok()).map(|kib| kib * 1024)
    };
    net.status().replicas.iter().map(|it| it.pid.and_then(of).expect("it runs")).collect()
}

fn assert_gained_little(net: &Net, before: &[u64]) {
    let after = memory(net);
    let is_little = |(before, after): (&u64, &u64)| after.saturating_sub(*before) < MOST_GAINED;
    assert!(before.iter().zip(&after).all(is_little), "memory: {before:?}, then {after:?}");
}
