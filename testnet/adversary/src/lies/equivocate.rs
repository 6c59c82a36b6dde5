//! As primary, different batches for one number: two or three of them, split over the recipients at random. With the liar's
//! COMMIT for whatever each recipient was told, so that the groups need as few honest votes as possible.

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_types::{Batch, Commit, Message, PrePrepare, Proposal, ReplicaId, SeqNum, Timestamp, View};

use super::Teller;
use crate::Word;
use crate::hand::Hand;
use tetrarch_chance::Rate;

/// How many of the proposals are told in more than one form.
const RATE: Rate = 4_000;

/// Proposals that are remembered.
const REMEMBERED: usize = 64;

/// What each recipient was told about one number: none for the truth.
type Told = BTreeMap<ReplicaId, Option<Digest>>;

#[derive(Default)]
pub(super) struct Equivocate {
    told: BTreeMap<(View, SeqNum), Option<Told>>,
}

impl Equivocate {
    fn propose(&mut self, to: ReplicaId, proposal: &Proposal, hand: &mut Hand<'_>) -> Option<Vec<Message>> {
        let PrePrepare { view, seq, .. } = proposal.pre_prepare.payload;
        if proposal.pre_prepare.signer != hand.id {
            return None;
        }
        let splits = self.told.entry((view, seq)).or_insert_with(|| hand.rng.chance(RATE).then(Told::new));
        let told = splits.as_mut()?;
        let form = hand.rng.below(3);
        let told = told.entry(to).or_default();
        *told = None;
        if form == 0 {
            return None;
        }
        let batch = variant(&proposal.batch, form);
        let digest = batch.digest();
        *told = Some(digest);
        hand.lied();
        let pre_prepare = hand.sign(PrePrepare { view, seq, digest });
        let commit = hand.sign(Commit { view, seq, digest });
        Some(vec![Message::PrePrepare(Proposal { pre_prepare, batch }), Message::Commit(commit)])
    }

    /// The liar's own later COMMIT follows what the recipient was told.
    fn commit(&self, to: ReplicaId, commit: &Commit, hand: &Hand<'_>) -> Option<Vec<Message>> {
        let digest = (*self.told.get(&(commit.view, commit.seq))?.as_ref()?.get(&to)?)?;
        Some(vec![Message::Commit(hand.sign(Commit { digest, ..*commit }))])
    }
}

impl Teller for Equivocate {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let instead = match word.message.as_ref() {
            Message::PrePrepare(proposal) => self.propose(word.to, proposal, hand),
            Message::Commit(signed) => self.commit(word.to, &signed.payload, hand),
            _ => None,
        };
        while self.told.len() > REMEMBERED {
            self.told.pop_first();
        }
        match instead {
            Some(messages) => messages.into_iter().map(|message| word.instead(message)).collect(),
            None => vec![word],
        }
    }
}

/// Another batch that an honest backup finds acceptable as well.
fn variant(batch: &Batch, form: u64) -> Batch {
    let mut variant = batch.clone();
    variant.timestamp = Timestamp::from_micros(batch.timestamp.as_micros().saturating_add(form));
    if form == 2 {
        variant.transactions.reverse();
    }
    variant
}
