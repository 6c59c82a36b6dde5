//! Programs of others that tests run where they are to be had: `make test` gets them (`.cargo/test-programs`), or they are installed.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A program, as it will be run: the one that `make test` got, if it did, and else that on the PATH.
pub(crate) fn program(name: &str) -> Command {
    let got = std::env::var_os("TETRARCH_TEST_PROGRAMS").map(|folder| PathBuf::from(folder).join(name));
    Command::new(got.filter(|path| path.exists()).unwrap_or_else(|| name.into()))
}

/// Whether etcdctl is here. Says so if it is not.
pub(crate) fn has_etcdctl() -> bool {
    has("etcdctl", "etcd-client")
}

/// Whether an etcd can be started here, and asked. Says so if not.
pub(crate) fn has_etcd() -> bool {
    has("etcd", "etcd-server") && has_etcdctl()
}

fn has(name: &str, package: &str) -> bool {
    let there = program(name).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        skipped(&format!("`{name}` is not here (Debian's package {package}, which `make test` gets where apt-get is)"));
    }
    there
}

/// Says past the capture of a test's output that it, or the rest of it, did not run: a skipped test passes, and would say nothing otherwise.
pub(crate) fn skipped(why: &str) {
    // The thread is named after the test, unless the tests run one by one.
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let said = format!("SKIPPED, or the rest of it: {test}, since {why}\n");
    drop(std::io::stderr().write_all(said.as_bytes()));
}
