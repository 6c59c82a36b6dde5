//! What liars answer to a replica that asks what they hold of it (rules ): they may leave out, not invent. Nothing that they
//! say makes an honest replica take its records for lost, or a silent one wait for longer than its own signatures demand.

use std::time::Duration;

use crate::support::chain::{Chain, EPOCH};
use crate::support::cluster::Cluster;
use crate::support::{id, seq, view};
use proptest::prelude::*;
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_replica::{Input, ReplicaStatus};
use tetrarch_types::{
    Checkpoint, CheckpointCertificate, Commit, Held, HeldVote, Message, Payload, Prepare, ReplicaId, SeqNum, StatePart,
    Supply, ViewChange,
};

const WINDOW: u64 = 4;
const ASKER: usize = 2;
const LIAR: usize = 3;

#[derive(Clone, Debug)]
struct Lie {
    kind: u8,
    start: u64,
    number: u64,
    pick: usize,
}

fn lie() -> impl Strategy<Value = Lie> {
    let number = prop_oneof![3 => 0..20_u64, 1 => (u64::MAX - 9)..=u64::MAX];
    (0..9_u8, 0..4_u64, number, any::<usize>()).prop_map(|(kind, start, number, pick)| Lie {
        kind,
        start,
        number,
        pick,
    })
}

/// A cluster that decided a few batches, and what the asker signed.
fn scene(batches: u64) -> (Cluster, Vec<HeldVote>) {
    let mut cluster = Cluster::new(Chain::new(4, 2, WINDOW), |config| config.batch_transactions = 1);
    for nonce in 0..batches {
        ask(&mut cluster, nonce);
    }
    // Nobody answers the same member twice at once.
    cluster.pass(Duration::from_secs(1), true);
    let votes = cluster.sent.iter().filter_map(|message| match message {
        Message::Prepare(it) if it.signer == id(ASKER) => Some(HeldVote::Prepare(it.clone())),
        Message::Commit(it) if it.signer == id(ASKER) => Some(HeldVote::Commit(it.clone())),
        _ => None,
    });
    let votes = votes.collect();
    (cluster, votes)
}

/// A client asks; how far the asker executed then.
fn ask(cluster: &mut Cluster, nonce: u64) -> SeqNum {
    let transaction = cluster.chain.transaction('A', nonce, 0, EPOCH.plus(Duration::from_secs(3_000)));
    cluster.ids().for_each(|it| cluster.request(it, std::slice::from_ref(&transaction)));
    cluster.settle();
    status(cluster).executed
}

fn status(cluster: &Cluster) -> ReplicaStatus {
    cluster.node(id(ASKER)).replica.as_ref().unwrap().status()
}

/// What the liar says. The asker's own signatures are all that it has of the asker.
fn say(chain: &Chain, lie: &Lie, votes: &[HeldVote]) -> Message {
    let digest = Digest::from_bytes([0xcc; 32]);
    let of =
        |who: ReplicaId| HeldVote::Prepare(chain.signed(Prepare { view: view(0), seq: seq(lie.number), digest }, who));
    let picked: Vec<HeldVote> = votes.get(lie.pick % votes.len().max(1)).cloned().into_iter().collect();
    let stable = if lie.kind == 4 { certificate(chain, lie.number) } else { CheckpointCertificate::genesis() };
    let (about, votes) = match lie.kind {
        // Its own votes, as those of the asker and as its own.
        1 => (id(ASKER), vec![of(id(LIAR))]),
        2 => (id(LIAR), vec![of(id(LIAR))]),
        // What the asker did sign.
        3 => (id(ASKER), picked),
        // A vote that somebody else signed in the asker's name.
        5 => (id(ASKER), vec![stolen(chain, lie)]),
        _ => (id(ASKER), Vec::new()),
    };
    let moved = ViewChange { view: view(lie.number), stable: CheckpointCertificate::genesis(), prepared: Vec::new() };
    let view_change = (lie.kind == 6).then(|| Box::new(chain.signed(moved, id(LIAR))));
    let supply = match lie.kind {
        7 => Supply::NoState { checkpoint: seq(lie.number) },
        8 => {
            let part = (Prefix::ROOT, StatePart::Rows(Vec::new()));
            Supply::State { checkpoint: seq(lie.number), parts: vec![part] }
        }
        _ => Supply::Held(Held { about, start: lie.start, view: view(lie.number), stable, votes, view_change }),
    };
    chain.sign(Payload::Supply(supply), id(LIAR))
}

fn stolen(chain: &Chain, lie: &Lie) -> HeldVote {
    let commit = Commit { view: view(0), seq: seq(lie.number), digest: Digest::ZERO };
    let mut signed = chain.signed(commit, id(LIAR));
    signed.signer = id(ASKER);
    HeldVote::Commit(signed)
}

/// A checkpoint that too few vouch for.
fn certificate(chain: &Chain, number: u64) -> CheckpointCertificate {
    let (seq, state_root) = (seq(number / 2 * 2), Digest::from_bytes([0xcc; 32]));
    let votes = chain.votes(&Checkpoint { seq, state_root }, chain.membership.quorum() - 1, None);
    CheckpointCertificate { seq, state_root, votes }
}

fn hear(cluster: &mut Cluster, lie: &Lie, votes: &[HeldVote]) {
    let message = say(&cluster.chain, lie, votes);
    // Most of it does not even verify.
    if let Some(message) = cluster.chain.try_verified(message) {
        cluster.turn(id(ASKER), vec![Input::Message(message)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_talked_into_a_loss(
        batches in 0..8_u64, lies in prop::collection::vec(lie(), 1..20), early: bool
    ) {
        let (mut cluster, votes) = scene(batches);
        cluster.crash(id(ASKER));
        cluster.crash(id(LIAR));
        cluster.restart(id(ASKER));
        if !early {
            cluster.answer_held(id(ASKER));
        }
        lies.iter().for_each(|lie| hear(&mut cluster, lie, &votes));
        cluster.answer_held(id(ASKER));
        let status = status(&cluster);
        prop_assert!(status.voting && !status.lost && status.transferring.is_none(), "{status:?}");
        // Nor is it talked into abstaining (rule A-4): without the liar, the others need its votes.
        let known = ask(&mut cluster, batches);
        prop_assert_eq!(known, seq(batches + 1));
    }

    #[test]
    fn nobody_is_talked_into_a_longer_silence(
        batches in 0..8_u64, lies in prop::collection::vec(lie(), 1..20)
    ) {
        let (mut cluster, votes) = scene(batches);
        cluster.crash(id(ASKER));
        cluster.crash(id(LIAR));
        cluster.node_mut(id(ASKER)).wipe(true);
        cluster.restart(id(ASKER));
        cluster.answer_held(id(ASKER));
        let before = status(&cluster);
        prop_assert!(before.lost && before.silent_until.is_some());
        lies.iter().for_each(|lie| hear(&mut cluster, lie, &votes));
        let after = status(&cluster);
        let signed = votes.iter().map(|vote| vote.place().1.plus(WINDOW)).max();
        prop_assert!(after.silent_until <= before.silent_until.max(signed), "{before:?} {after:?}");
        prop_assert!(after.silent_until >= before.silent_until, "nothing makes the wait shorter");
        prop_assert!(after.lost && !after.voting && after.view == before.view);
    }
}
