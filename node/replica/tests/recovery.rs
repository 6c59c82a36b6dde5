//! Recovery from journals: every prefix of what an honest replica wrote is a journal that it comes back from, and no list of records
//! whatsoever makes it panic (rules D-1 to D-5).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use support::chain::{Chain, EPOCH};
use support::cluster::Cluster;
use support::id;
use support::machine::Machine;
use tetrarch_replica::{Config, Effects, Input, Record, Replica};
use tetrarch_types::{ReplicaId, Transaction};

/// A run with several views, checkpoints and batches in flight; what each replica ever wrote. `cut` decides who is cut off when.
fn run(cut: &[u8]) -> (Chain, Vec<Vec<(Record, Machine)>>) {
    let mut cluster = Cluster::new(Chain::new(4, 2, 4), |config| config.pipeline = 3);
    for (nonce, cut) in (1..).zip(cut) {
        let client = char::from(b'A' + cut % 3);
        let until = EPOCH.plus(Duration::from_secs(3_000));
        let transaction: Transaction = cluster.chain.transaction(client, nonce, 0, until);
        cluster.ids().for_each(|it| cluster.request(it, std::slice::from_ref(&transaction)));
        cluster.blocks = isolated(cut / 3);
        cluster.pass(Duration::from_millis(700 * u64::from(cut % 5)), true);
    }
    let annals = cluster.nodes.into_iter().map(|node| node.annals).collect();
    (cluster.chain, annals)
}

/// Nobody, one replica, or all of them cannot be heard.
fn isolated(which: u8) -> Vec<support::envelope::Pattern> {
    let of = |from: ReplicaId| support::envelope::Pattern { from: Some(from), ..Default::default() };
    match which % 7 {
        it @ 0..=3 => vec![of(id(usize::from(it)))],
        4 => (0..4).map(|it| of(id(it))).collect(),
        _ => Vec::new(),
    }
}

fn recover(chain: &Chain, who: usize, state: &Machine, records: Vec<Record>) -> Result<Replica, String> {
    let config = Config::new(id(who), Arc::clone(&chain.membership));
    Replica::recover(config, state.applied(), records).map_err(|corrupt| corrupt.to_string())
}

fn start(replica: &mut Replica) {
    let mut effects = Effects::new();
    replica.step(tetrarch_types::Now::default(), Input::Start, &mut effects);
    replica.step(tetrarch_types::Now::default(), Input::Deadline, &mut effects);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_prefix_is_a_journal(cut in prop::collection::vec(any::<u8>(), 1..12)) {
        let (chain, annals) = run(&cut);
        for (who, annals) in annals.into_iter().enumerate() {
            for length in 0..=annals.len() {
                let state = annals[..length].last().map(|(_, state)| state.clone()).unwrap_or_default();
                let records = annals[..length].iter().map(|(record, _)| record.clone()).collect();
                let mut replica = recover(&chain, who, &state, records)
                    .unwrap_or_else(|error| panic!("prefix {length} of replica {who}: {error}"));
                start(&mut replica);
            }
        }
    }

    #[test]
    fn no_journal_makes_recovery_panic(
        cut in prop::collection::vec(any::<u8>(), 1..12),
        picks in prop::collection::vec((any::<Index>(), any::<Index>()), 0..60),
        who in 0..4_usize,
        state in any::<Index>(),
    ) {
        let (chain, annals) = run(&cut);
        let everything: Vec<_> = annals.into_iter().flatten().collect();
        prop_assume!(!everything.is_empty());
        let record = |(index, _): &(Index, Index)| index.get(&everything).0.clone();
        let (_, state) = state.get(&everything);
        if let Ok(mut replica) = recover(&chain, who, state, picks.iter().map(record).collect()) {
            start(&mut replica);
        }
    }
}
