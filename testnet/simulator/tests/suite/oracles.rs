//! An oracle that cannot fail is a defect: each of them is shown what must not be, beside what may.

use std::time::Duration;

use crate::support::*;
use tetrarch_crypto::Domain;
use tetrarch_kv::{Command, Executed, Expected, Request};
use tetrarch_replica::{Event, Record, Sizes, ViewChangeReason};
use tetrarch_simulator::client::Flaw;
use tetrarch_simulator::fairness::Fairness;
use tetrarch_simulator::oracles::Statement;
use tetrarch_simulator::sight::Sight;
use tetrarch_simulator::workload::{KvModel, Sequential};
use tetrarch_simulator::{Counters, Options, Profile, Seed, run};
use tetrarch_types::*;

fn good(name: &str, sights: impl IntoIterator<Item = Sight>) {
    assert_eq!(verdict(name, sights), Ok(()), "{name}");
}

fn bad(name: &str, sights: impl IntoIterator<Item = Sight>) {
    assert!(verdict(name, sights).is_err(), "{name} says nothing");
}

#[test]
fn every_oracle_has_a_test_here() {
    let text = include_str!("oracles.rs");
    for oracle in all_oracles() {
        assert!(text.contains(&format!("bad(\"{}\"", oracle.name())), "{}", oracle.name());
    }
}

/// They put signed bytes together by themselves; without a bug these are the bytes that production code signs.
#[test]
fn statements_are_signed_as_the_oracles_say() {
    fn same<T: Statement + Signable>(statement: &T) {
        assert_eq!(statement.signed_bytes(&scope()), statement.signing_bytes(&scope()), "{}", T::TAG);
    }
    let (view, seq, digest) = (view(3), seq(700), digest(9));
    same(&PrePrepare { view, seq, digest });
    same(&Prepare { view, seq, digest });
    same(&Commit { view, seq, digest });
    same(&Checkpoint { seq, state_root: digest });
    same(&Results { seq, root: digest });
    let view_change = view_change(1, 3, vec![prepared(700, 2, digest, [0, 1])]);
    same(&view_change.payload);
    same(&NewView { view, view_changes: vec![view_change], proposals: vec![by(3, PrePrepare { view, seq, digest })] });
    let body = put(7).body;
    assert_eq!(body.signed_bytes(&scope()), Domain::Transaction.signing_bytes(&scope(), &encode(&body)));
}

#[test]
fn agreement_sees_two_batches_at_one_number() {
    let (one, other) = (decided(1, &[put(1)], 0..3), decided(1, &[put(2)], 0..3));
    good("agreement", [executing(0, &one), executing(1, &one)]);
    bad("agreement", [executing(0, &one), executing(1, &other)]);
    let committed = Event::Committed { seq: seq(1), digest: other.batch.digest() };
    bad("agreement", [executing(0, &one), Sight::Observed { by: id(1), event: committed }]);
}

#[test]
fn agreement_sees_gaps_and_repetitions() {
    let (first, third) = (decided(1, &[put(1)], 0..3), decided(3, &[put(3)], 0..3));
    bad("agreement", [executing(0, &first), executing(0, &third)]);
    bad("agreement", [executing(0, &first), executing(0, &first)]);
    let restarted = Sight::Restarted { by: id(0), executed: seq(0) };
    good("agreement", [executing(0, &first), restarted, executing(0, &first)]);
}

#[test]
fn validity_sees_what_nobody_signed_or_sent() {
    let sent = put(1);
    good("validity", [issued(&sent), executing(0, &decided(1, std::slice::from_ref(&sent), 0..3))]);
    bad("validity", [executing(0, &decided(1, std::slice::from_ref(&sent), 0..3))]);
    let forged = Transaction { signature: put(2).signature, ..sent.clone() };
    bad("validity", [issued(&sent), executing(0, &decided(1, &[forged], 0..3))]);
    let swapped = CommittedBatch { transactions: vec![put(2)], ..decided(1, std::slice::from_ref(&sent), 0..3) };
    bad("validity", [issued(&sent), issued(&put(2)), executing(0, &swapped)]);
}

#[test]
fn validity_sees_what_has_a_flaw() {
    let batch = |transaction: &Transaction| executing(0, &decided(1, std::slice::from_ref(transaction), 0..3));
    let flawed = Sight::Flawed { transaction: put(1).id(), flaw: Flaw::WeakKey };
    bad("validity", [issued(&put(1)), flawed, batch(&put(1))]);
    let elsewhere = TransactionBody { chain: digest(7), ..put(1).body }.sign(&scope(), &client());
    bad("validity", [issued(&elsewhere), batch(&elsewhere)]);
    let command = vec![0; limits::MAX_COMMAND_BYTES + 1];
    let large = TransactionBody { command, ..put(1).body }.sign(&scope(), &client());
    bad("validity", [issued(&large), batch(&large)]);
}

/// Found by overrun seed 96: each of two batches with one number has answers of its own.
#[test]
fn validity_of_answers_is_judged_up_to_a_fork() {
    let (one, other) = (put(1), put(2));
    let batch =
        |replica, transaction: &Transaction| executing(replica, &decided(1, std::slice::from_ref(transaction), 0..3));
    let answer =
        |replica, transaction| executed(replica, 1, vec![reply(1, transaction, Outcome::Executed(Vec::new()))], None);
    let sent = || [issued(&one), issued(&other), batch(0, &one)];
    good("validity", sent().into_iter().chain([answer(0, &one), batch(1, &other), answer(1, &other)]));
    bad("validity", sent().into_iter().chain([answer(0, &other), batch(1, &other)]));
}

#[test]
fn validity_sees_what_comes_too_late_or_stays_for_too_long() {
    let until = |micros| {
        let valid_until = Timestamp::from_micros(micros);
        TransactionBody { valid_until, ..put(1).body }.sign(&scope(), &client())
    };
    let answered = |transaction: &Transaction, outcome| {
        let batch = decided(1_000, std::slice::from_ref(transaction), 0..3);
        let replies = vec![reply(1_000, transaction, outcome)];
        [issued(transaction), executing(0, &batch), executed(0, 1_000, replies, None)]
    };
    let done = || Outcome::Executed(Vec::new());
    let hour = 3_600_000_000;
    good("validity", answered(&until(1_000), done()));
    bad("validity", answered(&until(999), done()));
    good("validity", answered(&until(999), Outcome::Expired));
    bad("validity", answered(&until(1_000), Outcome::Expired));
    good("validity", answered(&until(hour + 1_000), done()));
    bad("validity", answered(&until(hour + 1_001), done()));
    good("validity", answered(&until(hour + 1_001), Outcome::ValidTooLong));
    bad("validity", answered(&until(hour + 1_000), Outcome::ValidTooLong));
}

#[test]
fn refusals_sees_what_was_ruled_out_and_happens() {
    let refused = |refusal| Sight::Refused { by: id(0), transaction: put(1).id(), refusal };
    let spent = || refused(Refusal::NonceSpent { nonce: 1 });
    let never = || Sight::ToldNever { transaction: put(1).id() };
    let done = || executed(0, 1, vec![reply(1, &put(1), Outcome::Executed(Vec::new()))], None);
    good("refusals", [issued(&put(1)), spent(), never()]);
    good("refusals", [issued(&put(1)), refused(Refusal::Busy), refused(Refusal::NonceContested { nonce: 1 }), done()]);
    bad("refusals", [spent(), done()]);
    bad("refusals", [done(), spent()]);
    bad("refusals", [never(), done()]);
    bad("refusals", [done(), never()]);
}

#[test]
fn refusals_sees_flaws_that_are_none() {
    let flaws = [Refusal::BadSignature, Refusal::WeakKey, Refusal::TooLarge { actual: 1, limit: 2 }];
    for refusal in flaws {
        let refused = Sight::Refused { by: id(0), transaction: put(1).id(), refusal };
        good("refusals", [refused.clone()]);
        bad("refusals", [issued(&put(1)), refused]);
    }
}

#[test]
fn exactly_once_sees_repeated_transactions_and_nonces() {
    let (one, same_nonce) = (put(1), transaction(1, &Command::delete("key")));
    let carried_out = |at, transaction: &Transaction| {
        let batch = executing(0, &decided(at, std::slice::from_ref(transaction), 0..3));
        [batch, executed(0, at, vec![reply(at, transaction, Outcome::Expired)], None)]
    };
    good("exactly-once", [carried_out(1, &one), carried_out(1, &one)].concat());
    bad("exactly-once", [carried_out(1, &one), carried_out(2, &one)].concat());
    bad("exactly-once", [carried_out(1, &one), carried_out(2, &same_nonce)].concat());
    bad("exactly-once", [executed(0, 1, vec![reply(1, &one, Outcome::Expired)], None)]);
}

#[test]
fn one_result_sees_replicas_that_differ() {
    let answered = |replica, outcome| executed(replica, 1, vec![reply(1, &put(1), outcome)], None);
    good("one-result", [answered(0, Outcome::Expired), answered(1, Outcome::Expired)]);
    bad("one-result", [answered(0, Outcome::Expired), answered(1, Outcome::ValidTooLong)]);
}

#[test]
fn equal_roots_sees_different_states() {
    let at = |replica, root| executed(replica, 4, Vec::new(), Some(digest(root)));
    let said = |root| sent(1, Message::Checkpoint(by(1, Checkpoint { seq: seq(4), state_root: digest(root) })));
    good("equal-roots", [at(0, 1), at(1, 1), said(1)]);
    bad("equal-roots", [at(0, 1), at(1, 2)]);
    bad("equal-roots", [at(0, 1), said(2)]);
    let event = Event::Stable { seq: seq(4), state_root: digest(2) };
    bad("equal-roots", [at(0, 1), Sight::Observed { by: id(0), event }]);
}

#[test]
fn no_divergence_sees_a_replica_that_finds_itself_wrong() {
    let event = Event::Diverged { seq: seq(4), own: digest(1), agreed: digest(2) };
    bad("no-divergence", [Sight::Observed { by: id(0), event }]);
}

fn accusation(evidence: Evidence) -> Sight {
    Sight::Observed { by: id(0), event: Event::Equivocation(Box::new(evidence)) }
}

#[test]
fn no_honest_accused_sees_false_accusations() {
    let vote = |replica, byte| by(replica, Commit { view: view(0), seq: seq(1), digest: digest(byte) });
    good("no-honest-accused", [accusation(Evidence::Commit(vote(LIAR, 1), vote(LIAR, 2)))]);
    bad("no-honest-accused", [accusation(Evidence::Commit(vote(1, 1), vote(1, 2)))]);
    bad("no-honest-accused", [accusation(Evidence::Commit(vote(LIAR, 1), vote(LIAR, 1)))]);
    let forged = Signed { signature: vote(LIAR, 1).signature, ..vote(LIAR, 2) };
    bad("no-honest-accused", [accusation(Evidence::Commit(vote(LIAR, 1), forged))]);
}

#[test]
fn certificates_sees_too_few_repeated_and_forged_commits() {
    good("certificates", [executing(0, &decided(1, &[put(1)], 0..3))]);
    bad("certificates", [executing(0, &decided(1, &[put(1)], 0..2))]);
    let mut repeated = decided(1, &[put(1)], 0..2);
    repeated.certificate.commits.push(repeated.certificate.commits[1]);
    bad("certificates", [executing(0, &repeated)]);
    let mut forged = decided(1, &[put(1)], 0..3);
    forged.certificate.commits[2].1 = forged.certificate.commits[1].1;
    bad("certificates", [executing(0, &forged)]);
    let another = CommittedBatch { batch: Batch::noop(), ..decided(1, &[put(1)], 0..3) };
    bad("certificates", [executing(0, &another)]);
}

#[test]
fn certificates_sees_bad_prepared_and_stable_ones() {
    let recorded = |record| Sight::Recorded { by: id(0), record };
    let with = |backups: &[u16]| recorded(Record::Prepared(prepared(1, 0, digest(1), backups.iter().copied())));
    good("certificates", [with(&[1, 2])]);
    bad("certificates", [with(&[1])]);
    bad("certificates", [with(&[0, 1])]);
    let stable = |at, signers| {
        let checkpoint = Checkpoint { seq: seq(at), state_root: digest(1) };
        let votes = votes(checkpoint, 0..signers);
        recorded(Record::Stable(CheckpointCertificate { seq: seq(at), state_root: digest(1), votes }))
    };
    good("certificates", [stable(4, 3)]);
    bad("certificates", [stable(4, 2)]);
    bad("certificates", [stable(5, 3)]);
    let hidden = view_change(0, 1, vec![prepared(1, 0, digest(1), [1])]);
    bad("certificates", [sent(0, Message::ViewChange(hidden))]);
}

/// A NEW-VIEW of replica 1 with these re-proposals, after one replica prepared 2 at number 2.
fn new_view(proposals: &[(u64, tetrarch_crypto::Digest)]) -> Sight {
    let prepared = prepared(2, 0, digest(2), [1, 2]);
    let view_changes = vec![view_change(0, 1, vec![prepared]), view_change(1, 1, vec![]), view_change(2, 1, vec![])];
    let proposed = |at, digest| by(1, PrePrepare { view: view(1), seq: seq(at), digest });
    let proposals = proposals.iter().map(|(at, digest)| proposed(*at, *digest)).collect();
    let new_view = by(1, NewView { view: view(1), view_changes, proposals });
    Sight::Recorded { by: id(0), record: Record::Entered(new_view) }
}

#[test]
fn new_views_sees_re_proposals_that_do_not_follow() {
    let noop = Batch::noop().digest();
    good("new-views", [new_view(&[(1, noop), (2, digest(2))])]);
    for wrong in [&[(1, noop)][..], &[], &[(1, noop), (2, noop)], &[(2, digest(2))], &[(1, digest(1)), (2, digest(2))]]
    {
        bad("new-views", [new_view(wrong)]);
    }
}

fn committed(replica: u16, of: u64, byte: u8) -> Sight {
    sent(replica, Message::Commit(by(replica, Commit { view: view(of), seq: seq(1), digest: digest(byte) })))
}

fn accepted(replica: u16, of: u64, byte: u8) -> Sight {
    sent(replica, Message::Prepare(by(replica, Prepare { view: view(of), seq: seq(1), digest: digest(byte) })))
}

fn moved(replica: u16, to: u64, prepared: Vec<PreparedCertificate>) -> Sight {
    sent(replica, Message::ViewChange(view_change(replica, to, prepared)))
}

#[test]
fn promises_sees_two_voices() {
    good("promises", [accepted(1, 0, 1), committed(1, 0, 1), accepted(1, 4, 2), accepted(1, 0, 1)]);
    bad("promises", [accepted(1, 0, 1), accepted(1, 0, 2)]);
    bad("promises", [committed(1, 0, 1), committed(1, 0, 2)]);
    bad("promises", [accepted(1, 0, 1), committed(1, 0, 2)]);
    let said = |root| sent(1, Message::Checkpoint(by(1, Checkpoint { seq: seq(4), state_root: digest(root) })));
    bad("promises", [said(1), said(2)]);
}

#[test]
fn promises_sees_votes_in_a_view_that_was_given_up() {
    bad("promises", [moved(1, 1, vec![]), accepted(1, 0, 1)]);
    bad("promises", [accepted(1, 0, 1), moved(1, 1, vec![]), committed(1, 0, 1)]);
    good("promises", [accepted(1, 0, 1), moved(1, 1, vec![]), accepted(1, 0, 1)]);
}

#[test]
fn promises_sees_what_a_replica_says_after_a_loss_that_it_knows_of() {
    let forgot = |shows| Sight::Forgot { by: id(1), shows };
    good("promises", [moved(1, 1, vec![]), forgot(true), accepted(1, 0, 1)]);
    bad("promises", [accepted(1, 0, 1), forgot(true), accepted(1, 0, 2)]);
    bad("promises", [forgot(true), moved(1, 1, vec![]), accepted(1, 0, 1)]);
    good("promises", [accepted(1, 0, 1), forgot(false), accepted(1, 0, 2)]);
}

#[test]
fn agreed_time_sees_stamps_from_the_future() {
    let second = 1_000_000;
    let stamped = |stamp| {
        let latest = Timestamp::from_micros(100 * second);
        Sight::Stamped { by: id(1), seq: seq(1), stamp: Timestamp::from_micros(stamp), latest }
    };
    good("agreed-time", [stamped(110 * second), stamped(90 * second)]);
    bad("agreed-time", [stamped(110 * second + 1)]);
}

#[test]
fn one_result_sees_more_than_whether_there_was_room_for_a_snapshot() {
    let full = tetrarch_storage::StoreError::Full { doing: String::new(), reason: String::new() };
    let without = |mut sight: Sight, root| {
        if let Sight::Executed { executed, .. } = &mut sight {
            executed.snapshot_error = Some(full.clone());
            executed.checkpoint = Some(digest(root));
        }
        sight
    };
    let with = executed(0, 4, Vec::new(), Some(digest(1)));
    good("one-result", [with.clone(), without(executed(1, 4, Vec::new(), None), 1)]);
    bad("one-result", [with, without(executed(1, 4, Vec::new(), None), 2)]);
}

#[test]
fn one_result_and_leaving_see_who_gives_a_view_up_for_its_primary_to_give_way() {
    let asked = |replica, leaves| match executed(replica, 1, Vec::new(), None) {
        Sight::Executed { by, executed } => Sight::Executed { by, executed: Executed { leaves, ..executed } },
        other => other,
    };
    let moving = |replica, to| {
        let event = Event::ViewChangeStarted { view: view(to), reason: ViewChangeReason::Asked };
        Sight::Observed { by: id(replica), event }
    };
    good("one-result", [asked(0, Some(view(3))), asked(1, Some(view(3)))]);
    bad("one-result", [asked(0, Some(view(3))), asked(1, None)]);
    good("leaving", [asked(0, Some(view(3))), moving(0, 4)]);
    bad("leaving", [asked(0, Some(view(3))), moving(1, 4)]);
    bad("leaving", [asked(0, Some(view(3))), moving(0, 3)]);
    bad("leaving", [moving(0, 1)]);
}

#[test]
fn promises_sees_a_view_that_starts_twice() {
    let start = |proposals: &[u8]| {
        let proposed = |byte: &u8| by(1, PrePrepare { view: view(1), seq: seq(1), digest: digest(*byte) });
        let proposals = proposals.iter().map(proposed).collect();
        sent(1, Message::NewView(by(1, NewView { view: view(1), view_changes: vec![], proposals })))
    };
    bad("promises", [start(&[]), start(&[1])]);
    bad("promises", [start(&[1]), start(&[2])]);
}

#[test]
fn durable_first_sees_votes_without_a_record() {
    let certificate = prepared(1, 0, digest(1), [1, 2]);
    let recorded = Sight::Recorded { by: id(1), record: Record::Prepared(certificate) };
    good("durable-first", [recorded.clone(), committed(1, 0, 1)]);
    bad("durable-first", [committed(1, 0, 1), recorded.clone()]);
    bad("durable-first", [recorded, committed(2, 0, 1)]);
    bad("durable-first", [accepted(1, 0, 1)]);
    bad("durable-first", [moved(1, 1, vec![])]);
}

/// A replica tells clients what batch 1 comes to, prepared in a view.
fn told_early(replica: u16, of: u64, root: u8) -> Sight {
    let results = TentativeResults { view: view(of), seq: seq(1), root: digest(root) };
    Sight::ToldEarly { by: id(replica), results }
}

#[test]
fn durable_first_sees_clients_told_without_a_record() {
    let recorded = Sight::Recorded { by: id(1), record: Record::Prepared(prepared(1, 0, digest(1), [1, 2])) };
    good("durable-first", [recorded.clone(), told_early(1, 0, 7)]);
    bad("durable-first", [told_early(1, 0, 7), recorded.clone()]);
    bad("durable-first", [recorded.clone(), told_early(1, 1, 7)]);
    bad("durable-first", [recorded, told_early(2, 0, 7)]);
}

#[test]
fn tentative_sees_what_clients_may_believe_and_does_not_come_true() {
    let came = |replica| executed(replica, 1, Vec::new(), None);
    // What `executed` comes to has the root 0.
    good("tentative", [told_early(1, 0, 0), told_early(2, 0, 0), came(3)]);
    good("tentative", [told_early(1, 0, 7), came(3), told_early(2, 1, 7)]);
    bad("tentative", [told_early(1, 0, 7), told_early(2, 0, 7), came(3)]);
    bad("tentative", [came(3), told_early(1, 0, 7), told_early(2, 0, 7)]);
    good("one-result", [told_early(1, 0, 7), told_early(2, 0, 7), told_early(3, 1, 8)]);
    bad("one-result", [told_early(1, 0, 7), told_early(2, 0, 8)]);
    // A later view prepared something else, although as many had told this as there are honest ones in a quorum.
    let twice = |of, root| [told_early(1, of, root), told_early(2, of, root)];
    good("tentative", twice(0, 7).into_iter().chain(twice(1, 7)));
    bad("tentative", twice(0, 7).into_iter().chain(twice(1, 8)));
    // Who forgot without knowing it is one of the f: the other one alone convinces nobody.
    let forgot = |shows| Sight::Forgot { by: id(1), shows };
    good("tentative", [forgot(false)].into_iter().chain(twice(0, 7)).chain([came(3)]));
    bad("tentative", [forgot(true)].into_iter().chain(twice(0, 7)).chain([came(3)]));
}

#[test]
fn memory_sees_a_hidden_commit() {
    let certificate = |of, byte| prepared(1, of, digest(byte), []);
    good("memory", [committed(1, 0, 1), moved(1, 1, vec![certificate(0, 1)])]);
    bad("memory", [committed(1, 0, 1), moved(1, 1, vec![])]);
    bad("memory", [committed(1, 0, 1), moved(1, 1, vec![certificate(0, 2)])]);
    bad("memory", [committed(1, 1, 1), moved(1, 2, vec![certificate(0, 1)])]);
    good("memory", [committed(1, 0, 1), moved(1, 2, vec![certificate(1, 2)])]);
}

#[test]
fn watermarks_sees_votes_far_above_the_stable_checkpoint() {
    let vote = |at| sent(1, Message::Commit(by(1, Commit { view: view(0), seq: seq(at), digest: digest(1) })));
    let certificate = CheckpointCertificate { seq: seq(4), state_root: digest(1), votes: vec![] };
    let stable = Sight::Recorded { by: id(1), record: Record::Stable(certificate) };
    good("watermarks", [vote(8), stable.clone(), vote(12)]);
    bad("watermarks", [vote(9), stable.clone()]);
    bad("watermarks", [stable, vote(13)]);
    bad("watermarks", [sent(1, Message::Prepare(by(1, Prepare { view: view(0), seq: seq(9), digest: digest(1) })))]);
}

#[test]
fn durability_sees_lost_and_changed_answers() {
    let kept = |reply| Sight::Kept { by: id(0), transaction: put(1).id(), reply };
    let answer = told(1, &put(1), Outcome::Expired);
    good("durability", [answer.clone(), kept(Some(reply(1, &put(1), Outcome::Expired)))]);
    bad("durability", [answer.clone(), kept(None)]);
    bad("durability", [answer.clone(), kept(Some(reply(2, &put(1), Outcome::Expired)))]);
    bad("durability", [answer.clone(), kept(Some(reply(1, &put(1), Outcome::ValidTooLong)))]);
    bad("durability", [answer, told(1, &put(1), Outcome::ValidTooLong)]);
}

#[test]
fn real_time_order_sees_an_answer_from_before_the_question() {
    let (first, second) = (put(1), put(2));
    let asked_first = [issued(&first), told(5, &first, Outcome::Expired), issued(&second)];
    let then = |at| [&asked_first[..], &[told(at, &second, Outcome::Expired)]].concat();
    good("real-time-order", then(6));
    bad("real-time-order", then(5));
    bad("real-time-order", then(4));
}

#[test]
fn history_sees_answers_that_the_order_does_not_give() {
    let transactions = [put(1), put(2)];
    let batch = decided(1, &transactions, 0..3);
    let results = results([&transactions[0], &transactions[1]]);
    let answered =
        |which: usize, at, outcome: &Outcome| [executing(0, &batch), told(at, &transactions[which], outcome.clone())];
    good("history", answered(0, 1, &results[0]));
    good("history", answered(1, 1, &results[1]));
    bad("history", answered(0, 1, &results[1]));
    bad("history", answered(0, 2, &results[0]));
    bad("history", answered(0, 1, &Outcome::Expired));
    bad("history", [told(1, &put(3), results[0].clone())]);
}

/// What a nonce far ahead pushes out of the window is decided and not carried out.
#[test]
fn history_knows_which_nonces_are_too_old() {
    let (far, old) = (put(9_000), put(1));
    let batch = decided(1, &[far.clone(), old.clone()], 0..3);
    let [first, second] = results([&far, &old]);
    good("history", [executing(0, &batch), told(1, &far, first)]);
    bad("history", [executing(0, &batch), told(1, &old, second)]);
}

/// The results of commands, one after the other, on a store of their own.
fn results<const N: usize>(commands: [&Transaction; N]) -> [Outcome; N] {
    let mut model = KvModel::default();
    commands.map(|it| Outcome::Executed(Sequential::execute(&mut model, &it.body.command)))
}

#[test]
fn linearizability_sees_stale_reads() {
    let (write, read) = (put(1), transaction(2, &Command::get("key")));
    let [written, seen] = results([&write, &read]);
    let [unseen, _] = results([&read, &write]);
    let asked = |answer: &Outcome| {
        [issued(&write), told(1, &write, written.clone()), issued(&read), told(1, &read, answer.clone())]
    };
    good("linearizability", asked(&seen));
    bad("linearizability", asked(&unseen));
    // At the same time, either may come first.
    for answer in [&seen, &unseen] {
        let write_told = told(1, &write, written.clone());
        good("linearizability", [issued(&write), issued(&read), told(1, &read, answer.clone()), write_told]);
    }
}

#[test]
fn linearizability_sees_lost_updates_and_halves() {
    let create = |nonce| transaction(nonce, &Command::compare_and_swap("key", Expected::Absent, Some(vec![1])));
    let (one, other) = (create(1), create(2));
    let [won, lost] = results([&one, &other]);
    let both =
        |answer: &Outcome| [issued(&one), issued(&other), told(1, &one, won.clone()), told(1, &other, answer.clone())];
    good("linearizability", both(&lost));
    bad("linearizability", both(&won));
    let pair = transaction(3, &Command::new([Request::put("a", [1]), Request::put("b", [1])]));
    let half = transaction(4, &Command::put("a", [1]));
    let look = transaction(5, &Command::new([Request::get("a"), Request::get("b")]));
    let [done, whole] = results([&pair, &look]);
    let [_, torn] = results([&half, &look]);
    let seen =
        |answer: &Outcome| [issued(&pair), issued(&look), told(1, &look, answer.clone()), told(1, &pair, done.clone())];
    good("linearizability", seen(&whole));
    bad("linearizability", seen(&torn));
}

#[test]
fn linearizability_sees_through_unknown_outcomes() {
    let (write, read, again) = (put(1), transaction(2, &Command::get("key")), transaction(3, &Command::get("key")));
    let [_, seen] = results([&write, &read]);
    let [unseen, _] = results([&read, &write]);
    let unanswered = |first: &Outcome, second: &Outcome| {
        let reads = [issued(&read), told(1, &read, first.clone()), issued(&again), told(1, &again, second.clone())];
        [vec![issued(&write)], reads.to_vec()].concat()
    };
    good("linearizability", unanswered(&unseen, &unseen));
    good("linearizability", unanswered(&unseen, &seen));
    good("linearizability", unanswered(&seen, &seen));
    bad("linearizability", unanswered(&seen, &unseen));
    // Not before it was asked; and not at all once its client was told that it never happens.
    bad("linearizability", [issued(&read), told(1, &read, seen.clone()), issued(&write)]);
    let never = Sight::ToldNever { transaction: write.id() };
    bad("linearizability", [issued(&write), never, issued(&read), told(1, &read, seen)]);
}

#[test]
fn contract_sees_a_machine_that_a_fresh_one_contradicts() {
    good("contract", [executed(1, 1, Vec::new(), None)]);
    bad("contract", [Sight::Misbehaved { by: id(1), what: "at transaction 0 of batch 1".to_owned() }]);
}

#[test]
fn invariant_sees_what_the_workload_says_of_a_state() {
    let judged = |verdict| Sight::Judged { by: id(1), seq: seq(1), verdict };
    good("invariant", [judged(Ok(()))]);
    bad("invariant", [judged(Err("the sum is 3 and must be 2".to_owned()))]);
}

#[test]
fn liveness_sees_who_is_not_well_in_time() {
    let hasty = Options { profile: Profile::Calm, heal_within: Some(Duration::ZERO), ..Options::default() };
    let failures = (0..3).filter_map(|seed| run(Seed::new(seed), &hasty).failure);
    assert!(failures.map(|failure| failure.oracle).any(|oracle| oracle == "liveness"));
}

/// What `decided` gives, but decided in view 1.
fn decided_later(at: u64, transactions: &[Transaction], deciders: std::ops::Range<u16>) -> CommittedBatch {
    let mut batch = decided(at, transactions, deciders.clone());
    let (view, seq, digest) = (view(1), seq(at), batch.batch.digest());
    batch.certificate.view = view;
    batch.certificate.commits = votes(Commit { view, seq, digest }, deciders);
    batch
}

#[test]
fn accountability_sees_forks_that_convict_the_wrong_ones_or_nobody() {
    let (one, other) = (decided(1, &[put(1)], 0..3), decided(1, &[put(2)], 1..4));
    good("accountability", [executing(0, &one), executing(1, &one)]);
    // Replicas 1 and 2, who are honest, signed both.
    bad("accountability", [executing(0, &one), executing(1, &other)]);
    // Nobody shows how view 1 came to another decision.
    let later = decided_later(1, &[put(2)], 1..4);
    bad("accountability", [executing(0, &one), executing(1, &later)]);
    let started = |hiding: &[u16]| {
        let view_changes = hiding.iter().map(|replica| view_change(*replica, 1, vec![])).collect();
        sent(1, Message::NewView(by(1, NewView { view: view(1), view_changes, proposals: vec![] })))
    };
    // One liar alone cannot have done it.
    bad("accountability", [executing(0, &decided(1, &[put(1)], 1..4)), started(&[0, 3]), executing(1, &later)]);
}

#[test]
fn silence_sees_who_forgot_and_speaks_and_who_only_believes_so() {
    let vote = || sent(0, Message::Prepare(by(0, Prepare { view: view(1), seq: seq(1), digest: digest(1) })));
    let forgot = |shows| Sight::Forgot { by: id(0), shows };
    let recorded = |record| Sight::Recorded { by: id(0), record };
    good("silence", [vote()]);
    good("silence", [forgot(true), recorded(Record::Lost), recorded(Record::Cured), vote()]);
    good("silence", [forgot(false), vote(), recorded(Record::Lost)]);
    bad("silence", [forgot(true), vote()]);
    bad("silence", [forgot(true), recorded(Record::Lost), vote()]);
    bad("silence", [recorded(Record::Lost)]);
}

/// What a replica of four holds at most, with a window of 8 and the pool of the rules here, in its first view.
fn held(change: impl Fn(&mut Sizes), journal: u64) -> Sight {
    let mut sizes = Sizes::default();
    change(&mut sizes);
    Sight::Held { by: id(0), sizes, journal, stable: seq(0) }
}

#[test]
fn bounds_sees_what_is_too_much() {
    let most = |it: &mut Sizes| {
        (it.slots, it.batches, it.votes, it.asked, it.testimony) = (16, 80, 128, 16, 96);
        (it.view_changes, it.checkpoints, it.roots, it.peers) = (8, 32, 64, 4);
        (it.pool, it.pool_bytes, it.pool_of_sender) = (20, 2_000, 8);
        it.largest_batch_bytes = limits::MAX_BATCH_BYTES;
    };
    good("bounds", [held(most, 136)]);
    let one_more: [fn(&mut Sizes); 15] = [
        |it| it.slots += 1,
        |it| it.batches += 1,
        |it| it.votes += 1,
        |it| it.asked += 1,
        |it| it.testimony += 1,
        |it| it.view_changes += 1,
        |it| it.checkpoints += 1,
        |it| it.roots += 1,
        |it| it.peers += 1,
        |it| it.pool += 1,
        |it| it.pool_bytes += 1,
        |it| it.pool_of_sender += 1,
        |it| it.largest_batch_bytes += 1,
        |it| it.named = 80 * 1_024 + 1,
        |it| it.senders += 1,
    ];
    for more in one_more {
        bad("bounds", [held(|it| [most, more].iter().for_each(|change| change(it)), 0)]);
    }
    bad("bounds", [held(|_| {}, 137)]);
}

#[test]
fn bounds_knows_views_and_senders() {
    let moved = Event::ViewChangeStarted { view: view(1), reason: ViewChangeReason::NoProgress };
    let moved = Sight::Observed { by: id(0), event: moved };
    good("bounds", [moved.clone(), held(|it| it.batches = 112, 137)]);
    bad("bounds", [moved.clone(), held(|it| it.batches = 113, 0)]);
    // A view of long ago explains nothing any more.
    let sizes = Sizes { batches: 112, ..Sizes::default() };
    bad("bounds", [moved, Sight::Held { by: id(0), sizes, journal: 0, stable: seq(17) }]);
    good("bounds", [issued(&put(1)), held(|it| it.senders = 1, 0)]);
    bad("bounds", [issued(&put(1)), issued(&put(2)), held(|it| it.senders = 2, 0)]);
}

#[test]
fn replay_from_genesis_sees_other_roots_and_other_ends() {
    let batches: Vec<CommittedBatch> = (1..=6).map(|at| decided(at, &[put(at)], 0..3)).collect();
    let (roots, ends) = replayed(&batches);
    let seen = || batches.iter().map(|batch| executing(0, batch)).collect::<Vec<_>>();
    let with = |sights: &[Sight]| [seen(), sights.to_vec()].concat();
    let root = |at: u64, root| executed(0, at, Vec::new(), Some(root));
    let ended = |at: u64, state| Sight::Ended { by: id(0), executed: seq(at), state };
    assert_eq!((roots.len(), ends.len()), (1, 6), "one checkpoint is due, at 4");
    good("replay-from-genesis", with(&[root(4, roots[&4]), ended(5, ends[&5]), ended(6, ends[&6])]));
    bad("replay-from-genesis", with(&[root(4, digest(1))]));
    bad("replay-from-genesis", with(&[root(5, roots[&4])]));
    bad("replay-from-genesis", with(&[ended(6, ends[&5])]));
    bad("replay-from-genesis", with(&[ended(7, ends[&6])]));
    bad("replay-from-genesis", [executing(0, &batches[1])]);
}

#[test]
fn fairness_counts_who_was_overtaken() {
    let transactions: Vec<Transaction> = (0..12).map(put).collect();
    let mut fairness = Fairness::default();
    transactions.iter().for_each(|transaction| fairness.ask(transaction.id()));
    let late = [&transactions[1..], &transactions[..1]].concat();
    fairness.order(&decided(1, &late[..6], 0..3));
    fairness.order(&decided(2, &late[6..], 0..3));
    fairness.order(&decided(2, &late[..6], 0..3));
    let figures = fairness.figures();
    let expected = [
        ("ordered", 12),
        ("overtaken-by-more-than-0", 1),
        ("overtaken-by-more-than-8", 1),
        ("overtaken-by-more-than-64", 0),
    ];
    assert_eq!(figures, Counters::from(expected));
}
