//! A testnet of real processes for the commands that measure, and what they are asked on the command line.
#![allow(dead_code, reason = "each command uses some of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a command for developers: what goes wrong ends it")]

use std::path::PathBuf;
use std::process::Command as Process;
use std::time::Duration;

use serde_json::Value;
use tetrarch_client::{Client, ClientOptions};
use tetrarch_crypto::SigningKey;
use tetrarch_types::Genesis;

/// What stands on the command line: the tetrarch binary, a directory for the testnet, and options, each a name and a value.
pub(crate) struct Words(Vec<String>);

impl Words {
    pub(crate) fn given() -> Self {
        Self(std::env::args().skip(1).collect())
    }

    pub(crate) fn testnet(&self) -> Testnet {
        let [binary, dir, ..] = self.0.as_slice() else { panic!("give the tetrarch binary and a directory") };
        Testnet { binary: binary.into(), dir: dir.into() }
    }

    /// The value of an option, if it is there.
    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        let place = self.0.iter().position(|word| word == name)?;
        Some(self.0.get(place + 1).expect("a value"))
    }

    pub(crate) fn number(&self, name: &str, default: u64) -> u64 {
        self.option(name).map_or(default, |value| value.parse().expect("a number"))
    }
}

/// How many bytes of a process are in memory: none, once it has ended.
pub(crate) fn memory(pid: u64) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// A testnet in a directory, told what to do as a user tells it.
pub(crate) struct Testnet {
    binary: PathBuf,
    pub(crate) dir: PathBuf,
}

impl Testnet {
    /// Runs `tetrarch` with these words; what it prints. A testnet that comes up so has no gateway.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        self.carry_out(Process::new(&self.binary).env("TETRARCH_NO_GATEWAY", "1"), words)
    }

    /// The same; a testnet that comes up so has a gateway.
    pub(crate) fn run_with_gateway(&self, words: &[&str]) -> String {
        self.carry_out(Process::new(&self.binary).env_remove("TETRARCH_NO_GATEWAY"), words)
    }

    fn carry_out(&self, command: &mut Process, words: &[&str]) -> String {
        let output = command.args(words).arg("--dir").arg(&self.dir).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tetrarch {}: {said}", words.join(" "));
        String::from_utf8(output.stdout).unwrap()
    }

    /// How it is; who does not answer within the timeout is not waited for.
    pub(crate) fn status(&self, timeout: &str) -> Value {
        let status = self.run(&["testnet", "status", "--output", "json", "--timeout", timeout]);
        serde_json::from_str(&status).unwrap()
    }

    /// Clients with keys of their own, patient enough to outlast whatever is done to the replicas.
    pub(crate) fn clients(&self, count: u64) -> impl Iterator<Item = Client> {
        let genesis = std::fs::read_to_string(self.dir.join("genesis.json")).unwrap();
        let genesis = Genesis::from_json(&genesis).unwrap();
        let options = ClientOptions { timeout: Duration::from_secs(60), ..ClientOptions::default() };
        (0..count).map(move |_| Client::new(&genesis, SigningKey::generate().unwrap(), options).unwrap())
    }
}
