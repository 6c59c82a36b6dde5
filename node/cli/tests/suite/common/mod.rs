//! Running the binary, and files for it to read.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tetrarch_client::receipt_to_json;
use tetrarch_crypto::{Digest, MerkleTree, Signer, SigningKey};
use tetrarch_kv::{Answered, CommandResult, Response};
use tetrarch_types::{
    Genesis, Member, Outcome, Parameters, ReplicaId, ReplyCertificate, Results, SeqNum, Signed, Timestamp,
    TransactionBody, result_leaf,
};

/// A directory with a chain's genesis, its replicas' keys and a client's. Nobody runs at its addresses.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) genesis: Genesis,
    pub(crate) keys: Vec<SigningKey>,
}

/// What a run of the binary came to.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Fails unless the exit code is this, or if anything looks like a crash or like Rust's debug output.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        for word in ["panicked", "RUST_BACKTRACE", "Err(", "Some(", "Error {"] {
            assert!(!self.stderr.contains(word), "{}", self.stderr);
        }
        self
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A command that serves, once it has logged that, and what it logged until then.
pub(crate) fn started(command: &mut Command, logged: &str) -> (Child, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = Vec::new();
    let stderr = child.stderr.as_mut().unwrap();
    while !String::from_utf8_lossy(&log).contains(logged) {
        let mut buffer = [0; 1];
        assert_eq!(stderr.read(&mut buffer).unwrap(), 1, "{}", String::from_utf8_lossy(&log));
        log.extend(buffer);
    }
    (child, String::from_utf8_lossy(&log).into_owned())
}

/// Waits until a process has a handler for SIGINT, without which that would just end it: bit n - 1 of `SigCgt` is signal n's.
pub(crate) fn until_it_heeds_interrupts(child: &Child) {
    let catches_them = || {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        u64::from_str_radix(caught.trim(), 16).unwrap() & 0b10 != 0
    };
    let started = Instant::now();
    while !catches_them() {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not wait for interrupts");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// The binary, in a directory and without the environment's settings.
pub(crate) fn tetrarch(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tetrarch"));
    command.current_dir(dir);
    for name in ["TETRARCH_DIR", "TETRARCH_LOG", "TETRARCH_PASSPHRASE", "NO_COLOR", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
}

/// Runs the binary to its end.
pub(crate) fn run<S: AsRef<OsStr>>(dir: &Path, arguments: impl IntoIterator<Item = S>) -> Ran {
    tetrarch(dir).args(arguments).output().unwrap().into()
}

impl Place {
    pub(crate) fn new() -> Self {
        let keys: Vec<SigningKey> = (1..=4).map(|seed| SigningKey::from_seed([seed; 32])).collect();
        let member = |key: &SigningKey| Member {
            public_key: key.public_key(),
            peer_address: closed_port(),
            client_address: closed_port(),
        };
        let genesis = Genesis {
            chain: "test".into(),
            salt: Digest::ZERO,
            parameters: Parameters::default(),
            replicas: keys.iter().map(member).collect(),
        };
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("genesis.json"), genesis.to_json()).unwrap();
        client_key().save(&dir.path().join("client.pem"), None).unwrap();
        Self { dir, genesis, keys }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        run(self.dir.path(), arguments)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// A receipt as a cluster would have made it, for `put "a" = "1"`.
    pub(crate) fn receipt(&self) -> String {
        receipt_to_json(&self.certificate())
    }

    pub(crate) fn certificate(&self) -> ReplyCertificate {
        let membership = self.genesis.membership();
        let client = client_key();
        let body = TransactionBody {
            chain: self.genesis.digest(),
            sender: client.public_key(),
            nonce: 5,
            valid_until: Timestamp::from_micros(1),
            command: tetrarch_kv::Command::put("a", "1").encode(),
        };
        let transaction = body.sign(membership.scope(), &client);
        let put = Response::Put { version: 1, previous: None };
        let result = CommandResult { revision: 2, results: Ok(vec![Ok(Answered { revision: 2, response: put })]) };
        let outcome = Outcome::Executed(result.encode());
        let tree = MerkleTree::new(vec![Digest::ZERO, result_leaf(&transaction.id(), &outcome)]);
        let results = Results { seq: SeqNum::new(9), root: tree.root() };
        let vote = |id: u16| {
            let id = ReplicaId::new(id);
            (id, Signed::new(results, id, membership.scope(), &self.keys[id.index()]).signature)
        };
        ReplyCertificate {
            transaction,
            outcome,
            seq: results.seq,
            path: tree.path(1).unwrap(),
            votes: vec![vote(0), vote(2)],
            tentative: None,
        }
    }
}

fn client_key() -> SigningKey {
    SigningKey::from_seed([99; 32])
}

/// A UDP port that was free a moment ago, below those that the system hands out to sockets of other tests and above those of testnets.
pub(crate) fn closed_port() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(97);
    loop {
        let number = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 2_000;
        let address = SocketAddr::from(([127, 0, 0, 1], 30_000 + u16::try_from(number).unwrap()));
        if UdpSocket::bind(address).is_ok() {
            return address;
        }
    }
}
