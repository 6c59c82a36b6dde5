//! etcd's own programs, as Debian packs them: `etcdctl` (etcd-client) and `etcd` (etcd-server).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::installed::program;

/// What a program may take; a call to the store takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an etcd may take to start: many do at once.
const STARTING: Duration = Duration::from_secs(60);

/// Where in a folder of its own an etcd has its data.
const DATA: &str = "data";

/// What a program said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs etcdctl on one line of arguments, with some input; ended by its id if it takes too long.
pub(crate) fn etcdctl(endpoint: &str, line: &[&str], input: &str) -> Said {
    let mut child = program("etcdctl")
        .env("ETCDCTL_API", "3")
        .args(["--endpoints", endpoint, "--dial-timeout", "10s", "--command-timeout", "20s"])
        .args(line)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // What it does not read it does not want.
    let writing = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let (out, err) = (reading(child.stdout.take()), reading(child.stderr.take()));
    let code = ended(&mut child);
    writing.join().unwrap();
    Said { code, out: out.join().unwrap(), err: err.join().unwrap() }
}

/// An etcdctl that goes on until it is ended.
fn going(endpoint: &str, line: &[&str]) -> Child {
    program("etcdctl")
        .env("ETCDCTL_API", "3")
        .args(["--endpoints", endpoint, "--dial-timeout", "10s"])
        .args(line)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What an etcdctl that never ends prints, as soon as it has printed so many bytes; ended by its id.
pub(crate) fn printed_within(endpoint: &str, line: &[&str], bytes: usize) -> String {
    let mut child = going(endpoint, line);
    let mut out = child.stdout.take().unwrap();
    let mut printed = vec![0; bytes];
    let (done, read) = std::sync::mpsc::channel();
    let reading = thread::spawn(move || {
        let whole = out.read_exact(&mut printed).is_ok();
        done.send(()).unwrap();
        // What comes beyond is too much.
        let mut rest = Vec::new();
        out.read_to_end(&mut rest).unwrap();
        (whole, [printed, rest].concat())
    });
    let _ = read.recv_timeout(PATIENCE);
    thread::sleep(Duration::from_millis(200));
    child.kill().unwrap();
    child.wait().unwrap();
    let (whole, printed) = reading.join().unwrap();
    assert!(whole, "{line:?}: {}", String::from_utf8_lossy(&printed));
    String::from_utf8(printed).unwrap()
}

/// The first lines that an etcdctl prints which then goes on, as soon as there are so many; ended by its id.
pub(crate) fn lines_within(endpoint: &str, line: &[&str], count: usize) -> Vec<String> {
    let mut child = going(endpoint, line);
    let out = BufReader::new(child.stdout.take().unwrap());
    let (tell, told) = std::sync::mpsc::channel();
    let reading = thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    let until = Instant::now() + PATIENCE;
    let lines =
        (0..count).map_while(|_| told.recv_timeout(until.saturating_duration_since(Instant::now())).ok()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(told);
    drop(reading.join().unwrap());
    lines
}

fn reading(from: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        from.unwrap().read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn ended(child: &mut Child) -> Option<i32> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > until {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("etcdctl did not end within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// A real etcd of one member, on free ports; ended when this is dropped.
pub(crate) struct Etcd {
    child: Child,
    pub(crate) endpoint: String,
    _folder: tempfile::TempDir,
}

impl Etcd {
    pub(crate) fn start() -> Self {
        on_free_ports(|| Self::run(tempfile::tempdir().unwrap(), &free_address()))
    }

    /// One on what etcdctl makes of a snapshot.
    pub(crate) fn restored(snapshot: &Path) -> Self {
        on_free_ports(|| Self::restore(snapshot))
    }

    fn restore(snapshot: &Path) -> Option<Self> {
        let (folder, peer) = (tempfile::tempdir().unwrap(), free_address());
        let data = folder.path().join(DATA);
        let (peer_url, cluster) = (format!("http://{peer}"), format!("one=http://{peer}"));
        let line = ["snapshot", "restore", path(snapshot), "--data-dir", path(&data), "--name", "one"];
        let member = ["--initial-cluster", &cluster, "--initial-advertise-peer-urls", &peer_url];
        let said = etcdctl("unused", &[&line[..], &member].concat(), "");
        assert_eq!(said.code, Some(0), "{said:?}");
        Self::run(folder, &peer)
    }

    /// None if it ends, as it does when somebody else has taken one of its ports.
    fn run(folder: tempfile::TempDir, peer: &str) -> Option<Self> {
        let client = free_address();
        let child = program("etcd")
            .args(["--name", "one", "--log-level", "error", "--data-dir"])
            .arg(folder.path().join(DATA))
            .args(["--listen-client-urls", &format!("http://{client}")])
            .args(["--advertise-client-urls", &format!("http://{client}")])
            .args(["--listen-peer-urls", &format!("http://{peer}")])
            .args(["--initial-advertise-peer-urls", &format!("http://{peer}")])
            .args(["--initial-cluster", &format!("one=http://{peer}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut etcd = Self { child, endpoint: client, _folder: folder };
        etcd.comes_up().then_some(etcd)
    }

    fn comes_up(&mut self) -> bool {
        let until = Instant::now() + STARTING;
        while etcdctl(&self.endpoint, &["endpoint", "health"], "").code != Some(0) {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < until, "etcd did not start within {STARTING:?}");
            thread::sleep(Duration::from_millis(100));
        }
        // Another one that answers at its port is not this one.
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Tries a few times: a port that is free now somebody else may take before it is used.
fn on_free_ports<T>(start: impl Fn() -> Option<T>) -> T {
    (0..5).find_map(|_| start()).unwrap_or_else(|| panic!("etcd ends when it is started"))
}

/// A port that is free now.
fn free_address() -> String {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().to_string()
}
