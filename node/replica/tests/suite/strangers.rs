//! `step` takes everything that verifies (law 2): messages of every kind with every number, also the extreme ones, signed by anyone,
//! with certificates that only a majority of liars could make. It must neither panic nor talk without end.

use std::time::Duration;

use crate::support::chain::{Chain, EPOCH};
use crate::support::id;
use proptest::collection::vec;
use proptest::prelude::*;
use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_replica::{Config, Effect, Effects, Input, Record, Replica};
use tetrarch_types::{
    Applied, Batch, Checkpoint, CheckpointCertificate, Commit, CommitCertificate, CommittedBatch, Fetch, Held,
    HeldVote, Message, Now, Payload, PrePrepare, Prepare, PreparedCertificate, ReplicaId, SeqNum, Signed, StatePart,
    Status, Supply, Time, Timestamp, Transaction, View, ViewChange,
};

/// Small numbers meet each other; the extremes overflow what can.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0..10_u64, 1 => (u64::MAX - 9)..=u64::MAX, 1 => any::<u64>()]
}

fn view() -> impl Strategy<Value = View> {
    number().prop_map(View::new)
}

fn seq() -> impl Strategy<Value = SeqNum> {
    number().prop_map(SeqNum::new)
}

/// What to say, before it is signed. Content comes from a small set, so that digests meet.
#[derive(Clone, Debug)]
struct Saying {
    kind: u8,
    view: View,
    seq: SeqNum,
    content: usize,
    signer: usize,
    stable: u64,
    places: Vec<(View, SeqNum, usize)>,
}

fn saying() -> impl Strategy<Value = Saying> {
    let places = vec((view(), seq(), 0..4_usize), 0..4);
    (0..21_u8, view(), seq(), 0..4_usize, 0..4_usize, prop_oneof![Just(0), number()], places).prop_map(
        |(kind, view, seq, content, signer, stable, places)| Saying {
            kind,
            view,
            seq,
            content,
            signer,
            stable,
            places,
        },
    )
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    None,
    Lost,
    Damaged,
}

struct World {
    chain: Chain,
    transactions: Vec<Transaction>,
}

impl World {
    fn new() -> Self {
        let chain = Chain::new(4, 2, 4);
        let valid_until = EPOCH.plus(Duration::from_secs(600));
        let transactions = [0, 1, 2, u64::MAX].iter().map(|nonce| chain.transaction('A', *nonce, 0, valid_until));
        Self { transactions: transactions.collect(), chain }
    }

    fn batch(&self, content: usize) -> (Batch, Vec<Transaction>) {
        let bodies = self.transactions[..content].to_vec();
        let timestamp = if content == 0 { Timestamp::ZERO } else { EPOCH };
        (Batch { timestamp, transactions: bodies.iter().map(Transaction::id).collect() }, bodies)
    }

    fn digest(&self, content: usize) -> Digest {
        self.batch(content).0.digest()
    }

    fn message(&self, saying: &Saying) -> Message {
        let Saying { view, seq, content, .. } = *saying;
        let digest = self.digest(content);
        let signer = self.signer(saying);
        let (batch, bodies) = self.batch(content);
        let payload = match saying.kind {
            0 | 1 => Payload::PrePrepare { assignment: PrePrepare { view, seq, digest }, batch },
            2 => Payload::Prepare(Prepare { view, seq, digest }),
            3 => Payload::Commit(Commit { view, seq, digest }),
            4 => Payload::Checkpoint(Checkpoint { seq, state_root: digest }),
            5 => Payload::ViewChange(self.view_change(saying)),
            6 | 7 => self.new_view(saying),
            8 => {
                Payload::Status(Status { view, changing: content == 0, executed: seq, stable: seq, slow: content < 2 })
            }
            9 => Payload::Fetch(Fetch::Transactions(batch.transactions)),
            10 => Payload::Fetch(if content == 0 { Fetch::Committed { after: seq } } else { Fetch::Batch(digest) }),
            11 => Payload::Supply(Supply::Transactions(bodies)),
            12 => Payload::Supply(Supply::Batch { batch, transactions: bodies }),
            13 | 14 => Payload::Supply(Supply::Held(self.held(saying))),
            15 => Payload::Fetch(Fetch::Held { start: saying.stable }),
            16 => Payload::Fetch(Fetch::State { checkpoint: seq, parts: vec![Prefix::ROOT], rows_up_to: u32::MAX }),
            17 => Payload::Supply(Supply::NoState { checkpoint: seq }),
            18 => {
                let part = StatePart::Rows(Vec::new());
                Payload::Supply(Supply::State { checkpoint: seq, parts: vec![(Prefix::ROOT, part)] })
            }
            19 => Payload::Supply(Supply::Draft { view, seq, batch }),
            _ => Payload::Supply(Supply::Committed(self.committed(saying))),
        };
        self.chain.sign(payload, signer)
    }

    /// Whoever may sign it.
    fn signer(&self, saying: &Saying) -> ReplicaId {
        match saying.kind {
            0 | 1 | 6 | 7 => self.chain.membership.primary(saying.view),
            _ => id(saying.signer),
        }
    }

    fn stable(&self, saying: &Saying) -> CheckpointCertificate {
        let seq = SeqNum::new(saying.stable / 2 * 2);
        if seq == SeqNum::ZERO {
            return CheckpointCertificate::genesis();
        }
        let state_root = self.digest(saying.content);
        let votes = self.chain.votes(&Checkpoint { seq, state_root }, 3, None);
        CheckpointCertificate { seq, state_root, votes }
    }

    fn view_change(&self, saying: &Saying) -> ViewChange {
        let stable = self.stable(saying);
        let prepared = |(offset, (view, _, content)): (usize, &(View, SeqNum, usize))| -> PreparedCertificate {
            let below = View::new(view.get().min(saying.view.get().saturating_sub(1)));
            self.chain.prepared(below, stable.seq.plus(offset as u64 + 1), self.digest(*content))
        };
        let prepared = saying.places.iter().enumerate().map(prepared).collect();
        ViewChange { view: saying.view, stable, prepared }
    }

    fn new_view(&self, saying: &Saying) -> Payload {
        let one = self.view_change(saying);
        let view_changes: Vec<Signed<ViewChange>> =
            (0..3).map(|signer| self.chain.signed(one.clone(), id(signer))).collect();
        let honest = one.prepared.iter().map(|it| (it.seq, it.digest));
        let lies = saying.places.iter().map(|(_, seq, content)| (*seq, self.digest(*content)));
        let shown: Vec<(SeqNum, Digest)> = if saying.kind == 6 { honest.collect() } else { lies.collect() };
        let view = saying.view;
        let proposals = shown.into_iter().map(|(seq, digest)| PrePrepare { view, seq, digest }).collect();
        Payload::NewView { view, view_changes, proposals }
    }

    /// What its signer pretends to hold of another: with every vote that a majority of liars could have made it sign.
    fn held(&self, saying: &Saying) -> Held {
        let about = id(saying.content);
        let vote = |(view, seq, content): &(View, SeqNum, usize)| {
            let (view, seq, digest) = (*view, *seq, self.digest(*content));
            match content {
                0 => HeldVote::PrePrepare(self.chain.signed(PrePrepare { view, seq, digest }, about)),
                1 => HeldVote::Prepare(self.chain.signed(Prepare { view, seq, digest }, about)),
                _ => HeldVote::Commit(self.chain.signed(Commit { view, seq, digest }, about)),
            }
        };
        let view_change = (saying.kind == 13).then(|| Box::new(self.chain.signed(self.view_change(saying), about)));
        let votes = saying.places.iter().map(vote).collect();
        Held { about, start: saying.view.get() % 2, view: saying.view, stable: self.stable(saying), votes, view_change }
    }

    fn committed(&self, saying: &Saying) -> Vec<CommittedBatch> {
        let one = |(view, seq, content): &(View, SeqNum, usize)| {
            let (batch, transactions) = self.batch(*content);
            let (view, seq, digest) = (*view, *seq, batch.digest());
            let commits = self.chain.votes(&Commit { view, seq, digest }, 3, None);
            CommittedBatch { seq, batch, transactions, certificate: CommitCertificate { view, seq, digest, commits } }
        };
        saying.places.iter().map(one).collect()
    }

    /// A new replica, one that knows of lost records, or one whose state cannot be used.
    fn replica(&self, number: usize, past: Past) -> Replica {
        let config = Config::new(id(number), std::sync::Arc::clone(&self.chain.membership));
        let applied = Applied { damaged: past == Past::Damaged, ..Applied::default() };
        Replica::recover(config, applied, (past == Past::Lost).then_some(Record::Lost)).unwrap()
    }

    /// How the transfer of a state may end, if one is under way.
    fn transferred(&self, target: Option<&CheckpointCertificate>, is_there: bool) -> Option<Input> {
        let certificate = target?.clone();
        let executed = certificate.seq;
        let checkpoints = vec![(executed, certificate.state_root)];
        let applied = Box::new(Applied { executed, checkpoints, ..Applied::default() });
        let gone = Input::StateGone { checkpoint: executed };
        Some(if is_there { Input::StateInstalled { certificate, applied } } else { gone })
    }
}

fn wanted(effect: Effect) -> Option<CheckpointCertificate> {
    if let Effect::FetchState(certificate) = effect { Some(certificate) } else { None }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn step_takes_whatever_verifies(
        who in 0..4_usize,
        past in prop_oneof![Just(Past::None), Just(Past::Lost), Just(Past::Damaged)],
        sayings in vec((saying(), 0..6_u8, 0..3_000_u64), 1..120),
        execution in vec(seq(), 0..8),
    ) {
        let world = World::new();
        let mut replica = world.replica(who, past);
        let mut effects = Effects::new();
        let mut micros = 0;
        let mut target = None;
        replica.step(Now { time: Time::ZERO, clock: EPOCH }, Input::Start, &mut effects);
        for (position, (saying, waiting, millis)) in sayings.iter().enumerate() {
            micros += millis * 1_000;
            let now = Now { time: Time::from_micros(micros), clock: Timestamp::from_micros(EPOCH.as_micros() + micros) };
            // A few do not verify: a PREPARE of the view's primary, certificates outside of what a VIEW-CHANGE may carry.
            let message = world.chain.try_verified(world.message(saying));
            message.into_iter().for_each(|it| replica.step(now, Input::Message(it), &mut effects));
            match waiting {
                0 => replica.step(now, Input::Deadline, &mut effects),
                1 => {
                    let transaction = world.chain.verified_transaction(world.transactions[saying.content].clone());
                    replica.step(now, Input::Request(transaction), &mut effects);
                }
                2 | 3 => {
                    let input = world.transferred(target.as_ref(), *waiting == 2);
                    input.into_iter().for_each(|input| replica.step(now, input, &mut effects));
                }
                _ => {}
            }
            if let Some(seq) = execution.get(position) {
                replica.step(now, Input::Snapshotted { seq: *seq, state_root: world.digest(1) }, &mut effects);
            }
            replica.deadline();
            replica.status();
            let effects = effects.take();
            prop_assert!(effects.len() < 1_000);
            target = effects.into_iter().rev().find_map(wanted).or(target);
        }
    }
}
