//! Testnets of real processes for tests: each in a directory and on ports of its own, and gone when the test is over.

#![allow(clippy::print_stderr, reason = "what a failing test's replicas logged")]

pub(crate) mod course;
pub(crate) mod gateway;
pub(crate) mod history;
pub(crate) mod load;
pub(crate) mod process;
pub(crate) mod slot;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tetrarch_client::{Client, ClientOptions};
use tetrarch_crypto::SigningKey;
use tetrarch_kv::{CommandResult, KvQuery, QueryResult};
use tetrarch_launcher::{ReplicaState, Testnet, TestnetStatus};
use tetrarch_types::Outcome;

use process::{Done, run};
use slot::Slot;

/// How long a testnet may take to serve, to stop, to change its view, to catch up. Debug builds on two cores are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// The program under test.
pub(crate) const TETRARCH: &str = env!("CARGO_BIN_EXE_tetrarch");

/// A testnet of real processes.
pub(crate) struct Net {
    pub(crate) home: TempDir,
    pub(crate) base_port: u16,
    pub(crate) n: u16,
    /// Where it has a gateway, if it has one.
    pub(crate) gateway_port: Option<u16>,
    /// What else `up` is told when it makes the testnet.
    made_with: Vec<&'static str>,
    supervisor: Option<Child>,
    slot: Slot,
}

impl Net {
    /// A place for a testnet, with nothing in it.
    pub(crate) fn vacant(n: u16) -> Self {
        let slot = Slot::take();
        let base_port = slot.free_ports(2 * n);
        Self {
            home: tempfile::tempdir().unwrap(),
            base_port,
            n,
            gateway_port: None,
            made_with: Vec::new(),
            supervisor: None,
            slot,
        }
    }

    /// A testnet that serves.
    pub(crate) fn up(n: u16) -> Self {
        let mut net = Self::vacant(n);
        net.start();
        net
    }

    /// A testnet of four that serves, with a gateway.
    pub(crate) fn up_with_gateway() -> Self {
        let mut net = Self::vacant(4);
        net.gateway_port = Some(net.free_tcp_port());
        net.start();
        net
    }

    /// A TCP port for something else beside the testnet.
    pub(crate) fn free_tcp_port(&self) -> u16 {
        self.slot.free_tcp_port()
    }

    /// Where the gateway is.
    pub(crate) fn gateway(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.gateway_port.unwrap()))
    }

    /// A testnet of four that serves, with checkpoints so close together that a test sees many.
    pub(crate) fn up_with_many_checkpoints() -> Self {
        Self::up_large_with_many_checkpoints(4)
    }

    /// The same, whose replicas keep few decided batches: who was away for long, or has nothing, needs a state (rule L-3).
    pub(crate) fn up_with_short_ledgers() -> Self {
        let mut net = Self::up_with_many_checkpoints();
        net.down();
        for replica in 0..net.n {
            let path = net.dir().join(format!("replica-{replica}/node.toml"));
            let text = std::fs::read_to_string(&path).unwrap();
            let short = text.replace("ledger_batches = 1024", "ledger_batches = 16");
            assert_ne!(text, short, "it says how much it keeps: {text}");
            std::fs::write(&path, short).unwrap();
        }
        net.start();
        net
    }

    /// Any number of replicas, with checkpoints as close together.
    pub(crate) fn up_large_with_many_checkpoints(n: u16) -> Self {
        let mut net = Self::vacant(n);
        net.start_with(&["--checkpoint-interval", "8", "--window", "16"]);
        net
    }

    /// `testnet up` for the first time, told more.
    pub(crate) fn start_with(&mut self, arguments: &[&'static str]) -> Value {
        self.made_with = arguments.to_vec();
        self.start()
    }

    /// The testnet's directory.
    pub(crate) fn dir(&self) -> PathBuf {
        self.home.path().join("net")
    }

    /// `testnet up`: makes what is missing, returns when the cluster serves. Gives what it printed.
    pub(crate) fn start(&mut self) -> Value {
        assert!(self.supervisor.is_none(), "it is running");
        let errors = std::fs::File::options().append(true).create(true).open(self.up_errors()).unwrap();
        let mut command = self.command(&["testnet", "up", "--output", "json", "--timeout", "80s"]);
        if !self.dir().exists() {
            command.args(["-n", &self.n.to_string(), "--base-port", &self.base_port.to_string()]);
            command.args(&self.made_with);
            command.args(self.gateway_port.iter().flat_map(|port| ["--gateway-port".to_owned(), port.to_string()]));
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        self.supervisor = Some(child);
        let (said, hears) = mpsc::channel();
        std::thread::spawn(move || {
            // Reads on behind the one line, so that the other end does not break.
            BufReader::new(stdout).lines().map_while(Result::ok).for_each(|line| drop(said.send(line)));
        });
        let line = hears.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it does not serve:\n{}", self.up_words()));
        serde_json::from_str(&line).unwrap()
    }

    /// `testnet down`, and the end of `testnet up`.
    pub(crate) fn down(&mut self) {
        self.ok(&["testnet", "down"]);
        let mut child = self.supervisor.take().unwrap();
        let status = process::wait(&mut child, PATIENCE).expect("`up` ends after `down`");
        assert!(status.success(), "{status}: {}", self.up_words());
    }

    /// SIGKILL for the supervisor itself: its nodes end with their standard input.
    pub(crate) fn kill_supervisor(&mut self) {
        let mut child = self.supervisor.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The process that runs `testnet up`.
    pub(crate) fn supervisor(&mut self) -> &mut Child {
        self.supervisor.as_mut().unwrap()
    }

    /// Forgets the process that runs `testnet up`, which has ended.
    pub(crate) fn forget_supervisor(&mut self) {
        self.supervisor = None;
    }

    /// A command that finds this testnet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(TETRARCH);
        command.args(arguments).env("TETRARCH_DIR", self.dir()).env("NO_COLOR", "1").current_dir(self.home.path());
        command.env_remove("TETRARCH_LOG").env_remove("TETRARCH_PASSPHRASE");
        if self.gateway_port.is_none() {
            command.env("TETRARCH_NO_GATEWAY", "1");
        }
        command
    }

    /// Runs a command to its end.
    pub(crate) fn tetrarch(&self, arguments: &[&str]) -> Done {
        run(self.command(arguments), b"", PATIENCE)
    }

    /// Runs a command that has to succeed, and gives its standard output.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let done = self.tetrarch(arguments);
        assert_eq!(done.code, 0, "{arguments:?}: {done}");
        done.stdout
    }

    /// The same, with JSON for output.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error} in {text}"))
    }

    /// What `testnet status` says. Where a supervisor takes two seconds to answer, it is as if there were none: then it is asked again.
    pub(crate) fn status(&self) -> TestnetStatus {
        let ask = || serde_json::from_value::<TestnetStatus>(self.json(&["testnet", "status"])).unwrap();
        let is_whole = |it: &TestnetStatus| self.supervisor.is_none() || it.replicas.iter().any(|it| it.pid.is_some());
        std::iter::repeat_with(ask).take(5).find(is_whole).unwrap_or_else(ask)
    }

    /// Waits until the status is as it should be.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&TestnetStatus) -> bool) -> TestnetStatus {
        let start = Instant::now();
        loop {
            let status = self.status();
            if is_so(&status) {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}; it is {status:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Who leads, as soon as enough replicas say so: after two seconds a status names whoever has not answered by then as unreachable.
    pub(crate) fn primary(&self) -> u16 {
        self.until("the primary is known", |status| status.primary.is_some()).primary.unwrap()
    }

    /// The view, as soon as enough replicas say which.
    pub(crate) fn view(&self) -> u64 {
        self.until("the view is known", |status| status.view.is_some()).view.unwrap()
    }

    /// Waits until every replica runs and has executed the same.
    pub(crate) fn until_level(&self) -> TestnetStatus {
        self.until("all replicas are level", |status| {
            let first = &status.replicas[0];
            let is_level = |replica: &tetrarch_launcher::ReplicaStatus| {
                replica.state == ReplicaState::Running
                    && replica.executed == first.executed
                    && replica.revision == first.revision
            };
            status.replicas.iter().all(is_level)
        })
    }

    /// Waits until every replica has executed the same and come to the same root, whether it votes or not.
    pub(crate) fn until_equal(&self) -> TestnetStatus {
        self.until("all replicas have the same state", |status| {
            let first = &status.replicas[0];
            let is_equal = |it: &tetrarch_launcher::ReplicaStatus| {
                it.executed.is_some() && it.executed == first.executed && it.state_root == first.state_root
            };
            status.replicas.iter().all(is_equal)
        })
    }

    /// A client of the library, with the testnet's own key.
    pub(crate) fn client(&self) -> Client {
        self.client_with(&Testnet::open(&self.dir()).unwrap().layout().client_key())
    }

    /// A client of the library, with this key.
    pub(crate) fn client_with(&self, key: &Path) -> Client {
        let testnet = Testnet::open(&self.dir()).unwrap();
        let options = ClientOptions { timeout: PATIENCE, ..ClientOptions::default() };
        Client::new(testnet.genesis(), SigningKey::load(key, None).unwrap(), options).unwrap()
    }

    /// No replica has panicked, and none has found anything that should be impossible.
    pub(crate) fn assert_no_panic(&self) {
        for (path, text) in self.logs() {
            assert!(!text.contains("panicked at"), "{}:\n{text}", path.display());
        }
        assert!(!self.up_words().contains("panicked at"), "{}", self.up_words());
    }

    /// What one replica has logged.
    pub(crate) fn log(&self, replica: u16) -> String {
        let path = self.dir().join(format!("replica-{replica}/log/node.log"));
        std::fs::read_to_string(path).unwrap_or_default()
    }

    fn logs(&self) -> Vec<(PathBuf, String)> {
        let paths = (0..self.n).map(|replica| self.dir().join(format!("replica-{replica}/log/node.log")));
        let paths = paths.chain([self.dir().join("gateway/log/gateway.log")]);
        paths.filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?))).collect()
    }

    /// What `testnet up` said on its standard error.
    pub(crate) fn up_words(&self) -> String {
        std::fs::read_to_string(self.up_errors()).unwrap_or_default()
    }

    fn up_errors(&self) -> PathBuf {
        self.home.path().join("up.err")
    }

    fn show_logs(&self) {
        eprintln!("--- testnet up:\n{}", self.up_words());
        for (path, text) in self.logs() {
            let lines: Vec<&str> = text.lines().rev().take(40).collect();
            eprintln!("--- {}:", path.display());
            lines.into_iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_logs();
        }
        let Some(mut child) = self.supervisor.take() else { return };
        run(self.command(&["testnet", "down"]), b"", PATIENCE);
        if process::wait(&mut child, Duration::from_secs(20)).is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A command's result, which has to be one.
pub(crate) fn executed(outcome: &Outcome) -> CommandResult {
    match outcome {
        Outcome::Executed(bytes) => CommandResult::decode(bytes).unwrap(),
        other => panic!("not executed: {other:?}"),
    }
}

/// Everything below a prefix, read at a quorum.
pub(crate) async fn read_all(client: &Client, prefix: &str) -> Vec<(Vec<u8>, tetrarch_kv::KeyRecord)> {
    let mut records = Vec::new();
    let mut query = KvQuery::prefix(prefix, 0);
    loop {
        let answer = client.read(query.encode()).await.unwrap();
        let page = QueryResult::decode(&answer.bytes).unwrap().selection().unwrap();
        records.extend(page.records);
        match records.last() {
            Some((last, _)) if page.more => query = query.after(last),
            _ => return records,
        }
    }
}

/// Runs something asynchronous.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}
