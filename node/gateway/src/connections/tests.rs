//! Clients that do not say what they want.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep};
use tonic::service::Routes;

use super::*;
use crate::address::Address;
use crate::gateway::Gateway;
use crate::hosts;
use crate::limits::{OPENING_TIMEOUT, PING_TIMEOUT};
use crate::server::bounded;
use crate::services::router;
use crate::watches::tests::Quiet;

/// The client's end of a connection that is served, and the places that are left.
fn connect() -> (DuplexStream, Arc<Places>) {
    connect_to(Router::new())
}

/// The same, with something to ask for.
fn connect_to(router: Router) -> (DuplexStream, Arc<Places>) {
    let (client, stream) = duplex(4_096);
    // One for each host, and it is taken.
    let places = Places::of(2);
    let ends = Ends { here: SocketAddr::from(([127, 0, 0, 1], 2_379)), host: hosts::own() };
    let place = Kept { _place: places.take(ends.host).unwrap(), _counted: Metrics::new().connected() };
    let connection = Connection::new(Box::new(stream), ends, place);
    tokio::spawn(async move {
        let arrivals = tokio_stream::once(Ok::<_, Infallible>(connection));
        bounded().serve_with_incoming(Routes::from(router).prepare(), arrivals).await
    });
    (client, places)
}

/// Waits for the place that is taken.
async fn freed(places: &Arc<Places>) {
    while places.take(hosts::own()).is_none() {
        sleep(Duration::from_millis(100)).await;
    }
}

/// When a connection is closed on which so much is said, one byte a second.
async fn closed_after(said: &[u8]) -> Duration {
    let begun = Instant::now();
    let (client, places) = connect();
    let (mut answers, mut asks) = tokio::io::split(client);
    let saying = async {
        for byte in said {
            // It may be closed by then.
            drop(asks.write_all(&[*byte]).await);
            sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answered = Vec::new();
    tokio::select! {
        () = saying => {}
        closed = timeout(Duration::from_secs(600), answers.read_to_end(&mut answered)) => drop(closed.unwrap()),
    }
    let after = begun.elapsed();
    // What was served ends with the connection.
    assert!(timeout(Duration::from_secs(1), freed(&places)).await.is_ok());
    after
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_say_which_http_it_speaks_keeps_no_place() {
    for said in [&b""[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let after = closed_after(said).await;
        assert!((OPENING_TIMEOUT..2 * OPENING_TIMEOUT).contains(&after), "{said:?}: {after:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_begins_a_request_and_does_not_go_on_keeps_none_either() {
    let after = closed_after(b"GET /health HTTP/1.1\r\nHost: a-name-that-takes-its-time\r\n").await;
    assert!(after < 4 * OPENING_TIMEOUT, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_said_it_has_all_the_time_that_a_quiet_connection_has() {
    let (mut client, _places) = connect();
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut answered = Vec::new();
    let early = timeout(OPENING_TIMEOUT + Duration::from_secs(5), client.read_to_end(&mut answered)).await;
    assert!(early.is_err() && !answered.is_empty(), "{answered:?}");
    // It answers no ping.
    assert!(timeout(2 * PING_TIMEOUT, client.read_to_end(&mut answered)).await.is_ok());
}

/// A gateway on which nothing ever happens.
fn gateway() -> Router {
    let address =
        Address { advertised: Vec::new(), listening: SocketAddr::from(([127, 0, 0, 1], 2_379)), scheme: "http" };
    router(Arc::new(Gateway::new(Quiet::default(), address)))
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_send_what_it_announced_keeps_no_place() {
    let grpc = "Content-Type: application/grpc\r\n";
    for (path, line, status) in [
        ("/v3/kv/put", "", "504"),
        ("/v3/lease/keepalive", "", "504"),
        ("/etcdserverpb.KV/Put", grpc, "404"),
        ("/etcdserverpb.Watch/Watch", grpc, "404"),
    ] {
        for body in ["", "{"] {
            let (mut client, places) = connect_to(gateway());
            let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\n{line}Content-Length: 20\r\n\r\n");
            client.write_all((head + body).as_bytes()).await.unwrap();
            let mut answered = String::new();
            let closed = timeout(Duration::from_secs(3_600), client.read_to_string(&mut answered)).await;
            assert!(closed.is_ok(), "{path} {body:?}: {answered}");
            assert_eq!(answered.split(' ').nth(1), Some(status), "{answered}");
            assert!(timeout(Duration::from_secs(1), freed(&places)).await.is_ok());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nor_does_whoever_sends_it_byte_by_byte() {
    let (client, places) = connect_to(gateway());
    let (mut answers, mut asks) = tokio::io::split(client);
    asks.write_all(b"POST /v3/kv/put HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n").await.unwrap();
    let sending = async {
        while asks.write_all(b" ").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answered = String::new();
    tokio::select! {
        () = sending => {}
        closed = timeout(Duration::from_secs(3_600), answers.read_to_string(&mut answered)) => drop(closed.unwrap()),
    }
    assert_eq!(answered.split(' ').nth(1), Some("504"), "{answered}");
    assert!(timeout(Duration::from_secs(1), freed(&places)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_read_what_it_asked_for_keeps_none_either() {
    let (mut client, places) = connect_to(Router::new().route("/", get(async || vec![0; 1 << 20])));
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    assert!(timeout(TAKING_TIMEOUT / 2, freed(&places)).await.is_err(), "it may take its time");
    assert!(timeout(TAKING_TIMEOUT, freed(&places)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_slowly_has_all_of_it() {
    let (mut client, _places) = connect_to(Router::new().route("/", get(async || vec![0; 1 << 16])));
    client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap();
    let (mut read, mut part) = (0, [0; 4_096]);
    loop {
        sleep(TAKING_TIMEOUT / 2).await;
        match client.read(&mut part).await.unwrap() {
            0 => break,
            bytes => read += bytes,
        }
    }
    assert!(read > 1 << 16, "{read}");
}

#[tokio::test]
async fn a_host_that_connects_without_end_leaves_places_to_others() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (arrivals, mut arrived) = mpsc::channel(1);
    // Four for a host that comes alone.
    tokio::spawn(accept_all(listener, None, Arc::new(Metrics::new()), Places::of(5), arrivals));
    let mut served = Vec::new();
    for _ in 0..4 {
        served.push((TcpStream::connect(address).await.unwrap(), arrived.recv().await.unwrap().unwrap()));
    }
    let mut closed = TcpStream::connect(address).await.unwrap();
    let read = timeout(Duration::from_secs(60), closed.read(&mut [0])).await.unwrap();
    assert!(!matches!(read, Ok(1..)));
    drop(served.pop());
    served.push((TcpStream::connect(address).await.unwrap(), arrived.recv().await.unwrap().unwrap()));
    served.truncate(3);

    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let _other = socket.connect(address).await.unwrap();
    assert_eq!(arrived.recv().await.unwrap().unwrap().ends.host, IpAddr::from([127, 0, 0, 2]).into());
}
