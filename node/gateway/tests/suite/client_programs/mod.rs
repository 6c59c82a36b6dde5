//! Other people's client libraries, unmodified, in small programs of ours: the crate etcd-client, and etcd3 for Python. Neither is part of the
//! build; each is made ready in Cargo's folder for tests when it is first needed, and skipped, with a sentence, where that cannot be.
//!
//! `etcd-client/` is a package outside of the workspace, since the crate needs `protoc`. `etcd3_program.py` runs in a virtual environment.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::installed::skipped;

/// What making one ready may take: a download, or the build of a hundred crates on a busy machine.
const MAKING: Duration = Duration::from_secs(600);

/// What a program may take to do all that it does.
const RUNNING: Duration = Duration::from_secs(120);

/// Pinned, all of them, since etcd3 is old: protobuf's later versions refuse its messages, and its locks cannot wait with tenacity's.
const PACKAGES: [&str; 5] = ["etcd3==0.12.0", "grpcio", "protobuf==3.20.3", "tenacity==6.3.1", "six"];

/// A program that is ready to be run against a gateway.
pub(crate) struct ClientProgram {
    command: Command,
    name: &'static str,
    /// What it prints at last, if it has done all that it does.
    last: &'static str,
}

impl ClientProgram {
    /// The program that uses the crate etcd-client. None where it cannot be built; it has said so then.
    pub(crate) fn etcd_client() -> Option<Self> {
        let name = "etcd-client";
        if Command::new(protoc()).arg("--version").output().is_err() {
            return skip(
                name,
                "it needs `protoc` to be built (PROTOC, or Debian's package protobuf-compiler, which `make test` installs where it may)",
            );
        }
        let _one_at_a_time = lock(name);
        let cargo = |words: &[&str]| {
            let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            command.args(words).args(["--locked", "--quiet", "--manifest-path"]).arg(source("etcd-client/Cargo.toml"));
            command
        };
        if let Err(said) = run(cargo(&["fetch"]), MAKING) {
            return skip(name, &format!("its crates could not be had: {said}"));
        }
        let target = place(name);
        let mut build = cargo(&["build", "--offline", "--jobs", "2"]);
        build.arg("--target-dir").arg(&target).env_remove("CARGO_TARGET_DIR");
        match run(build, MAKING) {
            Err(said) if said.contains("google/protobuf") => {
                return skip(name, "protoc's own messages are not here (Debian's package libprotobuf-dev)");
            }
            built => built.unwrap_or_else(|said| panic!("the program that uses etcd-client does not build: {said}")),
        };
        Some(Self { command: Command::new(target.join("debug/etcd-client-program")), name, last: "maintenance\n" })
    }

    /// The program that uses Python's etcd3. None where it cannot be installed; it has said so then.
    pub(crate) fn etcd3() -> Option<Self> {
        let name = "etcd3";
        let _one_at_a_time = lock(name);
        let home = place(name);
        let python = home.join("bin/python");
        if !home.join("installed").exists()
            && let Err(said) = install(&home, &python)
        {
            return skip(name, &format!("it could not be installed with python3 and pip: {said}"));
        }
        let mut command = Command::new(python);
        // The old generated code works with this implementation on every Python.
        command.env("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python").arg(source("etcd3_program.py"));
        Some(Self { command, name, last: "locks\n" })
    }

    /// Runs it against a gateway: it has to end well, and to have done all.
    pub(crate) fn run(mut self, host: &str, port: u16) {
        match self.name {
            "etcd3" => self.command.args([host, &port.to_string()]),
            _ => self.command.arg(format!("{host}:{port}")),
        };
        let (name, last) = (self.name, self.last);
        let done = run(self.command, RUNNING).unwrap_or_else(|said| panic!("the program that uses {name}: {said}"));
        assert!(done.ends_with(last), "it did all: {done}");
    }
}

fn install(home: &Path, python: &Path) -> Result<(), String> {
    drop(fs::remove_dir_all(home));
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(home);
    run(venv, MAKING)?;
    let mut pip = Command::new(python);
    // What would have to be compiled for many minutes is not: etcd3 itself is Python, and comes as its source only.
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", "grpcio,protobuf"]);
    pip.args(PACKAGES);
    run(pip, MAKING)?;
    File::create(home.join("installed")).map(drop).map_err(|error| error.to_string())
}

/// The build script of etcd-client looks for it in the same way.
fn protoc() -> std::ffi::OsString {
    std::env::var_os("PROTOC").unwrap_or_else(|| "protoc".into())
}

fn skip(name: &str, why: &str) -> Option<ClientProgram> {
    skipped(&format!("{name} is not here: {why}"));
    None
}

/// Where the sources of the programs are.
fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/tests/suite/client_programs").join(name)
}

/// Where a program is made ready, once for all tests: below Cargo's own folder.
fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Held while something is made ready: test programs run at the same time.
fn lock(name: &str) -> File {
    let file = File::create(place(&format!("{name}.lock"))).unwrap();
    file.lock().unwrap();
    file
}

/// What a command prints, or what it says of what went wrong. Ended when it takes too long.
fn run(mut command: Command, patience: Duration) -> Result<String, String> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    let (out, err) = (reading(child.stdout.take()), reading(child.stderr.take()));
    let well = ended(&mut child, patience);
    let (out, err) = (out.join().unwrap(), err.join().unwrap());
    if well { Ok(out) } else { Err(format!("{command:?} failed, or took more than {patience:?}:\n{out}{err}")) }
}

fn ended(child: &mut Child, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.success();
        }
        if Instant::now() > until {
            child.kill().unwrap();
            child.wait().unwrap();
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn reading(from: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.unwrap().read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
