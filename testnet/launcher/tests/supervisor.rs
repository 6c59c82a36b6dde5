//! A supervisor over processes that stand in for nodes: shell scripts that wait for the end of their standard input.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tetrarch_launcher::{
    Answer, Command, Corruption, Gateway, LaunchError, Mode, Plan, ProcessState, ProcessStatus, Refusal, Supervisor,
    SupervisorLock, SupervisorStatus, Testnet, Whom, create, send,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// It is not written by a test: a process that another test starts just then would have it open for writing too, until it has become its own
/// program, and what is open so cannot be run.
const STAND_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand-in");

struct Bench {
    dir: tempfile::TempDir,
    testnet: Testnet,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan { n: 4, base_port: free_ports(8), ..Plan::default() };
        let testnet = create(&dir.path().join("net"), &plan).unwrap();
        Self { dir, testnet }
    }

    fn start(&self) -> Supervisor {
        let lock = SupervisorLock::take(self.testnet.layout()).unwrap();
        Supervisor::start(&self.testnet, lock, Path::new(STAND_IN), None).unwrap()
    }

    async fn ask(&self, command: Command) -> Result<Answer, LaunchError> {
        send(self.testnet.layout(), &command, PATIENCE).await
    }

    async fn status(&self) -> SupervisorStatus {
        match self.ask(Command::Status).await.unwrap() {
            Answer::Status(status) => status,
            other => panic!("not a status: {other:?}"),
        }
    }

    async fn until(&self, replica: usize, is_so: impl Fn(&ProcessStatus) -> bool) -> ProcessStatus {
        let start = Instant::now();
        loop {
            let status = self.status().await.replicas[replica].clone();
            if is_so(&status) {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "replica {replica} is {status:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn until_running(&self, replica: usize) -> u32 {
        self.until(replica, |status| status.state == ProcessState::Running).await.pid.unwrap()
    }

    async fn refusal(&self, command: Command) -> Refusal {
        match self.ask(command).await {
            Err(LaunchError::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }
}

/// The first of `count` UDP ports that are free now: below those that the system gives to whoever asks for any, and no other test's.
fn free_ports(count: u16) -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    let next = || 28_000 + begin.wrapping_add(ASKED.fetch_add(u32::from(count), Ordering::Relaxed)) % 1_900;
    std::iter::repeat_with(|| u16::try_from(next()).unwrap())
        .find(|base| (*base..base + count).all(|port| std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok()))
        .unwrap()
}

/// Whether a process is there and no zombie, and the letter of its state.
fn process_state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(')').next()?.trim().chars().next().filter(|state| *state != 'Z')
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_starts_and_everything_ends() {
    let bench = Bench::new();
    let supervisor = bench.start();
    let mut pids = Vec::new();
    for replica in 0..4 {
        pids.push(bench.until_running(replica).await);
    }
    assert!(pids.iter().all(|pid| process_state(*pid).is_some()));
    assert_eq!(bench.ask(Command::Down).await.unwrap(), Answer::Done);
    supervisor.until_down().await;
    assert!(pids.iter().all(|pid| process_state(*pid).is_none()), "all have ended when `down` is answered");
    drop(supervisor);
    assert!(matches!(bench.ask(Command::Status).await, Err(LaunchError::NotRunning { .. })));
    assert!(!bench.testnet.layout().control().exists());
    // A process that another test starts just then has the lock too, until it has become its own program.
    let start = Instant::now();
    while SupervisorLock::holder(bench.testnet.layout()).is_some() {
        assert!(start.elapsed() < PATIENCE, "the lock is kept");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_killed_stay_down_and_the_crashed_come_back() {
    let bench = Bench::new();
    let supervisor = bench.start();
    let before = bench.until_running(1).await;
    bench.ask(Command::Kill { whom: Whom::Replica(1) }).await.unwrap();
    assert_eq!(process_state(before), None);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(bench.status().await.replicas[1].state, ProcessState::Killed);
    assert!(matches!(
        bench.refusal(Command::Kill { whom: Whom::Replica(1) }).await,
        Refusal::NotRunning { whom: Whom::Replica(1), .. }
    ));
    assert!(matches!(bench.refusal(Command::Pause { whom: Whom::Replica(1) }).await, Refusal::NotRunning { .. }));

    // A crash, told apart by its cause.
    let crash = bench.testnet.layout().replica(1).join("crash");
    std::fs::write(&crash, "").unwrap();
    bench.ask(Command::Start { whom: Whom::Replica(1) }).await.unwrap();
    let status = bench.until(1, |status| status.restarts >= 2 && status.last_words.is_some()).await;
    assert_eq!(status.last_exit.as_deref(), Some("exit status: 3"));
    assert_eq!(status.last_words.as_deref(), Some("the crash file is there"));
    std::fs::remove_file(&crash).unwrap();
    let after = bench.until(1, |status| status.state == ProcessState::Running).await;
    assert!(after.restarts >= 2);
    let log = std::fs::read_to_string(bench.testnet.layout().log(1)).unwrap();
    assert!(log.contains("killed on purpose") && log.contains("it is started again in 0.2 s"), "{log}");
    supervisor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_and_resuming() {
    let bench = Bench::new();
    let supervisor = bench.start();
    let pid = bench.until_running(2).await;
    assert!(matches!(bench.refusal(Command::Resume { whom: Whom::Replica(2) }).await, Refusal::NotPaused { .. }));
    bench.ask(Command::Pause { whom: Whom::Replica(2) }).await.unwrap();
    assert_eq!(bench.status().await.replicas[2].state, ProcessState::Paused);
    let start = Instant::now();
    while process_state(pid) != Some('T') {
        assert!(start.elapsed() < PATIENCE);
    }
    assert!(matches!(bench.refusal(Command::Pause { whom: Whom::Replica(2) }).await, Refusal::Paused { .. }));
    assert!(matches!(bench.refusal(Command::Start { whom: Whom::Replica(2) }).await, Refusal::Paused { .. }));
    bench.ask(Command::Resume { whom: Whom::Replica(2) }).await.unwrap();
    assert_eq!(bench.until_running(2).await, pid);
    bench.ask(Command::Pause { whom: Whom::Replica(2) }).await.unwrap();
    let stopping = Instant::now();
    supervisor.stop().await;
    assert_eq!(process_state(pid), None, "a paused one ends like the others");
    assert!(stopping.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_do_not_want_to_end_can_be_forced() {
    let bench = Bench::new();
    std::fs::write(bench.testnet.layout().replica(3).join("deaf"), "").unwrap();
    let supervisor = bench.start();
    let pid = bench.until_running(3).await;
    let log = bench.testnet.layout().log(3);
    while !std::fs::read_to_string(&log).unwrap().contains("up with") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let start = Instant::now();
    tokio::join!(supervisor.stop(), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(process_state(pid).is_some());
        supervisor.force();
    });
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(process_state(pid), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_supervisor_at_a_time() {
    let bench = Bench::new();
    let supervisor = bench.start();
    bench.until_running(0).await;
    let error = SupervisorLock::take(bench.testnet.layout()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&std::process::id().to_string()) && text.contains("tetrarch testnet status"), "{text}");
    assert_eq!(SupervisorLock::holder(bench.testnet.layout()), Some(std::process::id()));
    supervisor.stop().await;
    drop(supervisor);
    // What a killed one leaves behind: a socket nobody listens at, a file with a number in it.
    drop(std::os::unix::net::UnixListener::bind(bench.testnet.layout().control()).unwrap());
    std::fs::write(bench.testnet.layout().pid_file(), "1\n").unwrap();
    assert!(matches!(bench.ask(Command::Status).await, Err(LaunchError::NotRunning { .. })));
    let supervisor = bench.start();
    bench.until_running(0).await;
    supervisor.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_found_before_anything_starts() {
    let bench = Bench::new();
    let base = bench.testnet.description().base_port;
    let taken = std::net::UdpSocket::bind(("127.0.0.1", base + 5)).unwrap();
    let lock = SupervisorLock::take(bench.testnet.layout()).unwrap();
    let error = Supervisor::start(&bench.testnet, lock, Path::new(STAND_IN), None).err().unwrap();
    let text = error.to_string();
    assert!(
        text.contains(&format!("UDP port {} (replica 2, for clients)", base + 5)) && text.contains("--base-port"),
        "{text}"
    );
    drop(taken);
    assert!(!bench.testnet.layout().log(0).exists(), "nothing was started");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_in_a_sentence() {
    let bench = Bench::new();
    let supervisor = bench.start();
    let refusal = bench.refusal(Command::Kill { whom: Whom::Replica(7) }).await;
    assert_eq!(refusal.to_string(), "there is no replica 7: this testnet has replicas 0 to 3");
    assert_eq!(bench.refusal(Command::Kill { whom: Whom::Gateway }).await, Refusal::NoGateway);
    bench.until_running(0).await;
    assert!(matches!(bench.refusal(Command::Start { whom: Whom::Replica(0) }).await, Refusal::AlreadyRunning { .. }));
    let answer = raw(&bench, b"{\"do\":\"explode\"}\n").await;
    assert!(answer.contains("\"refused\"") && answer.contains("explode"), "{answer}");
    assert_eq!(raw(&bench, &vec![b'x'; 300 * 1024]).await, "", "an endless line is hung up on");
    supervisor.stop().await;
    assert!(matches!(bench.refusal(Command::Kill { whom: Whom::Replica(0) }).await, Refusal::Stopping));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_is_killed_paused_and_started_as_a_replica_is() {
    let mut bench = Bench::new();
    let lock = SupervisorLock::take(bench.testnet.layout()).unwrap();
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    bench.testnet.move_gateway(free.port(), &lock).unwrap();
    let gateway = Gateway::prepare(&bench.testnet).unwrap();
    let supervisor = Supervisor::start(&bench.testnet, lock, Path::new(STAND_IN), Some(gateway)).unwrap();
    let whom = Whom::Gateway;
    let state = async || bench.status().await.gateway.unwrap().state;
    bench.ask(Command::Pause { whom }).await.unwrap();
    assert_eq!(state().await, ProcessState::Paused);
    assert!(matches!(bench.refusal(Command::Start { whom }).await, Refusal::Paused { whom: Whom::Gateway, .. }));
    bench.ask(Command::Resume { whom }).await.unwrap();
    bench.ask(Command::Kill { whom }).await.unwrap();
    assert_eq!(state().await, ProcessState::Killed);
    let refusal = bench.refusal(Command::Pause { whom }).await.to_string();
    assert_eq!(refusal, "the gateway is not running (killed); start it with `tetrarch testnet start gateway`");
    bench.ask(Command::Start { whom }).await.unwrap();
    assert_eq!(state().await, ProcessState::Running);
    bench.until_running(0).await;
    supervisor.stop().await;
}

async fn raw(bench: &Bench, bytes: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::UnixStream::connect(bench.testnet.layout().control()).await.unwrap();
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_deep_down_in_the_tree() {
    let mut bench = Bench::new();
    let deep = bench.dir.path().join("x".repeat(120)).join("net");
    let plan = Plan { base_port: bench.testnet.description().base_port, ..Plan::default() };
    bench.testnet = create(&deep, &plan).unwrap();
    let supervisor = bench.start();
    bench.until_running(0).await;
    assert_eq!(mode(&bench.testnet.layout().control()), 0o600);
    supervisor.stop().await;
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_lies_from_corrupt_to_start_whatever_happens_between() {
    let bench = Bench::new();
    let supervisor = bench.start();
    let honest = bench.until_running(2).await;
    let corruption = Corruption { mode: Mode::Slow, seed: 5 };
    let corrupt = || bench.ask(Command::Corrupt { replica: 2, corruption });
    corrupt().await.unwrap();
    assert_eq!(process_state(honest), None, "the honest one has ended when `corrupt` is answered");
    let liar = bench.until_running(2).await;
    assert_eq!(bench.status().await.replicas[2].corruption, Some(corruption));
    assert!(bench.status().await.replicas.iter().filter(|it| it.id != 2).all(|it| it.corruption.is_none()));

    // A liar that ends by itself comes back as one.
    std::fs::write(bench.dir.path().join("net/replica-2/crash"), "").unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(liar).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    bench.until(2, |status| status.state == ProcessState::Restarting && status.last_words.is_some()).await;
    std::fs::remove_file(bench.dir.path().join("net/replica-2/crash")).unwrap();
    bench.until_running(2).await;
    assert_eq!(bench.status().await.replicas[2].corruption, Some(corruption));

    bench.ask(Command::Start { whom: Whom::Replica(2) }).await.unwrap();
    bench.until_running(2).await;
    assert_eq!(bench.status().await.replicas[2].corruption, None, "honest, without having been killed first");
    assert!(matches!(
        bench.refusal(Command::Start { whom: Whom::Replica(2) }).await,
        Refusal::AlreadyRunning { whom: Whom::Replica(2), .. }
    ));

    // One that is down, and one that is paused.
    bench.ask(Command::Kill { whom: Whom::Replica(2) }).await.unwrap();
    corrupt().await.unwrap();
    bench.until_running(2).await;
    bench.ask(Command::Pause { whom: Whom::Replica(2) }).await.unwrap();
    bench.ask(Command::Start { whom: Whom::Replica(2) }).await.unwrap();
    bench.until_running(2).await;
    assert_eq!(bench.status().await.replicas[2].corruption, None);
    let unknown = bench.refusal(Command::Corrupt { replica: 4, corruption }).await;
    assert_eq!(unknown, Refusal::NoSuchReplica { replica: 4, n: 4 });
    supervisor.stop().await;
}
