//! Recovery from journals: every prefix of what an honest replica wrote is a journal that it comes back from, and no list of records
//! whatsoever makes it panic (rules D-1 to D-5). One that comes back with less than it wrote hears of that from the others (rule A-1).

use std::sync::Arc;
use std::time::Duration;

use crate::support::chain::{Chain, EPOCH};
use crate::support::cluster::Cluster;
use crate::support::machine::Machine;
use crate::support::shown;
use crate::support::{self, id};
use proptest::prelude::*;
use proptest::sample::Index;
use tetrarch_crypto::Digest;
use tetrarch_replica::{Config, Effect, Effects, Input, Record, Replica};
use tetrarch_types::{
    Batch, Checkpoint, CheckpointCertificate, Commit, Held, HeldVote, NewView, Now, Payload, PrePrepare, Prepare,
    ReplicaId, SeqNum, Supply, Time, Transaction, View, ViewChange,
};

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
    let config = Config { batch_spacing: Duration::ZERO, ..Config::new(id(who), Arc::clone(&chain.membership)) };
    Replica::recover(config, state.applied(), records).map_err(|corrupt| corrupt.to_string())
}

fn start(replica: &mut Replica) {
    let mut effects = Effects::new();
    replica.step(Now::default(), Input::Start, &mut effects);
    replica.step(Now::default(), Input::Deadline, &mut effects);
}

/// What a record stands for towards the others.
#[derive(Clone, Debug)]
enum Said {
    Vote(HeldVote),
    Moved(View),
}

impl Said {
    fn view(&self) -> View {
        match self {
            Self::Vote(vote) => vote.place().0,
            Self::Moved(view) => *view,
        }
    }
}

/// What a replica signed once its record was durable.
fn said(chain: &Chain, who: ReplicaId, record: &Record) -> Option<Said> {
    let pre_prepare = |view, seq, digest| HeldVote::PrePrepare(chain.signed(PrePrepare { view, seq, digest }, who));
    let prepare = |view, seq, digest: Digest| HeldVote::Prepare(chain.signed(Prepare { view, seq, digest }, who));
    match record {
        Record::Proposed { view, seq, batch, .. } => Some(Said::Vote(pre_prepare(*view, *seq, batch.digest()))),
        // The primary's own assignment stands for its PREPARE.
        Record::Accepted { view, seq, batch, .. } if chain.membership.primary(*view) == who => {
            Some(Said::Vote(pre_prepare(*view, *seq, batch.digest())))
        }
        Record::Accepted { view, seq, batch, .. } | Record::Drafted { view, seq, batch, .. } => {
            Some(Said::Vote(prepare(*view, *seq, batch.digest())))
        }
        Record::Prepared(it) => {
            let commit = Commit { view: it.view, seq: it.seq, digest: it.digest };
            Some(Said::Vote(HeldVote::Commit(chain.signed(commit, who))))
        }
        Record::ViewChanging { view } => Some(Said::Moved(*view)),
        _ => None,
    }
}

/// Whether a list of records tells of something said; what a checkpoint covers needs no telling, nor what was assigned in a view left.
fn tells(chain: &Chain, who: ReplicaId, records: &[Record], said: &Said) -> bool {
    let view = records.iter().map(view_of).max().unwrap_or_default();
    match said {
        Said::Moved(to) => *to <= view,
        Said::Vote(vote) => {
            let is_left = matches!(vote, HeldVote::PrePrepare(_)) && vote.place().0 < view;
            let is_same = |it: &Record| matches!(self::said(chain, who, it), Some(Said::Vote(told)) if told == *vote);
            vote.place().1 <= shown::stable(records)
                || is_left
                || shown::shows_vote(records, who, vote)
                || records.iter().any(is_same)
        }
    }
}

/// The view that a record led to.
const fn view_of(record: &Record) -> View {
    match record {
        Record::ViewChanging { view } => *view,
        Record::Entered(new_view) => new_view.payload.view,
        _ => View::ZERO,
    }
}

/// The truthful answer of a member that holds just this.
fn answer(chain: &Chain, from: ReplicaId, about: ReplicaId, view: View, said: &[Said]) -> Input {
    let stable = CheckpointCertificate::genesis();
    let vote = |it: &Said| if let Said::Vote(vote) = it { Some(vote.clone()) } else { None };
    let moved = said.iter().filter_map(|it| if let Said::Moved(view) = it { Some(*view) } else { None }).max();
    let view_change = moved.map(|view| {
        let it = ViewChange { view, stable: CheckpointCertificate::genesis(), prepared: Vec::new() };
        Box::new(chain.signed(it, about))
    });
    let held = Held { about, start: 0, view, stable, votes: said.iter().filter_map(vote).collect(), view_change };
    Input::Message(chain.verified(chain.sign(Payload::Supply(Supply::Held(held)), from)))
}

/// Starts a replica again; q - 1 others answer, the last of them with all of this.
fn start_and_hear(chain: &Chain, replica: &mut Replica, who: ReplicaId, held: &[Said]) {
    start(replica);
    let others: Vec<ReplicaId> = chain.ids().filter(|it| *it != who).take(chain.membership.quorum() - 1).collect();
    // Where it moved they are as well.
    let view = held.iter().map(Said::view).max().unwrap_or_default();
    for (position, from) in others.iter().enumerate() {
        let held = if position + 1 == others.len() { held } else { &[] };
        replica.step(Now::default(), answer(chain, *from, who, view, held), &mut Effects::new());
    }
}

/// What a member may hold at a time: of each number the latest votes, above the checkpoint.
fn latest(chain: &Chain, who: ReplicaId, records: &[Record]) -> Vec<Said> {
    let stable = shown::stable(records);
    let mut votes: std::collections::BTreeMap<(SeqNum, u8), Said> = std::collections::BTreeMap::new();
    let mut moved = None;
    for it in records.iter().filter_map(|record| said(chain, who, record)) {
        match &it {
            Said::Vote(vote) if vote.place().1 > stable => {
                let kind = match vote {
                    HeldVote::PrePrepare(_) => 0,
                    HeldVote::Prepare(_) => 1,
                    HeldVote::Commit(_) => 2,
                };
                votes.insert((vote.place().1, kind), it);
            }
            Said::Vote(_) => {}
            Said::Moved(_) => moved = Some(it),
        }
    }
    votes.into_values().chain(moved).collect()
}

/// Found by fuzzing: the proposals of the earlier view, with its primary's signatures, passed for those of the later one.
#[test]
fn a_view_entered_behind_a_later_one_is_no_journal() {
    let chain = Chain::new(4, 2, 4);
    let entered = |number: &u64| {
        let view = View::new(*number);
        let new_view = NewView { view, view_changes: Vec::new(), proposals: Vec::new() };
        Record::Entered(chain.signed(new_view, chain.membership.primary(view)))
    };
    let views = |numbers: &[u64]| {
        let records = numbers.iter().map(entered).collect();
        recover(&chain, 0, &Machine::default(), records).map(|replica| replica.status().view)
    };
    assert_eq!(views(&[2, 3, 3]), Ok(View::new(3)), "written again at a checkpoint");
    assert!(views(&[3, 2]).unwrap_err().contains("a view entered behind a later one"));
}

/// A NEW-VIEW of a view that proposes no-ops up to a number; nobody asks here whether they follow from anything.
fn new_view(chain: &Chain, view: View, top: u64) -> NewView {
    let propose = |seq| PrePrepare { view, seq: SeqNum::new(seq), digest: Batch::noop().digest() };
    let proposals = (1..=top).map(|seq| chain.signed(propose(seq), chain.membership.primary(view)));
    NewView { view, view_changes: Vec::new(), proposals: proposals.collect() }
}

fn entered(chain: &Chain, view: View, top: u64) -> Record {
    Record::Entered(chain.signed(new_view(chain, view, top), chain.membership.primary(view)))
}

fn starting(chain: &Chain, view: View, top: u64) -> Record {
    let NewView { view_changes, proposals, .. } = new_view(chain, view, top);
    let proposals = proposals.into_iter().map(|it| it.payload).collect();
    Record::Starting(Payload::NewView { view, view_changes, proposals })
}

/// Found by fuzzing: the proposals of one NEW-VIEW were assigned, and the numbers behind those of the other were assigned again.
#[test]
fn a_view_entered_by_two_new_views_is_no_journal() {
    let chain = Chain::new(4, 2, 4);
    let (view, later) = (View::new(1), View::new(2));
    let status = |records: Vec<Record>| recover(&chain, 1, &Machine::default(), records).map(|it| it.status().view);
    let entered = |top| entered(&chain, view, top);
    assert_eq!(status(vec![entered(2), entered(2)]), Ok(view), "written again at a checkpoint");
    let moving = Record::ViewChanging { view: later };
    assert_eq!(status(vec![entered(2), moving.clone(), entered(2)]), Ok(later), "and below a view change");
    assert_eq!(status(vec![moving.clone(), entered(2)]), Ok(later), "whose first record is gone");
    for between in [Vec::new(), vec![Record::ViewChanging { view }], vec![moving]] {
        for (one, other) in [(0, 2), (2, 0)] {
            let records = [vec![entered(one)], between.clone(), vec![entered(other)]].concat();
            assert!(status(records).unwrap_err().contains("a view entered by two NEW-VIEWs"));
        }
    }
}

/// Found by fuzzing: what stood behind the NEW-VIEW of the view that it starts was passed over, as if it had never been said.
#[test]
fn a_view_is_started_once_and_while_it_is_moved_to() {
    let chain = Chain::new(4, 2, 4);
    let (view, later) = (View::new(1), View::new(2));
    let status = |records: Vec<Record>| recover(&chain, 1, &Machine::default(), records).map(|it| it.status().changing);
    let (starting, entered) = (|top| starting(&chain, view, top), |top| entered(&chain, view, top));
    let (to, on) = (Record::ViewChanging { view }, Record::ViewChanging { view: later });
    assert_eq!(
        status(vec![to.clone(), starting(2), to.clone(), starting(2)]),
        Ok(true),
        "written again at a checkpoint"
    );
    assert_eq!(status(vec![to.clone(), starting(2), entered(2)]), Ok(false));
    assert_eq!(status(vec![to.clone(), starting(2), on.clone()]), Ok(true), "given up");
    let refusal = |records: Vec<Record>| status(records).unwrap_err();
    assert!(refusal(vec![to.clone(), starting(2), starting(0)]).contains("a view started by two NEW-VIEWs"));
    for records in [vec![starting(2)], vec![entered(0), starting(2)], vec![to, on, starting(2)]] {
        assert!(refusal(records).contains("a view started that was not being moved to"));
    }
}

/// Found by fuzzing: a draft in the view that is being moved to was forgotten, and another batch prepared there.
#[test]
fn a_vote_in_a_view_that_is_only_moved_to_is_no_journal() {
    let chain = Chain::new(4, 2, 4);
    let (view, seq, later) = (View::new(1), SeqNum::new(1), View::new(2));
    let (batch, transactions) = (Batch::noop(), Vec::new());
    let pre_prepare = chain.signature(&PrePrepare { view, seq, digest: batch.digest() }, id(1));
    let votes = [
        Record::Drafted { view, seq, batch: batch.clone(), transactions: transactions.clone() },
        Record::Accepted { view, seq, pre_prepare, batch: batch.clone(), transactions },
        Record::Prepared(chain.prepared(view, seq, batch.digest())),
    ];
    for vote in votes {
        let of = |records: Vec<Record>| recover(&chain, 3, &Machine::default(), records).map(|it| it.status().view);
        let (to, on) = (Record::ViewChanging { view }, Record::ViewChanging { view: later });
        for records in [vec![vote.clone(), to.clone()], vec![to.clone(), vote.clone()]] {
            assert!(of(records).unwrap_err().contains("a vote in a view that was never entered"));
        }
        assert_eq!(of(vec![to, entered(&chain, view, 0), vote.clone(), on]), Ok(later), "a view that was left");
        assert_eq!(of(vec![vote, entered(&chain, view, 0)]), Ok(view), "what tells of it was written again");
    }
}

/// A state below a stable checkpoint counts as lost: whoever writes that record must have synced what was executed before.
#[test]
fn only_votes_about_numbers_stand_alone() {
    let chain = Chain::new(4, 2, 4);
    let (view, seq, batch) = (View::new(1), SeqNum::new(1), Batch::noop());
    let pre_prepare = chain.signature(&PrePrepare { view, seq, digest: batch.digest() }, id(1));
    let votes = [
        Record::Proposed { view, seq, batch: batch.clone(), transactions: Vec::new() },
        Record::Drafted { view, seq, batch: batch.clone(), transactions: Vec::new() },
        Record::Prepared(chain.prepared(view, seq, batch.digest())),
        Record::Accepted { view, seq, pre_prepare, batch, transactions: Vec::new() },
    ];
    assert!(votes.iter().all(Record::stands_alone));
    let stable = Record::Stable(CheckpointCertificate::genesis());
    let others = [stable, entered(&chain, view, 1), starting(&chain, view, 1), Record::ViewChanging { view }];
    assert!(!others.iter().chain(&[Record::Lost, Record::Cured]).any(Record::stands_alone));
}

/// The view behind the last one is the last one: it is not left, and so never entered or started twice. More than f liars can bring a replica
/// that far.
#[test]
fn the_last_view_is_not_left() {
    let chain = Chain::new(4, 2, 4);
    for (number, leaves) in [(u64::MAX - 1, Some(View::new(u64::MAX))), (u64::MAX, None)] {
        let view = View::new(number);
        let moving = vec![Record::ViewChanging { view }];
        for records in [moving, vec![entered(&chain, view, 2)]] {
            let mut replica = recover(&chain, 3, &Machine::default(), records).unwrap();
            start_and_hear(&chain, &mut replica, id(3), &[]);
            // A quorum moves there, so that it waits for the NEW-VIEW; where it has one, for the re-proposals.
            for from in [id(0), id(1), id(3)] {
                let it = ViewChange { view, stable: CheckpointCertificate::genesis(), prepared: Vec::new() };
                let message = chain.verified(chain.sign(Payload::ViewChange(it), from));
                replica.step(Now::default(), Input::Message(message), &mut Effects::new());
            }
            let mut effects = Effects::new();
            let now = Now { time: Time::ZERO.after(Duration::from_secs(600)), clock: EPOCH };
            replica.step(now, Input::Deadline, &mut effects);
            let left = effects.take().into_iter().find_map(|effect| match effect {
                Effect::Persist(Record::ViewChanging { view }) => Some(view),
                _ => None,
            });
            assert_eq!(left, leaves);
            assert!(replica.deadline().is_none_or(|due| due > now.time), "and it rests");
        }
    }
}

/// What a primary assigns when it is asked for something, with `nonce`.
fn assigns(chain: &Chain, replica: &mut Replica, nonce: u64) -> Option<SeqNum> {
    let transaction = chain.transaction('A', nonce, 0, EPOCH.plus(Duration::from_secs(600)));
    let mut effects = Effects::new();
    let now = Now { time: Time::ZERO, clock: EPOCH };
    replica.step(now, Input::Request(chain.verified_transaction(transaction)), &mut effects);
    replica.step(now, Input::Deadline, &mut effects);
    effects.take().into_iter().find_map(|effect| match effect {
        Effect::Persist(Record::Proposed { seq, .. }) => Some(seq),
        _ => None,
    })
}

/// Found by fuzzing: a primary of which only the acceptance of an own assignment is on record does not assign that number again.
#[test]
fn a_number_that_a_record_assigns_is_not_assigned_again() {
    let chain = Chain::new(4, 2, 4);
    let transaction = chain.transaction('A', 1, 0, EPOCH.plus(Duration::from_secs(600)));
    let batch = Batch { timestamp: EPOCH, transactions: vec![transaction.id()] };
    let (view, seq) = (View::ZERO, SeqNum::new(1));
    let pre_prepare = chain.signature(&PrePrepare { view, seq, digest: batch.digest() }, id(0));
    let accepted = Record::Accepted { view, seq, pre_prepare, batch, transactions: vec![transaction] };
    let mut replica = recover(&chain, 0, &Machine::default(), vec![accepted]).unwrap();
    start_and_hear(&chain, &mut replica, id(0), &[]);
    assert_eq!(assigns(&chain, &mut replica, 2), Some(SeqNum::new(2)));
}

/// Found by fuzzing: the number behind the last one is the last one, and was assigned again. More than f liars can certify a checkpoint
/// that far.
#[test]
fn the_last_number_is_not_assigned() {
    let chain = Chain::new(4, 2, 4);
    for (stable, first) in [(u64::MAX - 3, Some(SeqNum::new(u64::MAX - 2))), (u64::MAX - 1, None)] {
        let (seq, state_root) = (SeqNum::new(stable), Digest::ZERO);
        let votes = chain.votes(&Checkpoint { seq, state_root }, 3, None);
        let mut machine = Machine::default();
        machine.executed = seq;
        let records = vec![Record::Stable(CheckpointCertificate { seq, state_root, votes })];
        let mut replica = recover(&chain, 0, &machine, records).unwrap();
        start_and_hear(&chain, &mut replica, id(0), &[]);
        let assigned: Vec<Option<SeqNum>> = (1..4).map(|nonce| assigns(&chain, &mut replica, nonce)).collect();
        assert_eq!(assigned, [first, first.map(SeqNum::next), None]);
    }
}

/// A member that answers, falls, and answers again has forgotten which votes it was sent: what it showed before counts all the same (rule A-3).
#[test]
fn an_answer_that_shows_less_takes_nothing_back() {
    let (chain, who) = (Chain::new(4, 2, 4), id(3));
    let prepare = Prepare { view: View::ZERO, seq: SeqNum::new(4), digest: Digest::ZERO };
    let shown = [Said::Vote(HeldVote::Prepare(chain.signed(prepare, who)))];
    let mut replica = recover(&chain, 3, &Machine::default(), Vec::new()).unwrap();
    start(&mut replica);
    for (from, held) in [(0, shown.as_slice()), (0, &[]), (1, &[])] {
        let answer = answer(&chain, id(from), who, View::ZERO, held);
        replica.step(Now::default(), answer, &mut Effects::new());
    }
    assert_eq!(replica.status().silent_until, Some(SeqNum::new(4 + 4)));
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
    fn a_prefix_that_explains_too_little_is_silent(cut in prop::collection::vec(any::<u8>(), 1..8)) {
        let (chain, annals) = run(&cut);
        for (who, annals) in annals.into_iter().enumerate() {
            let (all, states): (Vec<Record>, Vec<Machine>) = annals.into_iter().unzip();
            for length in 0..=all.len() {
                let (kept, rest) = all.split_at(length);
                let state = length.checked_sub(1).map(|last| states[last].clone()).unwrap_or_default();
                let of = |held: &[Said]| {
                    let mut replica = recover(&chain, who, &state, kept.to_vec()).unwrap();
                    start_and_hear(&chain, &mut replica, id(who), held);
                    replica.status()
                };
                let status = of(&latest(&chain, id(who), kept));
                prop_assert!(status.voting && !status.lost, "prefix {length} of replica {who} explains itself");
                let forgotten = rest.iter().filter_map(|it| said(&chain, id(who), it));
                for said in forgotten.filter(|it| !tells(&chain, id(who), kept, it)).take(4) {
                    let status = of(std::slice::from_ref(&said));
                    prop_assert!(status.lost && !status.voting, "prefix {length} of replica {who} lacks {said:?}");
                    prop_assert!(status.silent_until.is_some());
                }
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
