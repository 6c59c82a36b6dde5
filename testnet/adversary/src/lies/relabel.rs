//! Signatures of others under a statement of another kind: the fields are the same, the signing domain is not.

use tetrarch_chance::Rate;
use tetrarch_crypto::Signature;
use tetrarch_types::{Commit, Message, Prepare, ReplicaId, Signed};

use super::Teller;
use crate::Word;
use crate::hand::Hand;
use crate::overheard::{Place, Support};

/// PREPAREs shown as COMMITs.
const PREPARE_AS_COMMIT: &str = "relabel-prepare-as-commit";
/// COMMITs shown as PREPAREs.
const COMMIT_AS_PREPARE: &str = "relabel-commit-as-prepare";
/// A PRE-PREPARE shown as a COMMIT.
const PRE_PREPARE_AS_COMMIT: &str = "relabel-pre-prepare-as-commit";

pub(super) const FORMS: [&str; 3] = [PREPARE_AS_COMMIT, COMMIT_AS_PREPARE, PRE_PREPARE_AS_COMMIT];

const RATE: Rate = 1_500;

pub(super) struct Relabel;

impl Teller for Relabel {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let mut said = vec![word];
        if hand.rng.chance(RATE) {
            let form = hand.rng.one_of(FORMS);
            let relabelled = relabelled(form, hand);
            if !relabelled.is_empty() {
                hand.lied_as(form);
            }
            let words: Vec<Word> = relabelled.into_iter().map(|message| said[0].instead(message)).collect();
            said.extend(words);
        }
        said
    }
}

/// All that was overheard for the latest place that has any, under the other name.
fn relabelled(form: &'static str, hand: &Hand<'_>) -> Vec<Message> {
    let primary = |place: &Place| hand.membership().primary(place.0);
    let stolen = |place: &Place, support: &Support| -> Vec<(ReplicaId, Signature)> {
        match form {
            PREPARE_AS_COMMIT => support.prepares.iter().map(|(id, signature)| (*id, *signature)).collect(),
            COMMIT_AS_PREPARE => support.commits.iter().map(|(id, signature)| (*id, *signature)).collect(),
            _ => support.pre_prepare.iter().map(|signature| (primary(place), *signature)).collect(),
        }
    };
    let Some((place, support)) = hand.overheard.latest(|place, support| !stolen(place, support).is_empty()) else {
        return Vec::new();
    };
    let (view, seq, digest) = place;
    let vote = |(signer, signature): (ReplicaId, Signature)| match form {
        COMMIT_AS_PREPARE => Message::Prepare(Signed { payload: Prepare { view, seq, digest }, signer, signature }),
        _ => Message::Commit(Signed { payload: Commit { view, seq, digest }, signer, signature }),
    };
    stolen(&place, support).into_iter().map(vote).collect()
}
