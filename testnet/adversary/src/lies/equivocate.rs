//! As primary, different batches for one number: one batch to two thirds of the honest replicas, to one third, or three batches. With
//! the votes of all that lie together for whatever each recipient was told, so that the groups need as few honest votes as possible.

use std::collections::BTreeMap;

use tetrarch_chance::Rate;
use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, Commit, Message, Prepare, ReplicaId, SeqNum, Timestamp, View};

use super::memo::Memo;
use super::{Teller, own};
use crate::Word;
use crate::hand::Hand;

/// The truth to two thirds.
const TWO_TO_ONE: &str = "equivocate-two-to-one";
/// The truth to one third.
const ONE_TO_TWO: &str = "equivocate-one-to-two";
/// To each third another batch.
const THREE_WAYS: &str = "equivocate-three-ways";

pub(super) const FORMS: [&str; 3] = [TWO_TO_ONE, ONE_TO_TWO, THREE_WAYS];

/// How many of the proposals are told in more than one form.
const RATE: Rate = 4_000;

/// How one number is told.
struct Split {
    form: &'static str,
    /// Of each honest replica, the batch that it is told: 0 is the truth.
    groups: BTreeMap<ReplicaId, u64>,
    /// What each of them was told.
    told: BTreeMap<ReplicaId, Digest>,
}

impl Split {
    fn draw(hand: &mut Hand<'_>) -> Self {
        let form = hand.rng.one_of(FORMS);
        let honest = hand.honest();
        let count = honest.len();
        let group = |index: usize| match form {
            TWO_TO_ONE => u64::from(index * 3 >= count * 2),
            ONE_TO_TWO => u64::from(index * 3 >= count),
            _ => (index * 3 / count.max(1)) as u64,
        };
        let shuffled = hand.rng.sample(&honest, count);
        let groups = shuffled.into_iter().enumerate().map(|(index, id)| (id, group(index))).collect();
        Self { form, groups, told: BTreeMap::new() }
    }
}

#[derive(Default)]
pub(super) struct Equivocate {
    splits: Memo<(View, SeqNum), Option<Split>>,
}

impl Equivocate {
    fn propose(&mut self, word: &Word, hand: &mut Hand<'_>) -> Option<Vec<Message>> {
        let proposal = own::proposal(&word.message, hand)?;
        let place @ (view, seq) = own::place(proposal);
        let split = self.splits.of(place, || hand.rng.chance(RATE).then(|| Split::draw(hand))).as_mut()?;
        let group = split.groups.get(&word.to).copied().unwrap_or(0);
        let batch = variant(&proposal.batch, group);
        let digest = batch.digest();
        split.told.insert(word.to, digest);
        let mut said = vec![own::propose(place, batch, hand)];
        // Their primary's PREPARE is for those who would count it beside its PRE-PREPARE.
        said.extend(hand.sign_as_all(&Prepare { view, seq, digest }).into_iter().map(Message::Prepare));
        said.extend(hand.sign_as_all(&Commit { view, seq, digest }).into_iter().map(Message::Commit));
        if group > 0 {
            hand.lied_as(split.form);
        }
        Some(said)
    }

    /// The liar's own later COMMIT follows what the recipient was told.
    fn commit(&self, to: ReplicaId, commit: &Commit, hand: &Hand<'_>) -> Option<Vec<Message>> {
        let digest = *self.splits.known(&(commit.view, commit.seq))?.as_ref()?.told.get(&to)?;
        Some(vec![Message::Commit(hand.sign(Commit { digest, ..*commit }))])
    }
}

impl Teller for Equivocate {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let instead = match word.message.as_ref() {
            Message::PrePrepare(_) => self.propose(&word, hand),
            Message::Commit(signed) => self.commit(word.to, &signed.payload, hand),
            _ => None,
        };
        match instead {
            Some(messages) => messages.into_iter().map(|message| word.instead(message)).collect(),
            None => vec![word],
        }
    }
}

/// Another batch that an honest backup finds acceptable as well.
fn variant(batch: &Batch, group: u64) -> Batch {
    let mut variant = batch.clone();
    variant.timestamp = Timestamp::from_micros(batch.timestamp.as_micros().saturating_add(group));
    if group == 2 {
        variant.transactions.reverse();
    }
    variant
}
