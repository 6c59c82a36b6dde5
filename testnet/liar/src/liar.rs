//! The liar: what stands at the node's network seam.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tetrarch_adversary::{Adversary, Keyring, Setting, Word};
use tetrarch_chance::Rng;
use tetrarch_server::{Identity, Mouth, Seam};
use tetrarch_types::{Fetch, Message, ReplicaId, Response, Supply, Transaction, TransactionId};

use crate::flood::Flood;
use crate::later::Later;
use crate::{Corruption, Mode};

/// Bodies that a censor asked for and so lets pass, at most.
const ASKED: usize = 4_096;

/// An adversary with a clock, shared between the node's threads and its own.
pub(crate) struct Liar {
    mind: Mutex<Mind>,
    /// Something is due earlier than it was, or nothing will be any more.
    woken: Condvar,
}

/// All that the liar knows.
pub(crate) struct Mind {
    pub(crate) corruption: Corruption,
    pub(crate) flood: Option<Flood>,
    pub(crate) later: Later,
    pub(crate) is_over: bool,
    adversary: Adversary,
    /// How long a slow one waits before it says anything.
    delay: Duration,
    asked: BTreeSet<TransactionId>,
    mouth: Option<Mouth>,
    /// How often each habit was followed.
    habits: BTreeMap<&'static str, u64>,
}

impl Liar {
    /// The liar in the place of this member. `base_timeout` is the others' patience. None if the adversary does not take the key.
    pub(crate) fn new(identity: &Identity, corruption: Corruption, base_timeout: Duration) -> Option<Self> {
        let mut rng = Rng::new(corruption.seed);
        let (id, membership) = (identity.id(), Arc::clone(identity.membership()));
        let keyring = Keyring { membership, keys: [(id, Arc::new(identity.key().clone()) as _)].into() };
        let setting = Setting { timeout: base_timeout, ..Setting::default() };
        let flood = (corruption.mode == Mode::Flood).then(|| Flood::new(identity.clone(), rng.fork()));
        let adversary = Adversary::new(id, corruption.mode.lies(), keyring, setting, rng)?;
        let mind = Mind {
            corruption,
            adversary,
            flood,
            // Long enough to cost whoever waits for it as much as it can, with a fifth left for the way there.
            delay: base_timeout * 4 / 5,
            asked: BTreeSet::new(),
            mouth: None,
            later: Later::default(),
            habits: BTreeMap::new(),
            is_over: false,
        };
        Some(Self { mind: Mutex::new(mind), woken: Condvar::new() })
    }

    /// No more is said.
    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.woken.notify_all();
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Mind> {
        // A panic in the middle of a lie leaves a liar: nothing that anybody relies on.
        self.mind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until then, or until something else may be due.
    pub(crate) fn sleep<'a>(&self, mind: MutexGuard<'a, Mind>, until: Instant) -> MutexGuard<'a, Mind> {
        let span = until.saturating_duration_since(Instant::now());
        self.woken.wait_timeout(mind, span).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Seam for Liar {
    fn begin(&self, mouth: Mouth) {
        self.lock().mouth = Some(mouth);
    }

    fn say(&self, to: ReplicaId, message: &Arc<Message>) {
        let mut mind = self.lock();
        let due_before = mind.later.due();
        mind.say(to, message);
        if mind.later.due() != due_before {
            self.woken.notify_one();
        }
    }

    fn answer(&self, response: Response) -> Option<Response> {
        self.lock().answer(response)
    }

    fn hear(&self, message: &Message) -> bool {
        self.lock().hear(message)
    }

    fn admit(&self, transaction: &Transaction) -> bool {
        self.lock().admit(transaction)
    }
}

impl Mind {
    fn say(&mut self, to: ReplicaId, message: &Arc<Message>) {
        match message.as_ref() {
            Message::Status(signed) => self.flood.iter_mut().for_each(|flood| flood.stand_at(signed.payload)),
            Message::Fetch(signed) => self.remember_asked(&signed.payload),
            _ => {}
        }
        for word in self.adversary.say(Word::new(to, Arc::clone(message))) {
            match self.corruption.mode {
                Mode::Silent => self.followed("silent"),
                Mode::Slow => {
                    self.followed("slow");
                    self.keep(Word { after: word.after + self.delay, ..word });
                }
                _ => self.keep(word),
            }
        }
    }

    /// Says a word at once, or when it is due.
    fn keep(&mut self, word: Word) {
        let now = if word.after.is_zero() { Some(word) } else { self.later.keep(Instant::now() + word.after, word) };
        if let Some(word) = now {
            self.utter(word.to, &word.message);
        }
    }

    /// Says it now.
    pub(crate) fn utter(&self, to: ReplicaId, message: &Message) {
        if let Some(mouth) = &self.mouth {
            // A node that has ended has nobody left to say it to.
            let _is_up = mouth.say(to, message);
        }
    }

    fn answer(&mut self, response: Response) -> Option<Response> {
        // How the node is stays visible, or nobody could see what a corrupted one does.
        if matches!(response, Response::Status(_)) {
            return Some(response);
        }
        if self.corruption.mode == Mode::Silent {
            self.followed("silent-to-clients");
            return None;
        }
        Some(self.adversary.answer(response))
    }

    fn hear(&mut self, message: &Message) -> bool {
        if let Message::Supply(signed) = message
            && let Supply::Transactions(passed_on) = &signed.payload
            && self.corruption.mode == Mode::Censor
            && !passed_on.iter().any(|it| self.asked.contains(&it.id()))
            && passed_on.iter().any(|it| self.censors(it))
        {
            self.followed("censor-passed-on");
            return false;
        }
        self.adversary.hear(&Arc::new(message.clone()))
    }

    fn admit(&mut self, transaction: &Transaction) -> bool {
        if self.corruption.mode == Mode::Censor && self.censors(transaction) {
            self.followed("censor");
            return false;
        }
        self.adversary.admit(transaction)
    }

    /// Which half of the clients it does not like is the seed's to say.
    fn censors(&self, transaction: &Transaction) -> bool {
        let first = transaction.body.sender.as_bytes().first().copied().unwrap_or_default();
        (u64::from(first) ^ self.corruption.seed) & 1 == 1
    }

    /// A body that its own node asks for to keep up, it gets: a censor that fell behind would be no danger as a primary.
    fn remember_asked(&mut self, fetch: &Fetch) {
        if let (Mode::Censor, Fetch::Transactions(ids)) = (self.corruption.mode, fetch) {
            self.asked.extend(ids);
            while self.asked.len() > ASKED {
                self.asked.pop_first();
            }
        }
    }

    pub(crate) fn followed(&mut self, habit: &'static str) {
        *self.habits.entry(habit).or_default() += 1;
    }

    /// What it did so far, as in `double-vote 12, equivocate 3`.
    pub(crate) fn deeds(&self) -> String {
        let all: Vec<String> =
            self.adversary.counts().iter().chain(&self.habits).map(|(name, count)| format!("{name} {count}")).collect();
        if all.is_empty() { "nothing yet".to_owned() } else { all.join(", ") }
    }
}
