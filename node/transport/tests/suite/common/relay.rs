//! A long way: packets arrive, later.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use tokio::{
    net::UdpSocket,
    time::{Instant, sleep_until},
};

/// A way between one client and `to` on which a packet is for `delay`, there and back. Returns where it begins; at its end the client
/// has the address `from`.
pub async fn relay(from: SocketAddr, to: SocketAddr, delay: Duration) -> SocketAddr {
    let (near, far) = (UdpSocket::bind(super::any_port()).await.unwrap(), UdpSocket::bind(from).await.unwrap());
    let begins = near.local_addr().unwrap();
    tokio::spawn(pass_on(near, far, to, delay));
    begins
}

async fn pass_on(near: UdpSocket, far: UdpSocket, to: SocketAddr, delay: Duration) {
    let mut client = near.peek_sender().await.unwrap();
    let mut under_way = VecDeque::new();
    let (mut there, mut back) = ([0; 65536], [0; 65536]);
    loop {
        let due = under_way.front().map_or_else(Instant::now, |(due, _, _)| *due);
        tokio::select! {
            Ok((bytes, from)) = near.recv_from(&mut there) => {
                client = from;
                under_way.push_back((Instant::now() + delay, true, there[..bytes].to_vec()));
            }
            Ok(bytes) = far.recv(&mut back) => under_way.push_back((Instant::now() + delay, false, back[..bytes].to_vec())),
            () = sleep_until(due), if !under_way.is_empty() => {
                let Some((_, is_there, packet)) = under_way.pop_front() else { continue };
                let _may_be_lost = if is_there { far.send_to(&packet, to).await } else { near.send_to(&packet, client).await };
            }
            // Nobody listens at the one end or the other, this time.
            else => {}
        }
    }
}
