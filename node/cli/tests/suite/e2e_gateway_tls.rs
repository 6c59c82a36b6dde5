//! A gateway over TLS, for clients that show a certificate and no others.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::e2e_support::gateway::{ask_page, etcdctl};
use crate::e2e_support::{Net, PATIENCE, process};
use crate::installed::has_etcdctl;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// An authority's certificate, and one for a server and one for a client that it signed.
fn write_certificates(dir: &Path) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(dir.join("ca.pem"), authority.pem()).unwrap();
    for (name, subject) in [("server", "127.0.0.1"), ("client", "client")] {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![subject.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        std::fs::write(dir.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(dir.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}

/// A gateway beside a testnet, with a key of its own.
struct Gateway {
    child: Child,
    address: SocketAddr,
}

impl Gateway {
    fn start(net: &Net) -> Self {
        net.ok(&["keys", "new", "own.pem"]);
        let address = SocketAddr::from(([127, 0, 0, 1], net.free_tcp_port()));
        let mut command = net.command(&["gateway", "--identity", "own.pem", "--listen", &address.to_string()]);
        command.args(["--cert-file", "server.pem", "--key-file", "server.key", "--trusted-ca-file", "ca.pem"]);
        let child = command.arg("--client-cert-auth").stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(start.elapsed() < PATIENCE, "it listens");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, address }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A page over TLS, with the client's certificate or without any.
fn page(dir: &Path, address: SocketAddr, path: &str, has_certificate: bool) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
    let config = config.unwrap().with_root_certificates(roots);
    let config = if has_certificate {
        let certificate = CertificateDer::from_pem_file(dir.join("client.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(dir.join("client.key")).unwrap();
        config.with_client_auth_cert(vec![certificate], key).unwrap()
    } else {
        config.with_no_client_auth()
    };
    let name = ServerName::from(address.ip());
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    ask_page(&mut StreamOwned::new(connection, stream), path)
}

#[test]
fn tls_with_client_certificates() {
    let net = Net::up(4);
    write_certificates(net.home.path());
    let gateway = Gateway::start(&net);
    let health = page(net.home.path(), gateway.address, "/health", true);
    assert!(health.starts_with("HTTP/1.1 200") && health.ends_with(r#"{"health":"true","reason":""}"#), "{health}");
    assert_eq!(page(net.home.path(), gateway.address, "/health", false), "", "nothing without a certificate");

    if has_etcdctl() {
        let file = |name: &str| net.home.path().join(name).display().to_string();
        let (ca, certificate, key) = (file("ca.pem"), file("client.pem"), file("client.key"));
        let endpoint = format!("https://{}", gateway.address);
        let known = ["--cacert", &ca, "--cert", &certificate, "--key", &key];
        let says = |words: &[&str]| etcdctl(&endpoint, &[&known[..], words].concat(), "");
        assert_eq!(says(&["put", "over", "tls"]).stdout, "OK\n");
        assert_eq!(says(&["get", "over"]).stdout, "over\ntls\n");
        assert!(says(&["member", "list"]).stdout.contains(&endpoint));
        let unknown = ["--cacert", &ca, "--dial-timeout", "2s", "--command-timeout", "3s", "get", "over"];
        assert_ne!(etcdctl(&endpoint, &unknown, "").code, 0, "no certificate, no answer");
        let plain = ["--dial-timeout", "2s", "--command-timeout", "3s", "get", "over"];
        assert_ne!(etcdctl(&gateway.address.to_string(), &plain, "").code, 0, "no TLS, no answer");
    }
    let mut gateway = gateway;
    assert!(process::wait(&mut gateway.child, Duration::from_millis(100)).is_none(), "it still serves");
    net.assert_no_panic();
}
