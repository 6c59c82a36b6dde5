//! Replicas that lie, one lie a file.
//!
//! A liar is a real node whose words are rewritten on their way out, one recipient at a time: it knows all that an honest replica
//! knows, and signs with its own key and no other.

mod double_vote;
mod equivocate;
mod lie_state;
mod mutate;
mod omit_prepared;
mod replay;
mod silence;
mod wrong_reply;
mod wrong_reproposals;

use std::rc::Rc;

use tetrarch_types::{ReplicaId, Response, Signable, Signed};

use crate::chain::{Chain, SharedSigner};
use crate::counters::Counters;
use crate::letter::Letter;
use crate::rng::Rng;

/// A way of lying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lie {
    /// As primary, different batches for one number to different replicas.
    Equivocate,
    /// Two votes for one number.
    DoubleVote,
    /// Says nothing of some kinds, or nothing to some replicas.
    Silence,
    /// As new primary, re-proposals that do not follow from the VIEW-CHANGEs.
    WrongReproposals,
    /// VIEW-CHANGEs that hide what was prepared.
    OmitPrepared,
    /// Old messages, its own and others', again.
    Replay,
    /// Numbers, digests and signatures slightly off.
    Mutate,
    /// Tells clients other results.
    WrongReply,
    /// Lies to replicas that recover.
    LieState,
}

impl Lie {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Equivocate,
        Self::DoubleVote,
        Self::Silence,
        Self::WrongReproposals,
        Self::OmitPrepared,
        Self::Replay,
        Self::Mutate,
        Self::WrongReply,
        Self::LieState,
    ];

    /// What it is counted under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equivocate => "equivocate",
            Self::DoubleVote => "double-vote",
            Self::Silence => "silence",
            Self::WrongReproposals => "wrong-reproposals",
            Self::OmitPrepared => "omit-prepared",
            Self::Replay => "replay",
            Self::Mutate => "mutate",
            Self::WrongReply => "wrong-reply",
            Self::LieState => "lie-state",
        }
    }

    fn teller(self, rng: &mut Rng) -> Box<dyn Teller> {
        match self {
            Self::Equivocate => Box::new(equivocate::Equivocate::default()),
            Self::DoubleVote => Box::new(double_vote::DoubleVote),
            Self::Silence => Box::new(silence::Silence::draw(rng)),
            Self::WrongReproposals => Box::new(wrong_reproposals::WrongReproposals::default()),
            Self::OmitPrepared => Box::new(omit_prepared::OmitPrepared::default()),
            Self::Replay => Box::new(replay::Replay::default()),
            Self::Mutate => Box::new(mutate::Mutate),
            Self::WrongReply => Box::new(wrong_reply::WrongReply),
            Self::LieState => Box::new(lie_state::LieState),
        }
    }
}

/// What tells one kind of lie.
trait Teller {
    /// What is said to one recipient instead of this message; count each lie with [`Hand::lied`].
    fn say(&mut self, to: ReplicaId, message: Rc<Letter>, _hand: &mut Hand<'_>) -> Vec<(ReplicaId, Rc<Letter>)> {
        vec![(to, message)]
    }

    /// What is said to a client instead of this response.
    fn answer(&mut self, response: Response, _hand: &mut Hand<'_>) -> Response {
        response
    }

    /// A message that the liar received.
    fn hear(&mut self, _message: &Rc<Letter>) {}
}

/// What a liar has to work with.
struct Hand<'a> {
    id: ReplicaId,
    chain: &'a Chain,
    signer: SharedSigner,
    rng: &'a mut Rng,
    lies: u64,
}

impl Hand<'_> {
    /// Signs as the liar itself.
    fn sign<T: Signable>(&self, payload: T) -> Signed<T> {
        Signed::new(payload, self.id, self.chain.scope(), self.signer.as_ref())
    }

    fn lied(&mut self) {
        self.lies += 1;
    }
}

/// A lying replica.
pub struct Adversary {
    id: ReplicaId,
    signer: SharedSigner,
    rng: Rng,
    tellers: Vec<(Lie, Box<dyn Teller>)>,
}

impl Adversary {
    /// The liar in place of replica `id`. None if there is no such replica.
    pub fn new(id: ReplicaId, lies: &[Lie], chain: &Chain, mut rng: Rng) -> Option<Self> {
        let signer = chain.replica(id)?.clone();
        let tellers = lies.iter().map(|lie| (*lie, lie.teller(&mut rng))).collect();
        Some(Self { id, signer, rng, tellers })
    }

    /// What it says, and to whom, when it should have said this.
    pub fn say(
        &mut self,
        to: ReplicaId,
        message: Rc<Letter>,
        chain: &Chain,
        counters: &mut Counters,
    ) -> Vec<(ReplicaId, Rc<Letter>)> {
        let mut said = vec![(to, message)];
        for (lie, teller) in &mut self.tellers {
            let mut hand = Hand { id: self.id, chain, signer: self.signer.clone(), rng: &mut self.rng, lies: 0 };
            said = said.into_iter().flat_map(|(to, message)| teller.say(to, message, &mut hand)).collect();
            count(counters, *lie, hand.lies);
        }
        said
    }

    /// What it answers a client.
    pub fn answer(&mut self, mut response: Response, chain: &Chain, counters: &mut Counters) -> Response {
        for (lie, teller) in &mut self.tellers {
            let mut hand = Hand { id: self.id, chain, signer: self.signer.clone(), rng: &mut self.rng, lies: 0 };
            response = teller.answer(response, &mut hand);
            count(counters, *lie, hand.lies);
        }
        response
    }

    /// It received a message.
    pub fn hear(&mut self, message: &Rc<Letter>) {
        for (_, teller) in &mut self.tellers {
            teller.hear(message);
        }
    }
}

fn count(counters: &mut Counters, lie: Lie, times: u64) {
    if times > 0 {
        *counters.entry(lie.name()).or_default() += times;
    }
}
