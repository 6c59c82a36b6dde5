//! Certificates in answers that nobody asked for: a batch that was never decided, right above what the recipient has executed, and a
//! checkpoint with a root that nobody has. Each has exactly one thing wrong.

use tetrarch_chance::Rate;
use tetrarch_types::{
    Checkpoint, CheckpointCertificate, Commit, CommitCertificate, CommittedBatch, Message, ReplicaId, Supply, Votes,
};

use super::Teller;
use crate::Word;
use crate::forge::{Flaw, votes};
use crate::hand::Hand;
use crate::overheard::{Place, Signatures, Support};

/// A decision with one COMMIT repeated.
const DECISION_REPEATED: &str = "forge-decision-repeated-signer";
/// A decision with COMMITs of several views.
const DECISION_MIXED: &str = "forge-decision-mixed-views";
/// A decision with COMMITs for an earlier number.
const DECISION_STALE: &str = "forge-decision-stale";
/// A decision with signatures that fit nothing.
const DECISION_GARBAGE: &str = "forge-decision-garbage";
/// A checkpoint with one vote repeated.
const CHECKPOINT_REPEATED: &str = "forge-checkpoint-repeated-signer";
/// A checkpoint with the votes of an earlier one.
const CHECKPOINT_STALE: &str = "forge-checkpoint-stale";
/// A checkpoint with signatures that fit nothing.
const CHECKPOINT_GARBAGE: &str = "forge-checkpoint-garbage";

pub(super) const FORMS: &[&str] = &[
    DECISION_REPEATED,
    DECISION_MIXED,
    DECISION_STALE,
    DECISION_GARBAGE,
    CHECKPOINT_REPEATED,
    CHECKPOINT_STALE,
    CHECKPOINT_GARBAGE,
];

const RATE: Rate = 800;

pub(super) struct ForgeCertificate;

impl Teller for ForgeCertificate {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        let mut said = vec![word];
        if hand.rng.chance(RATE)
            && let Some(form) = hand.rng.pick(FORMS)
            && let Some(supply) = forged(form, said[0].to, hand)
        {
            hand.lied_as(form);
            said.push(said[0].instead(Message::Supply(hand.sign(supply))));
        }
        said
    }
}

fn forged(form: &'static str, to: ReplicaId, hand: &mut Hand<'_>) -> Option<Supply> {
    match form {
        CHECKPOINT_REPEATED => checkpoint(Some(Flaw::RepeatedSigner), to, hand).map(Supply::Stable),
        CHECKPOINT_GARBAGE => checkpoint(Some(Flaw::Garbage), to, hand).map(Supply::Stable),
        CHECKPOINT_STALE => checkpoint(None, to, hand).map(Supply::Stable),
        form => decision(form, to, hand).map(|decided| Supply::Committed(vec![decided])),
    }
}

/// A checkpoint above what the recipient knows to be stable; without a flaw of the votes these are those of an earlier one.
fn checkpoint(flaw: Option<Flaw>, to: ReplicaId, hand: &mut Hand<'_>) -> Option<CheckpointCertificate> {
    let interval = hand.membership().parameters().checkpoint_interval;
    let known = hand.overheard.peers.get(&to).map(|status| status.stable).unwrap_or_default();
    let stable = hand.overheard.stable();
    let seq = known.max(stable.seq).plus(interval);
    let state_root = hand.digest();
    let need = hand.membership().quorum();
    let votes = match flaw {
        Some(flaw) => votes(&Checkpoint { seq, state_root }, &Signatures::new(), |_| true, need, flaw, hand)?,
        None if stable.votes.is_empty() => return None,
        None => stable.votes,
    };
    Some(CheckpointCertificate { seq, state_root, votes })
}

fn decision(form: &'static str, to: ReplicaId, hand: &mut Hand<'_>) -> Option<CommittedBatch> {
    if form == DECISION_MIXED {
        return mixed_views(hand);
    }
    let seq = hand.overheard.peers.get(&to).map(|status| status.executed).unwrap_or_default().next();
    let (view, batch) = (hand.overheard.view(), hand.invent(seq));
    let digest = batch.digest();
    let need = hand.membership().quorum();
    let commits = match form {
        DECISION_STALE => {
            let earlier = hand.overheard.latest(|(_, at, _), support| *at < seq && support.commits.len() >= need)?.1;
            earlier.commits.iter().take(need).map(|(id, signature)| (*id, *signature)).collect()
        }
        form => {
            let flaw = if form == DECISION_REPEATED { Flaw::RepeatedSigner } else { Flaw::Garbage };
            votes(&Commit { view, seq, digest }, &Signatures::new(), |_| true, need, flaw, hand)?
        }
    };
    let certificate = CommitCertificate { view, seq, digest, commits };
    Some(CommittedBatch { seq, batch, transactions: Vec::new(), certificate })
}

/// The latest batch that the liar knows whole, with the others' COMMITs of its view beside the liar's own of the next view, which the
/// certificate names.
fn mixed_views(hand: &Hand<'_>) -> Option<CommittedBatch> {
    let need = hand.membership().quorum();
    let others = |commits: &Signatures| -> Votes {
        let others = commits.iter().filter(|(id, _)| **id != hand.id);
        others.take(need.saturating_sub(1)).map(|(id, signature)| (*id, *signature)).collect()
    };
    let has_enough = |place: &Place, support: &Support| {
        others(&support.commits).len() + 1 == need && hand.overheard.whole(&place.2).is_some()
    };
    let ((view, seq, digest), support) = hand.overheard.latest(has_enough)?;
    let (batch, transactions) = hand.overheard.whole(&digest)?;
    let view = view.next();
    let mut commits = others(&support.commits);
    commits.push((hand.id, hand.sign(Commit { view, seq, digest }).signature));
    commits.sort_unstable_by_key(|(id, _)| *id);
    let certificate = CommitCertificate { view, seq, digest, commits };
    Some(CommittedBatch { seq, batch, transactions, certificate })
}
