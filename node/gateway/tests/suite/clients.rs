//! Client libraries that nobody changed, against a gateway over a store in memory.

use crate::client_programs::ClientProgram;
use crate::support::Running;

fn run(program: ClientProgram) {
    let gateway = Running::local();
    program.run("127.0.0.1", gateway.address.port());
}

#[test]
fn the_crate_etcd_client() {
    let Some(program) = ClientProgram::etcd_client() else { return };
    run(program);
}

#[test]
fn pythons_etcd3() {
    let Some(program) = ClientProgram::etcd3() else { return };
    run(program);
}
