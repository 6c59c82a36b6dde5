//! A client that speaks TLS properly, with any key and protocol, and then says what it likes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, SendStream, TransportConfig, crypto::rustls::QuicClientConfig,
};
use rustls::{
    DigitallySignedStruct, Error, SignatureScheme,
    client::{
        AlwaysResolvesClientRawPublicKeys,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime},
    sign::CertifiedKey,
};
use tetrarch_crypto::{Signer, SigningKey};

use super::within;

/// Believes everyone.
#[derive(Debug)]
struct Gullible;

impl ServerCertVerifier for Gullible {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// A client configuration with a public key that need not belong to the signing key.
fn client_config(key: Option<(&SigningKey, &SigningKey)>, protocol: &[u8]) -> ClientConfig {
    let builder = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Gullible));
    let mut config = match key {
        Some((signing, shown)) => {
            let der = signing.to_pkcs8_der();
            let signer = ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(der.as_slice())).unwrap();
            let shown = CertificateDer::from(shown.public_key().to_spki_der());
            let certified = Arc::new(CertifiedKey::new(vec![shown], signer));
            builder.with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(certified)))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(config).unwrap()));
    let mut transport = TransportConfig::default();
    transport.keep_alive_interval(Some(Duration::from_secs(1)));
    config.transport_config(Arc::new(transport));
    config
}

pub struct Rogue {
    pub connection: Connection,
    endpoint: Endpoint,
}

impl Rogue {
    pub async fn connect(
        to: SocketAddr,
        key: Option<(&SigningKey, &SigningKey)>,
        protocol: &[u8],
    ) -> Result<Self, ConnectionError> {
        Self::connect_from(super::any_port(), to, key, protocol).await
    }

    pub async fn connect_from(
        from: SocketAddr,
        to: SocketAddr,
        key: Option<(&SigningKey, &SigningKey)>,
        protocol: &[u8],
    ) -> Result<Self, ConnectionError> {
        let endpoint = Endpoint::client(from).unwrap();
        let connecting = endpoint.connect_with(client_config(key, protocol), to, "anything").unwrap();
        let connection = within(connecting).await?;
        Ok(Self { connection, endpoint })
    }

    /// As a member, with its own key.
    pub async fn member(to: SocketAddr, key: &SigningKey) -> Self {
        Self::connect(to, Some((key, key)), b"tetrarch-peer/1").await.unwrap()
    }

    pub async fn client(to: SocketAddr) -> Self {
        Self::connect(to, None, b"tetrarch-client/1").await.unwrap()
    }

    /// Goes on from another address.
    pub fn moves_to(&self, from: SocketAddr) {
        self.endpoint.rebind(std::net::UdpSocket::bind(from).unwrap()).unwrap();
    }

    /// Opens a one-way stream and writes to it; `None` when the connection is closed already.
    pub async fn say(&self, bytes: &[u8]) -> Option<SendStream> {
        let mut stream = within(self.connection.open_uni()).await.ok()?;
        let _may_be_cut_off = stream.write_all(bytes).await;
        Some(stream)
    }

    /// The code and the words with which the other side closes.
    pub async fn verdict(&self) -> (u64, String) {
        match within(self.connection.closed()).await {
            ConnectionError::ApplicationClosed(close) => {
                (close.error_code.into_inner(), String::from_utf8_lossy(&close.reason).into_owned())
            }
            other => panic!("closed in another way: {other}"),
        }
    }
}
