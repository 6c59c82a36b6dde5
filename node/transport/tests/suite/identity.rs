//! Who is let in, and who is believed.

use std::time::Duration;

use crate::common::{
    all_connected, any_port, commit, config, connector_with, free_port, id, key, listener, members, membership, read,
    relay::relay, rogue::Rogue, start, within,
};
use tetrarch_crypto::SigningKey;
use tetrarch_transport::{
    ClientLimits, ConnectorConfig, PeerConfig, PeerEndpoint, Peers, RequestError, TransportError,
};
use tetrarch_types::Lane;

const PEER: &[u8] = b"tetrarch-peer/1";

/// Two replicas that disagree about replica 1's key: neither talks to the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused_on_both_sides() {
    let addresses = [free_port(), free_port()];
    let mut right = start(config(0, &members(2), &addresses), 64).await;
    let impostor = SigningKey::from_seed([99; 32]);
    let theirs = membership(&[key(0), impostor.clone()]);
    let wrong = PeerConfig { key: impostor, ..config(1, &theirs, &addresses) };
    let mut wrong = start(wrong, 64).await;
    wrong.peers.send(id(0), Lane::Votes, Peers::frame(&commit(1)));
    right.peers.send(id(1), Lane::Votes, Peers::frame(&commit(1)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(right.peers.connected(), [true, false], "the key at the other end is not the pinned one");
    assert!(right.votes.try_recv().is_err() && wrong.votes.try_recv().is_err());
    assert_eq!((right.peers.counters().frames_in, wrong.peers.counters().frames_in), (0, 0));
}

async fn is_refused(to: std::net::SocketAddr, key: Option<(&SigningKey, &SigningKey)>, protocol: &[u8]) -> bool {
    // A client has done its part before the server judges its key: the refusal may come a moment later.
    match Rogue::connect(to, key, protocol).await {
        Ok(rogue) => {
            let _stream = rogue.connection.open_uni();
            let reason = within(rogue.connection.closed()).await;
            matches!(reason, quinn::ConnectionError::ConnectionClosed(_) | quinn::ConnectionError::ApplicationClosed(_))
        }
        Err(_refused) => true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_other_members_with_their_own_keys_come_in() {
    let addresses = [free_port(), free_port()];
    let peer = start(config(0, &members(2), &addresses), 64).await;
    let to = peer.peers.local_address();
    let stranger = SigningKey::from_seed([99; 32]);
    assert!(is_refused(to, None, PEER).await, "anonymous");
    assert!(is_refused(to, Some((&stranger, &stranger)), PEER).await, "not a member");
    assert!(is_refused(to, Some((&key(0), &key(0))), PEER).await, "its own key");
    assert!(is_refused(to, Some((&stranger, &key(1))), PEER).await, "a member's key without the secret");
    assert!(is_refused(to, Some((&key(1), &key(1))), b"tetrarch-client/1").await, "another protocol");
    assert!(is_refused(to, Some((&key(1), &key(1))), b"h3").await, "a foreign protocol");

    let member = Rogue::member(to, &key(1)).await;
    let open = tokio::time::timeout(Duration::from_millis(300), member.connection.closed()).await;
    assert!(open.is_err(), "a member comes in: {open:?}");
}

/// Only Linux has all of 127.0.0.0/8 without being asked.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_members_handshakes_take_no_places_of_another() {
    let elsewhere = std::net::SocketAddr::from(([127, 0, 0, 2], 0));
    let addresses = [free_port(), free_port(), std::net::SocketAddr::new(elsewhere.ip(), 9)];
    let peer = start(config(0, &members(3), &addresses), 64).await;
    let to = peer.peers.local_address();
    for _ in 0..80 {
        let _fails_and_keeps_its_place = Rogue::connect_from(elsewhere, to, None, PEER).await;
    }
    let refused = Rogue::connect_from(elsewhere, to, Some((&key(2), &key(2))), PEER).await;
    assert!(refused.is_err(), "its own places are taken");
    Rogue::member(to, &key(1)).await;
}

/// Ended connections of a member, as many as it may have, are in the others' memory for a while: longer where the way is long.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_members_ended_connections_keep_their_places() {
    let elsewhere = std::net::SocketAddr::from(([127, 0, 0, 2], 0));
    let addresses = [free_port(), std::net::SocketAddr::new(elsewhere.ip(), 9)];
    let peer = start(config(0, &members(2), &addresses), 64).await;
    let to = peer.peers.local_address();
    let mut connecting = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let way = relay(elsewhere, to, Duration::from_millis(500)).await;
        connecting.spawn(async move { Rogue::member(way, &key(1)).await });
    }
    let ended_but_one = connecting.join_all().await;
    assert_eq!(ended_but_one.len(), 16);
    let key = key(1);
    let again = || Rogue::connect_from(elsewhere, to, Some((&key, &key)), PEER);
    assert!(again().await.is_err(), "its places are taken");
    drop(ended_but_one);
    let comes_back = async {
        while again().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    within(comes_back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_connection_replaces_the_older() {
    let addresses = [free_port(), free_port()];
    let mut peer = start(config(0, &members(2), &addresses), 64).await;
    let older = Rogue::member(peer.peers.local_address(), &key(1)).await;
    let _stream = older.say(&[b"v".as_slice(), &Peers::frame(&commit(1))].concat()).await;
    // What it says is heard: only now is it certain that it was let in before the newer one.
    within(peer.votes.recv()).await.unwrap();
    let newer = Rogue::member(peer.peers.local_address(), &key(1)).await;
    assert_eq!(older.verdict().await.0, 1);
    assert!(newer.connection.close_reason().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_pin_the_replica_and_do_not_mistake_its_ports() {
    let (listener, _incoming) = listener(any_port(), ClientLimits::default()).await;
    let quick = ConnectorConfig { connect_timeout: Duration::from_millis(500), ..ConnectorConfig::default() };
    let wrong = (SigningKey::from_seed([99; 32]), listener.local_address());
    let wrong = vec![(tetrarch_crypto::Signer::public_key(&wrong.0), wrong.1)];
    let wrong = tetrarch_transport::Connector::new(wrong, quick).unwrap();
    let error = within(wrong.request(id(0), read(b"x"))).await.unwrap_err();
    assert!(matches!(error, RequestError::Unreachable { .. }), "{error}");

    let addresses = [free_port(), free_port()];
    let peer = start(config(0, &members(2), &addresses), 64).await;
    let lost = connector_with(peer.peers.local_address(), quick);
    let error = within(lost.request(id(0), read(b"x"))).await.unwrap_err();
    assert!(matches!(error, RequestError::Unreachable { .. }), "{error}");
    assert_eq!(listener.counters().requests, 0);
}

async fn start_error(config: PeerConfig) -> TransportError {
    let (votes, _) = tokio::sync::mpsc::channel(1);
    let (bulk, _) = tokio::sync::mpsc::channel(1);
    Peers::start(config, tetrarch_transport::Inbound { votes, bulk }).await.unwrap_err()
}

#[tokio::test]
async fn a_configuration_that_contradicts_itself_is_refused() {
    let membership = members(2);
    let good = config(0, &membership, &[any_port(), any_port()]);
    let stranger = PeerConfig { id: id(5), ..good.clone() };
    assert!(matches!(start_error(stranger).await, TransportError::NotAMember { members: 2, .. }));
    assert!(matches!(start_error(PeerConfig { key: key(1), ..good.clone() }).await, TransportError::WrongKey { .. }));
    let short = PeerConfig { peers: vec![any_port()], ..good };
    assert!(matches!(start_error(short).await, TransportError::WrongPeers { addresses: 1, members: 2 }));
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let taken = PeerEndpoint::bind(any_port()).await.unwrap();
    let address = taken.local_address();
    let error = PeerEndpoint::bind(address).await.unwrap_err();
    assert!(matches!(error, TransportError::AddressInUse { address: named } if named == address));
    let sentence = error.to_string();
    assert!(
        sentence.contains(&format!("port {} of", address.port())) && sentence.contains("already in use"),
        "{sentence}"
    );

    let error = PeerEndpoint::bind("192.0.2.1:9".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, TransportError::Bind { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_one_is_connected() {
    let peer = start(config(0, &members(1), &[any_port()]), 1).await;
    all_connected(&peer.peers).await;
    peer.peers.close().await;
}
