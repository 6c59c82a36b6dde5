//! Client libraries that nobody changed, against a gateway over a store in memory.
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

mod client_programs;
mod support;

use client_programs::ClientProgram;
use support::Running;

fn run(program: ClientProgram) -> String {
    let gateway = Running::local();
    program.run("127.0.0.1", gateway.address.port())
}

#[test]
fn the_crate_etcd_client() {
    let Some(program) = ClientProgram::etcd_client() else { return };
    let done = run(program);
    assert!(done.ends_with("maintenance\n"), "it did all: {done}");
}

#[test]
fn pythons_etcd3() {
    let Some(program) = ClientProgram::etcd3() else { return };
    let done = run(program);
    assert!(done.ends_with("locks\n"), "it did all: {done}");
}
