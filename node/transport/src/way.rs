//! The way to one other side: dialling it.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use quinn::{ClientConfig, Connection, Endpoint, TransportConfig};
use tokio::{sync::Semaphore, time::timeout};

use crate::{close::describe, quic, tls};

/// How long one attempt may take. QUIC sends its first packet again about 0.3, 0.9 and 2.1 seconds after the first time.
const ATTEMPT: Duration = Duration::from_secs(3);

/// Connections at a time: one in use or being made, and those before it that QUIC has not forgotten yet, with all that was not acknowledged. Who is
/// honest is forgotten within moments; who ends connections and puts that off is dialled as often as that leaves places. It can be put off for about nine
/// times as long as the connection was, and a minute: of long ones all that there can be at once have places, and short ones are forgotten within
/// minutes. So nobody who is honest again waits for long.
const PLACES: usize = 12;

/// Where somebody is, and how to connect.
#[derive(Clone)]
pub(crate) struct Way {
    endpoint: Endpoint,
    address: SocketAddr,
    config: ClientConfig,
    transport: Arc<dyn Fn() -> TransportConfig + Send + Sync>,
    places: Arc<Semaphore>,
}

impl Way {
    /// The way to `address`, with the identities of `config` and the limits of `transport`.
    pub(crate) fn new(
        endpoint: Endpoint,
        address: SocketAddr,
        config: ClientConfig,
        transport: Arc<dyn Fn() -> TransportConfig + Send + Sync>,
    ) -> Self {
        Self { endpoint, address, config, transport, places: Arc::new(Semaphore::new(PLACES)) }
    }

    /// The same from another socket, with places of its own.
    pub(crate) fn over_socket(&self, endpoint: Endpoint) -> Self {
        Self::new(endpoint, self.address, self.config.clone(), self.transport.clone())
    }

    /// Where it leads.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// One attempt. The error is for people.
    pub(crate) async fn connect(&self) -> Result<Connection, String> {
        timeout(ATTEMPT, self.attempt()).await.map_err(|_| "no answer".to_owned())?
    }

    async fn attempt(&self) -> Result<Connection, String> {
        let place = self.places.clone().acquire_owned().await.map_err(|error| error.to_string())?;
        let config = quic::dialling(&self.config, (self.transport)(), place);
        let connecting = self.endpoint.connect_with(config, self.address, tls::SERVER_NAME);
        connecting.map_err(|error| error.to_string())?.await.map_err(|error| describe(&error))
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Way").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tetrarch_crypto::{Signer as _, SigningKey};

    use super::*;
    use crate::{socket, tls::CLIENT_PROTOCOL};

    /// Somebody who lets everyone in, and keeps all connections.
    fn listening(key: &SigningKey) -> SocketAddr {
        let socket = socket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = socket::local_address(&socket).unwrap();
        let server = quic::server(tls::server(key, CLIENT_PROTOCOL, None).unwrap());
        let endpoint = socket::endpoint(socket, server, key, CLIENT_PROTOCOL).unwrap();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Some(attempt) = endpoint.accept().await {
                kept.push(attempt.await);
            }
        });
        address
    }

    fn way(key: &SigningKey, address: SocketAddr) -> Way {
        let endpoint = socket::client_endpoint(socket::bind_any().unwrap()).unwrap();
        let config = ClientConfig::new(tls::client(key.public_key(), CLIENT_PROTOCOL, None).unwrap());
        let transport = Arc::new(|| quic::connector(Duration::from_secs(10), Duration::from_secs(3)));
        Way::new(endpoint, address, config, transport)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn ended_connections_have_places_until_nothing_is_left_of_them() {
        let key = SigningKey::from_seed([1; 32]);
        let way = way(&key, listening(&key));
        let mut ended = Vec::new();
        for _ in 0..PLACES {
            let connection = way.connect().await.unwrap();
            connection.close(0_u32.into(), b"");
            ended.push(connection);
        }
        assert_eq!(way.connect().await.unwrap_err(), "no answer");
        ended.pop();
        let again = async { while way.connect().await.is_err() {} };
        timeout(Duration::from_secs(20), again).await.unwrap();
    }
}
