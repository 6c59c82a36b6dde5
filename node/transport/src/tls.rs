//! Identities: TLS 1.3 with raw Ed25519 public keys (RFC 7250) in place of certificates.
//!
//! A replica proves its membership key itself; there is no authority, name or date to check. The one who dials pins one key.
//! Session tickets and early data are off: every connection proves its identity anew, and nothing can be replayed.

use std::{fmt::Debug, sync::Arc};

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, SignatureScheme,
    client::{
        AlwaysResolvesClientRawPublicKeys, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring as provider, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime},
    server::{
        AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version::TLS13,
};
use tetrarch_crypto::{PublicKey, Signer as _, SigningKey};

use crate::TransportError;

/// Spoken between replicas.
pub(crate) const PEER_PROTOCOL: &[u8] = b"tetrarch-peer/1";
/// Spoken by clients.
pub(crate) const CLIENT_PROTOCOL: &[u8] = b"tetrarch-client/1";
/// TLS wants a server name; nobody reads it and it is not sent.
pub(crate) const SERVER_NAME: &str = "tetrarch";

/// Decides whose key is acceptable at the other end.
pub(crate) type Accepts = Arc<dyn Fn(&PublicKey) -> bool + Send + Sync>;

/// A replica's side that listens. `clients` is given where they must prove a key, too.
pub(crate) fn server(
    key: &SigningKey,
    protocol: &[u8],
    clients: Option<Accepts>,
) -> Result<Arc<QuicServerConfig>, TransportError> {
    let builder = rustls::ServerConfig::builder_with_provider(provider_for_all()).with_protocol_versions(&[&TLS13])?;
    let builder = match clients {
        Some(accepts) => builder.with_client_cert_verifier(Arc::new(RawKeyVerifier::new(accepts))),
        None => builder.with_no_client_auth(),
    };
    let resolver = AlwaysResolvesServerRawPublicKeys::new(certified(key)?);
    let mut config = builder.with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![protocol.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(QuicServerConfig::try_from(config).map_err(|error| TransportError::Tls(error.to_string()))?))
}

/// The side that dials the replica with the key `server`; anonymous without a `key` of its own.
pub(crate) fn client(
    server: PublicKey,
    protocol: &[u8],
    key: Option<&SigningKey>,
) -> Result<Arc<QuicClientConfig>, TransportError> {
    let verifier = RawKeyVerifier::new(Arc::new(move |key| *key == server));
    let builder = rustls::ClientConfig::builder_with_provider(provider_for_all())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match key {
        Some(key) => {
            builder.with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(certified(key)?)))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(Arc::new(QuicClientConfig::try_from(config).map_err(|error| TransportError::Tls(error.to_string()))?))
}

/// The key that the other end of a connection proved, if it proved one.
pub(crate) fn proven_key(connection: &quinn::Connection) -> Option<PublicKey> {
    let identity = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    PublicKey::from_spki_der(identity.first()?)
}

impl From<Error> for TransportError {
    fn from(error: Error) -> Self {
        Self::Tls(error.to_string())
    }
}

fn provider_for_all() -> Arc<CryptoProvider> {
    Arc::new(provider::default_provider())
}

fn certified(key: &SigningKey) -> Result<Arc<CertifiedKey>, TransportError> {
    let der = key.to_pkcs8_der();
    let signer = provider::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(der.as_slice()))?;
    let public = CertificateDer::from(key.public_key().to_spki_der());
    Ok(Arc::new(CertifiedKey::new(vec![public], signer)))
}

/// Accepts raw Ed25519 public keys that `accepts` allows, and nothing else.
struct RawKeyVerifier {
    accepts: Accepts,
    provider: Arc<CryptoProvider>,
}

impl RawKeyVerifier {
    fn new(accepts: Accepts) -> Self {
        Self { accepts, provider: provider_for_all() }
    }

    fn check(&self, identity: &CertificateDer<'_>, rest: &[CertificateDer<'_>]) -> Result<(), Error> {
        let key =
            PublicKey::from_spki_der(identity).filter(|_| rest.is_empty()).ok_or(CertificateError::BadEncoding)?;
        if (self.accepts)(&key) { Ok(()) } else { Err(CertificateError::ApplicationVerificationFailure.into()) }
    }

    fn check_signature(
        &self,
        message: &[u8],
        identity: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if signature.scheme != SignatureScheme::ED25519 {
            return Err(PeerIncompatible::NoSignatureSchemesInCommon.into());
        }
        let key = SubjectPublicKeyInfoDer::from(identity.as_ref());
        verify_tls13_signature_with_raw_key(message, &key, signature, &self.provider.signature_verification_algorithms)
    }
}

impl Debug for RawKeyVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawKeyVerifier").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for RawKeyVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity, intermediates).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for RawKeyVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity, intermediates).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
