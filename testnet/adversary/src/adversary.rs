//! A lying replica: its lies one behind the other.

use std::sync::Arc;

use tetrarch_chance::Rng;
use tetrarch_types::{Message, ReplicaId, Response, Supply, Transaction};

use crate::counts::Counts;
use crate::hand::{Hand, Keyring, SharedSigner};
use crate::inventions::Inventions;
use crate::lies::{self, Teller};
use crate::overheard::Overheard;
use crate::setting::Setting;
use crate::{Lie, Word};

/// A lying replica.
pub struct Adversary {
    id: ReplicaId,
    signer: SharedSigner,
    keyring: Keyring,
    setting: Setting,
    rng: Rng,
    tellers: Vec<(Lie, Box<dyn Teller>)>,
    overheard: Overheard,
    inventions: Inventions,
    counts: Counts,
}

impl Adversary {
    /// The liar in place of replica `id`. None if the keyring lacks that replica's key.
    pub fn new(id: ReplicaId, lies: &[Lie], keyring: Keyring, setting: Setting, mut rng: Rng) -> Option<Self> {
        let signer = keyring.keys.get(&id)?.clone();
        let tellers = lies.iter().map(|lie| (*lie, lies::teller(*lie, &mut rng))).collect();
        let (overheard, inventions) = (Overheard::default(), Inventions::default());
        Some(Self { id, signer, keyring, setting, rng, tellers, overheard, inventions, counts: Counts::new() })
    }

    /// What it says, and to whom and when, where an honest replica would say this.
    pub fn say(&mut self, word: Word) -> Vec<Word> {
        self.overheard.say(&word.message);
        let owed = self.answers(&word);
        let mut said = self
            .pass(vec![word], |teller, said, hand| said.into_iter().flat_map(|word| teller.say(word, hand)).collect());
        said.extend(owed);
        said
    }

    /// What it answers a client.
    pub fn answer(&mut self, response: Response) -> Response {
        self.pass(response, |teller, response, hand| teller.answer(response, hand))
    }

    /// A message arrived; whether the node gets to hear it.
    pub fn hear(&mut self, message: &Arc<Message>) -> bool {
        // What those say who lie together is no news, and perhaps a forgery.
        if !self.keyring.keys.contains_key(&message.signer()) {
            self.overheard.hear(message);
        }
        self.inventions.hear(message);
        self.pass(true, |teller, heard, hand| teller.hear(message, hand) && heard)
    }

    /// A client's transaction arrived, from itself or passed on; whether the node gets to hear of it.
    pub fn admit(&mut self, transaction: &Transaction) -> bool {
        self.overheard.admit(transaction);
        self.pass(true, |teller, admitted, hand| teller.admit(transaction, hand) && admitted)
    }

    /// How often it lied so far, by the lies' names and those of their forms.
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Batches of its own invention for whoever asked for them.
    fn answers(&mut self, word: &Word) -> Vec<Word> {
        let scope = self.keyring.membership.scope();
        let sign = |supply: Supply| tetrarch_types::Signed::new(supply, self.id, scope, self.signer.as_ref());
        let answers = self.inventions.answers(word.to).into_iter();
        answers.map(|supply| word.instead(Message::Supply(sign(supply)))).collect()
    }

    fn pass<T>(&mut self, first: T, mut step: impl FnMut(&mut dyn Teller, T, &mut Hand<'_>) -> T) -> T {
        let Self { id, signer, keyring, setting, rng, tellers, overheard, inventions, counts } = self;
        tellers.iter_mut().fold(first, |said, (lie, teller)| {
            let name = lie.name();
            let mut hand = Hand { id: *id, signer, keyring, setting, overheard, inventions, rng, name, counts };
            step(teller.as_mut(), said, &mut hand)
        })
    }
}
