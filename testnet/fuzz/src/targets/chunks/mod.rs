//! Parts of a state to an installation: honest ones, altered ones, ones that nobody asked for, in any order and with crashes between
//! (rules S-1, S-2, S-4, S-5).
//!
//! What is in place at the end is, row by row, the state that the certificate names. Only liars are called liars. As soon as one honest
//! peer answers, it ends.

mod lies;
mod states;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_kv::{Execution, Installation, KvMachine, Retention};
use tetrarch_storage::MemoryStore;
use tetrarch_types::{CheckpointCertificate, ReplicaId, SeqNum, StatePart, Supply, Time, encode};

use super::Reach;
use crate::chain::id;
use crate::choices::Choices;
use crate::trace;
use states::DONOR;

/// Steps of one input at most.
const STEPS: usize = 60;

/// Peers asked; the first never lies.
const PEERS: usize = 3;

/// Answers of an honest peer and waits for it until it must have ended.
const PATIENCE: usize = 500;

/// Memory for one answer: for each of its bytes, and whatever it holds. The states here are small, so that most of it is the tree's.
const FOR_EACH: u64 = 64;
const FIXED: u64 = 4 * 1024 * 1024;

type State = Execution<KvMachine, Arc<MemoryStore>>;
type Parts = Vec<(Prefix, StatePart)>;

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Step {
    /// One of the questions is answered honestly, perhaps with fewer parts or with pages where rows were wanted.
    Answer {
        which: u8,
        rows_up_to: u16,
        parts: u8,
    },
    /// Or with a lie.
    Lie {
        which: u8,
        kind: u8,
        at: u8,
        byte: u8,
    },
    /// Or with an honest answer of which a byte is changed.
    Garbled {
        which: u8,
        at: u16,
        byte: u8,
    },
    /// Something that nobody asked for.
    Unasked {
        from: u8,
        checkpoint: u8,
        nibble: u8,
        depth: u8,
    },
    NoState {
        which: u8,
    },
    Wait {
        millis: u16,
    },
    /// Another checkpoint is the target from now on.
    Turn {
        to: u8,
    },
    /// The process dies and comes back.
    Restart,
}

struct Question {
    to: ReplicaId,
    places: Vec<Prefix>,
    rows_up_to: u32,
    at: Time,
}

struct Scene {
    store: Arc<MemoryStore>,
    state: State,
    installation: Installation,
    target: CheckpointCertificate,
    now: Time,
    /// What was asked and not answered.
    asked: Vec<Question>,
    /// Who ever lied, and who was found out since the last start.
    lied: BTreeSet<ReplicaId>,
    liars: BTreeSet<ReplicaId>,
    installed: usize,
}

pub(super) fn run(data: &[u8]) -> Reach {
    let mut choices = Choices::new(data);
    let from = choices.below(DONOR.stores.len());
    let mut scene = Scene::new(from, choices.below(DONOR.certificates.len()));
    if choices.rarely(4) && states::harm(&scene.store, choices.byte()) {
        assert!(scene.mend(), "damage is found");
    }
    scene.begin();
    let mut steps = 0;
    while let Some(step) = choices.any().filter(|_| steps < STEPS) {
        scene.play(step);
        steps += 1;
    }
    let early = scene.installed > 0;
    scene.end();
    if steps == 0 { Reach::Unread } else { Reach::of(early || !scene.liars.is_empty()) }
}

fn open(store: &Arc<MemoryStore>) -> State {
    Execution::open(KvMachine, store.clone(), &states::membership(), Retention::default()).expect("it was made here")
}

impl Scene {
    /// A replica with the state after so many batches.
    fn new(from: usize, target: usize) -> Self {
        let store = Arc::new(DONOR.stores[from].clone());
        Self {
            state: open(&store),
            store,
            installation: Self::idle(),
            target: DONOR.certificates[target].clone(),
            now: Time::ZERO,
            asked: Vec::new(),
            lied: BTreeSet::new(),
            liars: BTreeSet::new(),
            installed: 0,
        }
    }

    fn idle() -> Installation {
        Installation::new((1..=PEERS).map(id).collect())
    }

    /// What a start does about a state that may be damaged: a transfer trusts the tree of what is in place. Whether it was.
    fn mend(&self) -> bool {
        let mut found = 0;
        self.state.check_state(&mut |_| found += 1).expect("memory can be read");
        if found > 0 {
            self.state.give_up().expect("memory takes every write");
        }
        found > 0
    }

    fn begin(&mut self) {
        let mut events = Vec::new();
        let begun = self.installation.begin(&self.state, self.target.clone(), self.now, &mut events);
        assert_eq!(begun, Ok(()));
        self.see(events);
    }

    fn play(&mut self, step: Step) {
        trace::note("", &step);
        match step {
            Step::Answer { which, rows_up_to, parts } => {
                self.answer(which, |honest| honest.truncate(1 + usize::from(parts)), Some(rows_up_to.into()), false);
            }
            Step::Lie { which, kind, at, byte } => {
                let checkpoint = self.target.seq;
                self.answer(which, |honest| lies::alter(honest, checkpoint, kind, at.into(), byte), None, true);
            }
            Step::Garbled { which, at, byte } => {
                self.answer(which, |honest| lies::garble(honest, at.into(), byte), None, true);
            }
            Step::Unasked { from, checkpoint, nibble, depth } => {
                let parts = vec![lies::unasked(nibble, depth)];
                let checkpoint = SeqNum::new(u64::from(checkpoint % 8));
                // Whether it was asked is the installation's to know; if it was, it is a lie.
                let from = id(2 + usize::from(from) % (PEERS - 1));
                self.lied.insert(from);
                self.arrive(from, Supply::State { checkpoint, parts });
            }
            Step::NoState { which } => {
                if let Some(question) = self.question(which) {
                    // Whatever else it was asked is asked of others.
                    self.asked.retain(|other| other.to != question.to);
                    self.arrive(question.to, Supply::NoState { checkpoint: self.target.seq });
                }
            }
            Step::Wait { millis } => self.wait(Duration::from_millis(millis.into())),
            Step::Turn { to } => self.turn(to.into()),
            Step::Restart => self.restart(),
        }
    }

    /// Takes a question out.
    fn question(&mut self, which: u8) -> Option<Question> {
        let count = self.asked.len();
        (count > 0).then(|| self.asked.remove(usize::from(which) % count))
    }

    /// Answers a question with what is there, changed; an honest peer's answer only if the change is no lie.
    fn answer(&mut self, which: u8, change: impl FnOnce(&mut Parts), rows_up_to: Option<u32>, is_lie: bool) {
        let Some(Question { to: from, places, rows_up_to: wanted, at }) = self.question(which) else { return };
        let checkpoint = self.target.seq;
        let parts = DONOR.parts(checkpoint, &places, rows_up_to.map_or(wanted, |it| it.min(wanted)));
        let honest = parts.expect("the donor keeps every state");
        let mut parts = honest.clone();
        if !is_lie || from != id(1) {
            change(&mut parts);
        }
        if is_lie && parts != honest {
            self.lied.insert(from);
        }
        // Rows in the place of others are a lie that nothing excuses; later, the question may be given up.
        let is_flat = at == self.now && is_flat(&honest, &parts) && !self.liars.contains(&from);
        self.arrive(from, Supply::State { checkpoint, parts });
        assert!(!is_flat || self.liars.contains(&from), "{from} lied and is not found out");
    }

    fn arrive(&mut self, from: ReplicaId, supply: Supply) {
        let length = encode(&supply).len() as u64;
        let mut events = Vec::new();
        let mut arrived = Ok(());
        let peak = allocation_counter::measure(|| {
            arrived = self.installation.arrived(&self.state, self.now, from, supply, &mut events);
        });
        assert!(peak.bytes_max <= FIXED + FOR_EACH * length, "{} bytes for {length}", peak.bytes_max);
        assert_eq!(arrived, Ok(()));
        self.see(events);
    }

    fn wait(&mut self, span: Duration) {
        self.now = self.now.after(span);
        if self.installation.deadline().is_some_and(|due| due <= self.now) {
            let mut events = Vec::new();
            assert_eq!(self.installation.wake(&self.state, self.now, &mut events), Ok(()));
            self.see(events);
        }
    }

    /// A later target takes the place of one that is under way.
    fn turn(&mut self, to: usize) {
        let other = &DONOR.certificates[to % DONOR.certificates.len()];
        if self.installation.deadline().is_some() && other.seq > self.target.seq {
            self.target = other.clone();
            self.asked.clear();
            self.begin();
        }
    }

    fn restart(&mut self) {
        self.state = open(&self.store);
        self.installation = Self::idle();
        self.asked.clear();
        self.liars.clear();
        if self.state.is_damaged() {
            assert_eq!(self.state.install_target().as_ref(), Some(&self.target), "it is noted");
            self.mend();
            self.begin();
        }
    }
}

/// Whether, up to the first difference, the right places were answered, and there with other rows than those that are due.
fn is_flat(honest: &Parts, parts: &Parts) -> bool {
    let first = honest.iter().zip(parts).find(|(due, told)| due != told);
    first.is_some_and(|((due, _), (told, part))| due == told && matches!(part, StatePart::Rows(_)))
}
