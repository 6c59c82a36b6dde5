//! Whom to ask: what each peer was asked for, and how it has behaved.

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_crypto::state_tree::Prefix;
use tetrarch_types::{ReplicaId, Time};

use super::frontier::Due;

/// Requests in flight to a peer at most.
pub const MAX_REQUESTS: usize = 4;

/// How long a request waits for its answer at first; twice as long behind each time that nothing came.
const PATIENCE: Duration = Duration::from_secs(1);
const MOST_PATIENCE: Duration = Duration::from_secs(8);

/// How long a request keeps what others, who have nothing to do, could be asked for: at the end of a walk, one that says nothing
/// must not keep all the rest waiting.
const HURRY: Duration = Duration::from_millis(250);

/// Failures in a row behind which a peer rests.
const FAILURES: u32 = 3;
/// How long it rests at first; twice as long each time.
const REST: Duration = Duration::from_secs(2);
const LONGEST_REST: Duration = Duration::from_secs(32);

/// Places asked for together.
#[derive(Debug)]
struct Request {
    /// Those that have not come.
    places: Vec<Due>,
    asked: Time,
    expires: Time,
    /// Something of it came: the rest was too much for one answer.
    is_answered: bool,
}

#[derive(Debug)]
struct Peer {
    requests: Vec<Request>,
    /// How often in a row it had nothing or said nothing.
    failures: u32,
    patience: Duration,
    rest: Duration,
    rests_until: Time,
    /// When it was asked last, counted in requests to anyone.
    turn: u64,
    /// Its last word was that it does not hold the target.
    is_without: bool,
    is_liar: bool,
}

impl Peer {
    fn new() -> Self {
        Self {
            requests: Vec::new(),
            failures: 0,
            patience: PATIENCE,
            rest: REST,
            rests_until: Time::ZERO,
            turn: 0,
            is_without: false,
            is_liar: false,
        }
    }

    /// One that failed is asked for one thing at a time, until it answers.
    fn can_be_asked(&self, now: Time) -> bool {
        let most = if self.failures > 0 { 1 } else { MAX_REQUESTS };
        !self.is_liar && self.rests_until <= now && self.requests.len() < most
    }

    fn fail(&mut self, now: Time) {
        self.failures = self.failures.saturating_add(1);
        if self.failures.is_multiple_of(FAILURES) {
            self.rests_until = now.after(self.rest);
            self.rest = (self.rest * 2).min(LONGEST_REST);
        }
    }

    /// All that it was asked for.
    fn give_back(&mut self) -> Vec<Due> {
        self.requests.drain(..).flat_map(|request| request.places).collect()
    }
}

/// The peers of a transfer.
#[derive(Debug)]
pub(super) struct Peers {
    peers: BTreeMap<ReplicaId, Peer>,
    turns: u64,
}

impl Peers {
    pub(super) fn new(ids: Vec<ReplicaId>) -> Self {
        Self { peers: ids.into_iter().map(|id| (id, Peer::new())).collect(), turns: 0 }
    }

    /// The peer to ask next: one that did not fail before others, and then the one that has the least to do; and how many could be
    /// asked.
    pub(super) fn choose(&self, now: Time) -> Option<(ReplicaId, usize)> {
        let able = || self.peers.iter().filter(|(_, peer)| peer.can_be_asked(now));
        let best = able().min_by_key(|(_, peer)| (peer.failures, peer.requests.len(), peer.turn))?;
        Some((*best.0, able().count()))
    }

    /// Remembers what a peer is asked for.
    pub(super) fn ask(&mut self, id: ReplicaId, places: Vec<Due>, now: Time) {
        self.turns += 1;
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.turn = self.turns;
            peer.requests.push(Request { places, asked: now, expires: now.after(peer.patience), is_answered: false });
        }
    }

    /// A place that this peer was asked for and that came from it; none if it was not asked.
    pub(super) fn came(&mut self, id: ReplicaId, place: &Prefix) -> Option<Due> {
        self.peers.get_mut(&id)?.requests.iter_mut().find_map(|request| {
            let at = request.places.iter().position(|due| due.place == *place)?;
            request.is_answered = true;
            Some(request.places.swap_remove(at))
        })
    }

    /// Ends the requests that a peer has answered; what of them did not come.
    pub(super) fn end_answered(&mut self, id: ReplicaId) -> Vec<Due> {
        let Some(peer) = self.peers.get_mut(&id) else { return Vec::new() };
        let answered: Vec<Request> = peer.requests.extract_if(.., |request| request.is_answered).collect();
        if !answered.is_empty() {
            (peer.failures, peer.rest, peer.is_without) = (0, REST, false);
        }
        answered.into_iter().flat_map(|request| request.places).collect()
    }

    /// A peer lied; what else it was asked for.
    pub(super) fn convict(&mut self, id: ReplicaId) -> Vec<Due> {
        let Some(peer) = self.peers.get_mut(&id) else { return Vec::new() };
        peer.is_liar = true;
        peer.give_back()
    }

    /// A peer says that it does not hold the target; what it was asked for. None of it was: then it is not listened to.
    pub(super) fn is_without(&mut self, id: ReplicaId, now: Time) -> Vec<Due> {
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.requests.is_empty()) else { return Vec::new() };
        peer.is_without = true;
        peer.fail(now);
        peer.give_back()
    }

    /// Ends the requests that have waited too long; what they asked for.
    pub(super) fn expire(&mut self, now: Time) -> Vec<Due> {
        let mut expired = Vec::new();
        for peer in self.peers.values_mut() {
            let late: Vec<Request> = peer.requests.extract_if(.., |request| request.expires <= now).collect();
            if !late.is_empty() {
                peer.patience = (peer.patience * 2).min(MOST_PATIENCE);
                peer.fail(now);
            }
            expired.extend(late.into_iter().flat_map(|request| request.places));
        }
        expired
    }

    /// Takes from peers what they have not answered for a while, if others have nothing to do.
    pub(super) fn hurry(&mut self, now: Time) -> Vec<Due> {
        if !self.is_anyone_idle(now) {
            return Vec::new();
        }
        let mut taken = Vec::new();
        for peer in self.peers.values_mut() {
            let slow: Vec<Request> =
                peer.requests.extract_if(.., |request| request.asked.after(HURRY) <= now).collect();
            if !slow.is_empty() {
                peer.fail(now);
            }
            taken.extend(slow.into_iter().flat_map(|request| request.places));
        }
        taken
    }

    /// When [`hurry`](Self::hurry) may take something.
    pub(super) fn next_hurry(&self, now: Time) -> Option<Time> {
        let asked = self.peers.values().flat_map(|peer| &peer.requests).map(|request| request.asked).min()?;
        self.is_anyone_idle(now).then(|| asked.after(HURRY))
    }

    fn is_anyone_idle(&self, now: Time) -> bool {
        self.peers.values().any(|peer| peer.can_be_asked(now) && peer.requests.is_empty() && peer.failures == 0)
    }

    /// Another target: who lied stays out, and the others start over. Those who said nothing are asked behind those who answered.
    pub(super) fn start_over(&mut self) {
        for peer in self.peers.values_mut().filter(|peer| !peer.is_liar) {
            let failures = if peer.is_without { 0 } else { peer.failures };
            *peer = Peer { patience: peer.patience, turn: peer.turn, failures, ..Peer::new() };
        }
    }

    /// When the next request expires.
    pub(super) fn next_expiry(&self) -> Option<Time> {
        self.peers.values().flat_map(|peer| &peer.requests).map(|request| request.expires).min()
    }

    /// When the next resting peer may be asked again.
    pub(super) fn next_return(&self, now: Time) -> Option<Time> {
        let resting = self.peers.values().filter(|peer| !peer.is_liar && peer.rests_until > now);
        resting.map(|peer| peer.rests_until).min()
    }

    /// Whether nobody is left who seems to hold the target: each lied, has it not, or let the last question go unanswered. A liar
    /// who says nothing at all would else keep the rest waiting for ever.
    pub(super) fn are_useless(&self) -> bool {
        self.peers.values().all(|peer| peer.is_liar || peer.is_without || peer.failures > 0)
    }

    pub(super) fn liars(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.peers.iter().filter(|(_, peer)| peer.is_liar).map(|(id, _)| *id)
    }

    /// Requests in flight to a peer.
    pub(super) fn requests(&self, id: ReplicaId) -> usize {
        self.peers.get(&id).map_or(0, |peer| peer.requests.len())
    }

    /// Places asked for.
    pub(super) fn places(&self) -> usize {
        self.peers.values().flat_map(|peer| &peer.requests).map(|request| request.places.len()).sum()
    }
}
