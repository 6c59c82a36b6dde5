//! A network for transfers: peers that serve a state, or lie about it, and answers that come late, twice, or never.

use std::cell::Cell;
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::{Branch, Prefix};
use tetrarch_kv::Overlay;
use tetrarch_kv::transfer::{Ask, Local, MAX_FRONTIER, MAX_REQUESTS, Placed, Transfer};
use tetrarch_kv::tree::{branch_at, part, parts, replace};
use tetrarch_storage::{Durability, MemoryStore, Store, StoreError};
use tetrarch_types::{CheckpointCertificate, Fetch, ReplicaId, SeqNum, StatePart, StateRow, Time, limits};

use crate::tree_support::{A, ALL, ROOTED, Rows};

pub(crate) const TARGET: SeqNum = SeqNum::new(128);

pub(crate) fn certificate(seq: SeqNum, state_root: Digest) -> CheckpointCertificate {
    CheckpointCertificate { seq, state_root, votes: Vec::new() }
}

pub(crate) fn ids(count: usize) -> Vec<ReplicaId> {
    (0..count).map(|id| ReplicaId::new(id as u16)).collect()
}

/// Rows of some hundred bytes: a few thousand of them do not fit one part.
pub(crate) fn wide(rows: &Rows) -> Rows {
    rows.iter()
        .map(|(key, value)| (key.clone(), value.iter().copied().cycle().take(value.len() * 10).collect()))
        .collect()
}

/// A store as the state here.
pub(crate) struct Here<'s> {
    pub(crate) store: &'s dyn Store,
    /// Installations, and rows in them.
    pub(crate) installed: Cell<(usize, usize)>,
}

impl<'s> Here<'s> {
    pub(crate) fn new(store: &'s dyn Store) -> Self {
        Self { store, installed: Cell::default() }
    }
}

impl Local for Here<'_> {
    fn branch_at(&self, place: &Prefix) -> Result<Branch, StoreError> {
        branch_at(&self.store, place)
    }

    fn install(&self, places: &[Placed]) -> Result<(), StoreError> {
        let (times, all) = self.installed.get();
        let rows: usize = places.iter().map(|(_, rows)| rows.len()).sum();
        self.installed.set((times + places.len(), all + rows));
        let mut state = Overlay::new(&self.store, &ALL);
        for (place, rows) in places {
            replace(&mut state, &ROOTED, place, rows)?;
        }
        self.store.write(state.into_batch()?, Durability::Buffered)
    }
}

/// How a peer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    Honest,
    /// Changes a value, or a branch of a page.
    Falsifies,
    /// Leaves a row or a branch out.
    LeavesOut,
    /// Adds a row, or a branch.
    Adds,
    /// Serves another state throughout.
    OtherState,
    /// Names another checkpoint.
    OtherCheckpoint,
    Silent,
    HasNothing,
    /// Sends what nobody asked for, before and behind what was.
    Floods,
    /// Repeats earlier answers instead of new ones.
    Repeats,
    /// Answers with one part at a time, and with pages where rows were wanted.
    Drips,
}

impl Conduct {
    pub(crate) const ALL: [Self; 11] = [
        Self::Honest,
        Self::Falsifies,
        Self::LeavesOut,
        Self::Adds,
        Self::OtherState,
        Self::OtherCheckpoint,
        Self::Silent,
        Self::HasNothing,
        Self::Floods,
        Self::Repeats,
        Self::Drips,
    ];

    pub(crate) fn is_lie(self) -> bool {
        matches!(self, Self::Falsifies | Self::LeavesOut | Self::Adds | Self::OtherState)
    }
}

/// What came from a peer.
pub(crate) enum Answer {
    Parts(SeqNum, Vec<(Prefix, StatePart)>),
    NoState(SeqNum),
}

/// A seed's numbers (xorshift64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound.max(1)
    }
}

pub(crate) struct Net<'n> {
    pub(crate) theirs: &'n MemoryStore,
    pub(crate) other: &'n MemoryStore,
    pub(crate) peers: Vec<Conduct>,
    pub(crate) dice: Dice,
    /// Of a hundred answers, how many are lost, and how many come twice.
    pub(crate) lost: usize,
    pub(crate) twice: usize,
    /// How many milliseconds a slow answer takes at most; a request waits for a thousand.
    pub(crate) slow: usize,
    pub(crate) now: Time,
    /// When, from whom, what.
    pub(crate) underway: Vec<(Time, ReplicaId, Answer)>,
    earlier: Vec<Vec<(Prefix, StatePart)>>,
    pub(crate) asks: Vec<Ask>,
    permille: u16,
}

impl<'n> Net<'n> {
    pub(crate) fn new(theirs: &'n MemoryStore, other: &'n MemoryStore, peers: Vec<Conduct>, seed: u64) -> Self {
        Self {
            theirs,
            other,
            peers,
            dice: Dice::new(seed),
            lost: 0,
            twice: 0,
            slow: 3_000,
            now: Time::ZERO,
            underway: Vec::new(),
            earlier: Vec::new(),
            asks: Vec::new(),
            permille: 0,
        }
    }

    /// A transfer from all peers.
    pub(crate) fn transfer(&self, root: Digest) -> Transfer {
        Transfer::new(certificate(TARGET, root), ids(self.peers.len()), self.now)
    }

    /// Runs until the transfer is complete, or this many things happened; whether it is complete.
    pub(crate) fn run(&mut self, transfer: &mut Transfer, here: &Here<'_>, most: usize) -> bool {
        self.permille = 0;
        for _ in 0..most {
            if transfer.is_complete() {
                assert_eq!((transfer.deadline(), transfer.progress().permille), (None, 1_000));
                return true;
            }
            let mut out = Vec::new();
            self.happen(transfer, here, &mut out);
            self.check(transfer, &out);
            out.into_iter().for_each(|ask| self.send(ask));
        }
        transfer.is_complete()
    }

    /// The next answer or deadline.
    fn happen(&mut self, transfer: &mut Transfer, here: &Here<'_>, out: &mut Vec<Ask>) {
        let next = (0..self.underway.len()).min_by_key(|at| self.underway[*at].0);
        let arrival = next.map(|at| self.underway[at].0);
        match (arrival, transfer.deadline()) {
            (arrival, Some(deadline)) if arrival.is_none_or(|arrival| deadline < arrival) => {
                self.now = self.now.max(deadline);
                transfer.on_deadline(here, self.now, out).unwrap();
            }
            (Some(arrival), _) => {
                self.now = self.now.max(arrival);
                match self.underway.swap_remove(next.unwrap()) {
                    (_, from, Answer::Parts(seq, parts)) => {
                        transfer.on_parts(here, self.now, from, seq, parts, out).unwrap();
                    }
                    (_, from, Answer::NoState(seq)) => transfer.on_no_state(self.now, from, seq, out),
                }
            }
            (None, _) => assert!(transfer.is_stuck(), "nothing can happen any more"),
        }
    }

    fn check(&mut self, transfer: &Transfer, out: &[Ask]) {
        assert!(transfer.frontier() <= MAX_FRONTIER);
        for (id, conduct) in ids(self.peers.len()).into_iter().zip(&self.peers) {
            assert!(transfer.requests(id) <= MAX_REQUESTS);
            assert!(conduct.is_lie() || transfer.liars().all(|liar| liar != id), "{conduct:?} is no lie");
        }
        for Ask { to, fetch } in out {
            let Fetch::State { parts, .. } = fetch else { panic!("{fetch:?}") };
            assert!((1..=limits::MAX_STATE_PARTS).contains(&parts.len()));
            assert!(transfer.liars().all(|liar| liar != *to));
        }
        let progress = transfer.progress();
        assert!(progress.permille >= self.permille && progress.permille <= 1_000);
        assert_eq!(progress.liars as usize, transfer.liars().count());
        self.permille = progress.permille;
    }

    fn send(&mut self, ask: Ask) {
        let conduct = self.peers[ask.to.index()];
        let Fetch::State { checkpoint, parts, rows_up_to } = &ask.fetch else { unreachable!() };
        for answer in self.answers(conduct, *checkpoint, parts, *rows_up_to as usize) {
            if self.dice.below(100) < self.lost {
                continue;
            }
            let comes_twice = self.dice.below(100) < self.twice;
            if let (Answer::Parts(seq, parts), true) = (&answer, comes_twice) {
                self.arrive(ask.to, Answer::Parts(*seq, parts.clone()));
            }
            self.arrive(ask.to, answer);
        }
        self.asks.push(ask);
    }

    /// In any order: later ones may come sooner, and some too late.
    fn arrive(&mut self, from: ReplicaId, answer: Answer) {
        let slow = if self.dice.below(50) == 0 { self.slow } else { 400 };
        let delay = Duration::from_millis(1 + self.dice.below(slow) as u64);
        self.underway.push((self.now.after(delay), from, answer));
    }

    fn answers(&mut self, conduct: Conduct, seq: SeqNum, asked: &[Prefix], rows_up_to: usize) -> Vec<Answer> {
        let served = if conduct == Conduct::OtherState { self.other } else { self.theirs };
        let mut honest = parts(served, &ROOTED, asked, rows_up_to).unwrap();
        match conduct {
            Conduct::Silent => return vec![],
            Conduct::HasNothing => return vec![Answer::NoState(seq)],
            Conduct::OtherCheckpoint => return vec![Answer::Parts(seq.next(), honest), Answer::NoState(seq.next())],
            Conduct::Falsifies | Conduct::LeavesOut | Conduct::Adds => {
                let at = self.dice.below(honest.len());
                falsify(conduct, &mut honest[at].1, &mut self.dice);
            }
            Conduct::Floods => return self.flood(seq, honest),
            Conduct::Repeats => {
                self.earlier.push(honest);
                let at = self.dice.below(self.earlier.len());
                honest = self.earlier[at].clone();
            }
            Conduct::Drips => {
                let at = self.dice.below(honest.len());
                let place = honest[at].0.clone();
                let small = part(served, &ROOTED, &place, 0).unwrap();
                honest = vec![(place, small)];
            }
            Conduct::Honest | Conduct::OtherState => {}
        }
        vec![Answer::Parts(seq, honest)]
    }

    fn flood(&mut self, seq: SeqNum, honest: Vec<(Prefix, StatePart)>) -> Vec<Answer> {
        let places = (0..16).map(|nibble| Prefix::ROOT.child(nibble).child(nibble ^ 5).child(1).child(2).child(3));
        let junk = |place| (place, StatePart::Rows(vec![StateRow { table: "x".into(), key: vec![1], value: vec![2] }]));
        let unasked: Vec<_> =
            places.map(junk).filter(|(place, _)| honest.iter().all(|(asked, _)| asked != place)).collect();
        // One that others are being asked for is junk all the same: it was not asked of this one.
        let mixed = [unasked.clone(), honest, unasked.clone()].concat();
        vec![Answer::Parts(SeqNum::ZERO, unasked.clone()), Answer::Parts(seq, mixed), Answer::NoState(SeqNum::ZERO)]
    }
}

/// Makes a part one that is not due.
fn falsify(conduct: Conduct, part: &mut StatePart, dice: &mut Dice) {
    let stray = StateRow { table: A.name().to_owned(), key: b"invented".to_vec(), value: vec![1] };
    match part {
        StatePart::Rows(rows) if rows.is_empty() || conduct == Conduct::Adds => rows.push(stray),
        StatePart::Rows(rows) => {
            let at = dice.below(rows.len());
            if conduct == Conduct::LeavesOut { drop(rows.remove(at)) } else { rows[at].value.push(0) }
        }
        StatePart::Page(page) => {
            let is_empty = |branch: &&mut Branch| (**branch == Branch::Empty) == (conduct == Conduct::Adds);
            let mut fitting: Vec<&mut Branch> = page.0.iter_mut().filter(is_empty).collect();
            let at = dice.below(fitting.len());
            let forged = Branch::Node(Digest::from_bytes([9; 32]));
            match fitting.get_mut(at) {
                Some(branch) if conduct == Conduct::LeavesOut => **branch = Branch::Empty,
                Some(branch) => **branch = forged,
                None => page.0[0] = forged,
            }
        }
    }
}
