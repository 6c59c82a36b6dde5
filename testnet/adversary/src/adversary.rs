//! A lying replica: its lies one behind the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use tetrarch_chance::Rng;
use tetrarch_types::{Message, ReplicaId, Response, Transaction};

use crate::hand::{Hand, Keyring, SharedSigner};
use crate::lies::{self, Teller};
use crate::{Lie, Word};

/// How often each lie was told.
pub type Counts = BTreeMap<&'static str, u64>;

/// A lying replica.
pub struct Adversary {
    id: ReplicaId,
    signer: SharedSigner,
    keyring: Keyring,
    rng: Rng,
    tellers: Vec<(Lie, Box<dyn Teller>)>,
    counts: Counts,
}

impl Adversary {
    /// The liar in place of replica `id`. None if the keyring lacks that replica's key.
    pub fn new(id: ReplicaId, lies: &[Lie], keyring: Keyring, mut rng: Rng) -> Option<Self> {
        let signer = keyring.keys.get(&id)?.clone();
        let tellers = lies.iter().map(|lie| (*lie, lies::teller(*lie, &mut rng))).collect();
        Some(Self { id, signer, keyring, rng, tellers, counts: Counts::new() })
    }

    /// What it says, and to whom and when, where an honest replica would say this.
    pub fn say(&mut self, word: Word) -> Vec<Word> {
        self.pass(vec![word], |teller, said, hand| said.into_iter().flat_map(|word| teller.say(word, hand)).collect())
    }

    /// What it answers a client.
    pub fn answer(&mut self, response: Response) -> Response {
        self.pass(response, |teller, response, hand| teller.answer(response, hand))
    }

    /// A message arrived; whether the node gets to hear it.
    pub fn hear(&mut self, message: &Arc<Message>) -> bool {
        self.pass(true, |teller, heard, hand| teller.hear(message, hand) && heard)
    }

    /// A client's transaction arrived, from itself or passed on; whether the node gets to hear of it.
    pub fn admit(&mut self, transaction: &Transaction) -> bool {
        self.pass(true, |teller, admitted, hand| teller.admit(transaction, hand) && admitted)
    }

    /// How often it lied so far, by the lies' names and those of their forms.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    fn pass<T>(&mut self, first: T, mut step: impl FnMut(&mut dyn Teller, T, &mut Hand<'_>) -> T) -> T {
        let Self { id, signer, keyring, rng, tellers, counts } = self;
        tellers.iter_mut().fold(first, |said, (lie, teller)| {
            let mut hand = Hand { id: *id, signer, keyring, rng, name: lie.name(), counts };
            step(teller.as_mut(), said, &mut hand)
        })
    }
}
