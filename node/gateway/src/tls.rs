//! TLS, when the gateway is given a certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

/// What gRPC speaks, and what browsers and `curl` may.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The files that TLS needs, all in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The gateway's certificate, with those between it and its authority.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
    /// The authorities of clients' certificates. With them, nobody is served who does not show one.
    pub client_authorities: Option<PathBuf>,
}

/// What connections are wrapped in: TLS 1.3.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that is not there, or is not what it should be.
    #[error("cannot read {what} in {}: {reason}; check the path, and that the file is PEM", path.display())]
    File {
        /// What is looked for in it.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Files that do not go together.
    #[error("the certificate in {} cannot be used: {reason}; check that the key is the certificate's", path.display())]
    Certificate {
        /// The certificate's file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// The first that does not do.
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let certificates = certificates("a certificate", &files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable("a private key", &files.key))?;
        let unusable =
            |error: rustls::Error| TlsError::Certificate { path: files.certificate.clone(), reason: error.to_string() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(unusable)?;
        let config = match &files.client_authorities {
            None => config.with_no_client_auth(),
            Some(path) => config.with_client_cert_verifier(verifier(path, provider)?),
        };
        let mut config = config.with_single_cert(certificates, key).map_err(unusable)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(crate) const fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

fn verifier(
    path: &Path,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let unusable = |reason: String| TlsError::File { what: "an authority's certificate", path: path.into(), reason };
    let mut authorities = RootCertStore::empty();
    for certificate in certificates("an authority's certificate", path)? {
        authorities.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider)
        .build()
        .map_err(|error| unusable(error.to_string()))
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, PemError> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found = found.map_err(unreadable(what, path))?;
    if found.is_empty() { Err(unreadable(what, path)(PemError::NoItemsFound)) } else { Ok(found) }
}

fn unreadable(what: &'static str, path: &Path) -> impl FnOnce(PemError) -> TlsError {
    let path = path.into();
    move |error| TlsError::File { what, path, reason: error.to_string() }
}
