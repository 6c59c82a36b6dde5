//! CHECKPOINTs for roots that nobody has: another root to half of the replicas, another one to each, or all that lie together for one.

use tetrarch_chance::Rng;
use tetrarch_crypto::{Digest, Domain};
use tetrarch_types::{Checkpoint, Message, ReplicaId};

use super::Teller;
use crate::Word;
use crate::hand::Hand;

/// The truth to every other replica, one false root to the rest.
const IN_TWO: &str = "split-checkpoints-in-two";
/// Another root to each replica.
const EACH: &str = "split-checkpoints-each";
/// One false root, by all that lie together.
const TOGETHER: &str = "split-checkpoints-together";

pub(super) const FORMS: [&str; 3] = [IN_TWO, EACH, TOGETHER];

/// One form for all its life: the same replicas see the same roots again and again.
pub(super) struct SplitCheckpoints {
    form: &'static str,
}

impl SplitCheckpoints {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        Self { form: rng.one_of(FORMS) }
    }

    /// Which root a recipient is told: 0 is the truth.
    fn group(&self, to: ReplicaId) -> u64 {
        match self.form {
            IN_TWO => u64::from(to.get() % 2),
            EACH => u64::from(to.get()) + 1,
            _ => 1,
        }
    }
}

impl Teller for SplitCheckpoints {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let Message::Checkpoint(signed) = word.message.as_ref() else { return vec![word] };
        let group = self.group(word.to);
        if group == 0 {
            return vec![word];
        }
        hand.lied_as(self.form);
        let truth = signed.payload.state_root;
        // A function of the truth, so that all that lie together find the same one.
        let state_root = Digest::of(Domain::StateRoot, &[truth.as_bytes(), &group.to_le_bytes()]);
        let lie = Checkpoint { state_root, ..signed.payload };
        let votes = if self.form == TOGETHER { hand.sign_as_all(&lie) } else { vec![hand.sign(lie)] };
        votes.into_iter().map(|vote| word.instead(Message::Checkpoint(vote))).collect()
    }
}
