//! What was signed in a replica's name while it lied does not bind it for ever (rules A-3, B-1): it is honest again, votes again, and is heard.

use std::time::Duration;

use crate::support::chain::{Chain, EPOCH};
use crate::support::cluster::Cluster;
use crate::support::envelope::Pattern;
use crate::support::{id, view};
use tetrarch_replica::ReplicaStatus;
use tetrarch_types::{CheckpointCertificate, Payload, ViewChange};

const FAR: u64 = 1_000_000_000;
const LIAR: usize = 3;

fn cluster(n: usize) -> Cluster {
    Cluster::new(Chain::new(n, 2, 4), |config| config.batch_transactions = 1)
}

fn status(cluster: &Cluster, who: usize) -> ReplicaStatus {
    cluster.node(id(who)).replica.as_ref().unwrap().status()
}

/// Clients ask for so much, one after the other.
fn ask(cluster: &mut Cluster, nonces: std::ops::Range<u64>) {
    for nonce in nonces {
        let transaction = cluster.chain.transaction('A', nonce, 0, EPOCH.plus(Duration::from_secs(3_000)));
        cluster.ids().for_each(|it| cluster.request(it, std::slice::from_ref(&transaction)));
        cluster.settle();
    }
}

/// The liar's key signs for far views, and everybody hears of it.
fn say_far(cluster: &mut Cluster) {
    for to in [FAR, FAR - 1, FAR + 1] {
        let moved = ViewChange { view: view(to), stable: CheckpointCertificate::genesis(), prepared: Vec::new() };
        let message = cluster.chain.sign(Payload::ViewChange(moved), id(LIAR));
        let others = cluster.ids().filter(|it| *it != id(LIAR));
        others.for_each(|it| cluster.post(id(LIAR), it, message.clone()));
    }
    cluster.settle();
}

/// The liar starts as an honest replica with an honest journal, and hears what the others hold of it.
fn repent(cluster: &mut Cluster) {
    cluster.crash(id(LIAR));
    cluster.node_mut(id(LIAR)).bereft = true;
    cluster.restart(id(LIAR));
    cluster.settle();
    cluster.pass(Duration::from_secs(1), true);
    let status = status(cluster, LIAR);
    assert!(status.lost && !status.voting, "it spoke and cannot tell: {status:?}");
}

#[test]
fn who_lied_about_far_views_counts_again() {
    for n in [4, 7] {
        let mut cluster = cluster(n);
        ask(&mut cluster, 0..3);
        say_far(&mut cluster);
        repent(&mut cluster);
        ask(&mut cluster, 3..20);
        let cured = status(&cluster, LIAR);
        assert!(cured.voting && !cured.changing, "of {n}: {cured:?}");
        // The primary and all others that need not be there fall: the view changes with the one that lied.
        let f = (n - 1) / 3;
        (0..f).for_each(|it| cluster.crash(id(it)));
        ask(&mut cluster, 20..22);
        cluster.pass(Duration::from_secs(10), true);
        let after = status(&cluster, LIAR);
        assert!(
            after.executed.get() == 22 && after.view >= view(1) && after.view < view(n as u64),
            "of {n}: {after:?}"
        );
    }
}

/// A view in which others are is another matter: there it may have been.
#[test]
fn who_forgot_a_near_view_is_bound_by_it() {
    let mut cluster = cluster(4);
    ask(&mut cluster, 0..2);
    let to = |who: usize| Pattern { to: Some(id(who)), ..Pattern::default() };
    // It times out alone.
    cluster.blocks = vec![to(LIAR)];
    ask(&mut cluster, 2..3);
    cluster.pass(Duration::from_secs(2), true);
    cluster.blocks.clear();
    assert!(status(&cluster, LIAR).changing);
    cluster.crash(id(LIAR));
    cluster.node_mut(id(LIAR)).wipe(false);
    cluster.restart(id(LIAR));
    cluster.settle();
    cluster.pass(Duration::from_secs(1), true);
    let recalled = status(&cluster, LIAR);
    assert!(recalled.lost && recalled.changing && recalled.view == view(1), "{recalled:?}");
}
