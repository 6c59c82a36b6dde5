//! Client libraries that nobody changed, against a gateway on a cluster of real processes.

use crate::client_programs::ClientProgram;
use crate::e2e_support::Net;

fn run(program: ClientProgram) {
    let net = Net::up_with_gateway();
    program.run("127.0.0.1", net.gateway().port());
    net.assert_no_panic();
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
