//! Replicas that lie, as real processes over real QUIC: in every mode, as backup and as primary, while honest clients go on. All that
//! these were told has to fit one store that does one thing after the other; and whoever is honest again has to count again.

use std::collections::BTreeSet;

use crate::e2e_support::load::Load;
use crate::e2e_support::{Net, block_on};
use tetrarch_kv::Command;
use tetrarch_launcher::{Mode, ReplicaState};

/// Operations that have to be answered while somebody lies.
const WHILE_LYING: usize = 60;

/// What a liar's own report says in a mode, after it was a backup and the primary.
fn deeds(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Equivocate => &["equivocate ", "double-vote "],
        Mode::Silent => &["silent ", "silent-to-clients "],
        Mode::WrongDigest => &["mutate ", "double-vote ", "wrong-reply "],
        Mode::Replay => &["replay "],
        Mode::Slow => &["slow "],
        Mode::Censor => &["censor ", "censor-passed-on "],
        Mode::LieState => &["lie-state "],
        Mode::Flood => &["flood "],
    }
}

#[test]
fn replicas_that_contradict_themselves() {
    live_with(&[Mode::Equivocate, Mode::Replay, Mode::WrongDigest]);
}

#[test]
fn replicas_that_hold_back_or_flood() {
    live_with(&[Mode::Silent, Mode::Slow, Mode::Censor, Mode::Flood]);
}

/// Rounds of one mode, at most. Where the machine is busy elsewhere for a second the others may pass over a liar whose turn it is, and it
/// does nothing as the primary: then there is another round.
const ROUNDS: usize = 3;

/// In each mode one replica after the other lies, until one of them has done all that there is to do.
fn live_with(modes: &[Mode]) {
    let net = Net::up_with_many_checkpoints();
    let load = Load::start(&net);
    let mut liars = BTreeSet::new();
    for (seed, mode) in (1_u64..).zip(modes) {
        let (deeds, mut last) = (deeds(*mode), String::new());
        let has_done_all = (0..ROUNDS).any(|_| {
            last = lie_in_turn(&net, &load, &mut liars, *mode, seed);
            deeds.iter().all(|deed| last.contains(deed))
        });
        assert!(has_done_all, "a liar did all of {deeds:?}: {last}");
    }
    load.end(&net);
    settle(&net);
    if modes.contains(&Mode::Equivocate) {
        assert!(evidence(&net).iter().any(|count| *count > 0), "there are proofs of equivocation on record");
    }
}

/// A replica lies, first as backup, then as primary; then it is honest, and needed. Gives what it says it did.
fn lie_in_turn(net: &Net, load: &Load, liars: &mut BTreeSet<u16>, mode: Mode, seed: u64) -> String {
    let primary = net.primary();
    let liar = (primary + 1) % 4;
    liars.insert(liar);
    lie(net, liar, mode, seed);
    load.goes_on(&format!("the backup {liar} lies, {mode}"), WHILE_LYING);
    depose(net, primary);
    load.goes_on(&format!("the primary {liar} lies, {mode}"), WHILE_LYING);
    let did = repent(net, liar);
    assert_accused(net, liars);
    let other = (liar + 2) % 4;
    net.ok(&["testnet", "kill", &other.to_string()]);
    load.goes_on(&format!("{liar} is honest after {mode}, and needed"), WHILE_LYING);
    net.ok(&["testnet", "start", &other.to_string()]);
    until_honest(net, &[other]);
    did
}

#[test]
fn two_of_seven_lie_together() {
    let net = Net::up_large_with_many_checkpoints(7);
    let load = Load::start(&net);
    for (seed, pair) in [(11, [Mode::Equivocate, Mode::Silent]), (12, [Mode::Censor, Mode::WrongDigest])] {
        let primary = net.primary();
        let other = (primary + 3) % 7;
        lie(&net, primary, pair[0], seed);
        lie(&net, other, pair[1], seed);
        load.goes_on(&format!("{primary} and {other} lie, {pair:?}"), WHILE_LYING);
        net.ok(&["testnet", "start", &primary.to_string()]);
        net.ok(&["testnet", "start", &other.to_string()]);
        until_honest(&net, &[primary, other]);
    }
    load.end(&net);
    settle(&net);
}

#[test]
fn a_replica_comes_back_among_lies_about_the_state() {
    let net = Net::up_with_short_ledgers();
    let load = Load::start(&net);
    load.goes_on("all are honest", WHILE_LYING);
    lie(&net, 2, Mode::LieState, 5);
    net.ok(&["testnet", "kill", "3"]);
    std::fs::remove_dir_all(net.dir().join("replica-3/data")).unwrap();
    load.goes_on("one lies and one is gone", WHILE_LYING);
    net.ok(&["testnet", "start", "3"]);
    until_honest(&net, &[3]);
    load.end(&net);
    let status = net.status();
    assert_eq!(status.replicas[2].words(), "lying: lie-state");
    assert!(status.replicas[3].recovery.as_ref().is_some_and(|it| it.rows_fetched > 0), "{status:?}");
    let (did, deeds) = (repent(&net, 2), deeds(Mode::LieState));
    assert!(deeds.iter().all(|deed| did.contains(deed)), "it did all of {deeds:?}: {did}");
    settle(&net);
}

#[test]
fn a_liar_is_shown_replaced_and_forgotten() {
    let mut net = Net::up(4);
    let corrupted = net.json(&["testnet", "corrupt", "3", "--mode", "replay"]);
    let seed = corrupted["seed"].as_u64().unwrap();
    let status = net.json(&["testnet", "status"]);
    assert_eq!(status["replicas"][3]["state"], "byzantine");
    assert_eq!(status["replicas"][3]["corruption"]["mode"], "replay");
    assert_eq!(status["replicas"][3]["corruption"]["seed"], seed);
    assert!(net.ok(&["testnet", "status"]).contains("lying: replay"));
    assert!(net.log(3).contains(&format!("to lie: replay with seed {seed}")), "{}", net.log(3));

    let second = net.tetrarch(&["testnet", "corrupt", "2", "--mode", "silent", "--seed", "3"]);
    assert!(
        second.code == 0 && second.stderr.contains("2 replicas lie") && second.stderr.contains("tolerates 1"),
        "{second}"
    );
    net.ok(&["testnet", "kill", "2"]);
    net.ok(&["testnet", "start", "2"]);
    net.ok(&["testnet", "kill", "3"]);
    assert_eq!(net.status().replicas[3].words(), "killed");
    net.ok(&["testnet", "corrupt", "3", "--mode", "slow"]);
    assert_eq!(net.status().replicas[3].words(), "lying: slow");
    net.tetrarch(&["testnet", "corrupt", "4", "--mode", "slow"]).assert_failed(2, &["no replica 4"]);
    net.tetrarch(&["testnet", "corrupt", "1", "--mode", "honest"]).assert_failed(2, &["equivocate", "lie-state"]);

    net.down();
    net.start();
    let level = net.until_level();
    assert!(level.replicas.iter().all(|it| it.corruption.is_none()), "a new start is an honest one: {level:?}");
    net.assert_no_panic();
}

#[test]
fn replicas_lie_from_the_start() {
    let mut net = Net::vacant(4);
    let up = |net: &Net, liars: &[&str]| {
        let words = liars.iter().flat_map(|liar| ["--byzantine", liar]);
        net.tetrarch(&["testnet", "up", "-n", "4", "--detach"].into_iter().chain(words).collect::<Vec<_>>())
    };
    up(&net, &["3=honest"]).assert_failed(2, &["3=honest", "K=MODE", "equivocate, silent"]);
    up(&net, &["4=silent"]).assert_failed(2, &["no replica 4", "0 to 3"]);
    up(&net, &["1=silent", "1=slow"]).assert_failed(2, &["names a replica twice"]);

    assert!(!net.dir().exists(), "nothing is made for who is refused");

    net.start_with(&["--byzantine", "3=silent"]);
    net.until("3 lies", |status| status.replicas[3].words() == "lying: silent");
    net.ok(&["kv", "put", "a", "1", "--timeout", "60s"]);
    up(&net, &["2=slow"]).assert_failed(2, &["runs already", "testnet corrupt 2 --mode slow"]);
    net.assert_no_panic();
}

fn lie(net: &Net, replica: u16, mode: Mode, seed: u64) {
    net.ok(&["testnet", "corrupt", &replica.to_string(), "--mode", mode.name(), "--seed", &seed.to_string()]);
    let status = net.status();
    assert_eq!(status.replicas[usize::from(replica)].state, ReplicaState::Byzantine, "{status:?}");
}

/// Pauses the primary until the others have given it up: the next one is the liar's turn. They give it up for something that does
/// not execute; all that the load asks for may have executed already, and lack but the answers of these two. So one more thing is
/// asked for, signed before: with two replicas that do not answer nobody learns which nonce is free.
fn depose(net: &Net, primary: u16) {
    block_on(async {
        let client = net.client();
        let transaction = client.sign(Command::put("deposed", primary.to_string()).encode()).await.unwrap();
        net.ok(&["testnet", "pause", &primary.to_string()]);
        let asking = tokio::spawn(async move { client.submit_signed(transaction).await });
        net.until(&format!("{primary} is not the primary"), |status| status.primary.is_some_and(|it| it != primary));
        net.ok(&["testnet", "resume", &primary.to_string()]);
        asking.await.unwrap().unwrap();
    });
}

/// Makes a liar honest, with clients going on, and gives what it says it did.
fn repent(net: &Net, replica: u16) -> String {
    net.ok(&["testnet", "start", &replica.to_string()]);
    until_honest(net, &[replica]);
    net.log(replica).lines().rev().find(|line| line.contains("what this liar did")).unwrap_or_default().to_owned()
}

/// Until they take part again: one whose votes the others hold and it does not know is silent for a while before (rule A-3).
fn until_honest(net: &Net, replicas: &[u16]) {
    net.until(&format!("{replicas:?} take part again"), |status| {
        replicas.iter().all(|it| status.replicas[usize::from(*it)].state == ReplicaState::Running)
    });
}

/// Some more to do, and everybody has the same.
fn settle(net: &Net) {
    for number in 0..10 {
        net.ok(&["kv", "put", "after", &number.to_string(), "--timeout", "60s"]);
    }
    net.until_level();
    net.until_equal();
    net.assert_no_panic();
}

/// Nobody is accused who never lied.
fn assert_accused(net: &Net, liars: &BTreeSet<u16>) {
    for replica in 0..net.n {
        for line in net.log(replica).lines().filter(|line| line.contains("equivocation: ")) {
            let accused = line.split("accused=").nth(1).and_then(|rest| rest.split_whitespace().next());
            let accused: u16 = accused.unwrap().parse().unwrap();
            assert!(liars.contains(&accused), "replica {replica} accuses an honest one: {line}");
        }
    }
}

/// How many proofs each replica has on record.
fn evidence(net: &Net) -> Vec<u64> {
    block_on(async {
        let client = net.client();
        let statuses = client.statuses().await;
        client.close().await;
        statuses.into_iter().map(|status| status.map_or(0, |status| status.evidence)).collect()
    })
}
