//! Words in names that are not the liar's: its signature under another member's name or a stranger's, another's words inside its own, and
//! votes of everyone.

use tetrarch_chance::Rate;
use tetrarch_crypto::Signature;
use tetrarch_types::{
    CheckpointCertificate, Commit, Held, HeldVote, Message, NewView, PrePrepare, Prepare, Proposal, ReplicaId, Signed,
    Supply, View,
};

use super::Teller;
use crate::Word;
use crate::hand::Hand;

/// Another member's name over the liar's signature.
const WRONG_SIGNER: &str = "impersonate-wrong-signer";
/// The name of nobody.
const STRANGER: &str = "impersonate-stranger";
/// Whose words these are is not whose the envelope is.
const INNER: &str = "impersonate-inner";
/// PREPAREs and COMMITs of everyone for the latest proposal, or for a batch that nobody proposed.
const FORGED_VOTES: &str = "impersonate-forged-votes";

pub(super) const FORMS: [&str; 4] = [WRONG_SIGNER, STRANGER, INNER, FORGED_VOTES];

const RATE: Rate = 1_500;

pub(super) struct Impersonate;

impl Teller for Impersonate {
    fn say(&mut self, word: Word, hand: &mut Hand<'_>) -> Vec<Word> {
        if !hand.rng.chance(RATE) {
            return vec![word];
        }
        let form = hand.rng.one_of(FORMS);
        let lies = match form {
            WRONG_SIGNER => other_member(word.to, hand).map(|name| renamed(&word.message, name)).into_iter().collect(),
            STRANGER => {
                let size = hand.membership().size() as u64;
                let name = hand.rng.one_of([size, size + 1, u64::from(u16::MAX)]);
                vec![renamed(&word.message, ReplicaId::new(u16::try_from(name).unwrap_or(u16::MAX)))]
            }
            INNER => inner(&word, hand).into_iter().collect(),
            _ => forged_votes(hand),
        };
        if lies.is_empty() {
            return vec![word];
        }
        hand.lied_as(form);
        // Before the truth: whoever believes it has no room for the truth any more.
        lies.into_iter().map(|lie| word.instead(lie)).chain([word.clone()]).collect()
    }
}

/// An honest member other than the recipient: votes in its name would be new there.
fn other_member(to: ReplicaId, hand: &mut Hand<'_>) -> Option<ReplicaId> {
    let mut others = hand.honest();
    others.retain(|id| *id != to);
    hand.rng.pick(&others)
}

/// The same words and signature under another name.
fn renamed(message: &Message, name: ReplicaId) -> Message {
    let mut renamed = message.clone();
    match &mut renamed {
        Message::PrePrepare(Proposal { pre_prepare, .. }) => pre_prepare.signer = name,
        Message::Prepare(it) => it.signer = name,
        Message::Commit(it) => it.signer = name,
        Message::Checkpoint(it) => it.signer = name,
        Message::ViewChange(it) => it.signer = name,
        Message::NewView(it) => it.signer = name,
        Message::Status(it) => it.signer = name,
        Message::Fetch(it) => it.signer = name,
        Message::Supply(it) => it.signer = name,
    }
    renamed
}

/// A message of the liar's with somebody else's words in it, where there should be those of one replica only: a NEW-VIEW with
/// another's re-proposals; else what is held of the recipient, made of another's vote.
fn inner(word: &Word, hand: &mut Hand<'_>) -> Option<Message> {
    let name = other_member(word.to, hand)?;
    if let Message::NewView(signed) = word.message.as_ref()
        && !signed.payload.proposals.is_empty()
    {
        let mut new_view: NewView = signed.payload.clone();
        new_view.proposals.iter_mut().for_each(|it| it.signer = name);
        return Some(Message::NewView(hand.sign(new_view)));
    }
    let ((view, seq, digest), support) = hand.overheard.latest(|_, support| !support.prepares.is_empty())?;
    let (signer, signature) = support.prepares.first_key_value()?;
    let vote = Signed { payload: Prepare { view, seq, digest }, signer: *signer, signature: *signature };
    let stable = CheckpointCertificate::genesis();
    let (about, votes) = (word.to, vec![HeldVote::Prepare(vote)]);
    (*signer != word.to).then(|| {
        Message::Supply(hand.sign(Supply::Held(Held {
            about,
            start: 1,
            view: View::ZERO,
            stable,
            votes,
            view_change: None,
        })))
    })
}

/// Votes in everyone's name. Those of replicas that lie together hold; of the others' some carry the liar's signature, the rest
/// none that fits anything.
fn forged_votes(hand: &mut Hand<'_>) -> Vec<Message> {
    let Some(((view, seq, digest), _)) = hand.overheard.latest(|_, support| support.pre_prepare.is_some()) else {
        return Vec::new();
    };
    let digest = if hand.rng.chance(5_000) { hand.invent(seq).digest() } else { digest };
    let own = hand.sign(Commit { view, seq, digest }).signature;
    let names: Vec<ReplicaId> = hand.membership().ids().collect();
    names.into_iter().flat_map(|name| votes_of(name, PrePrepare { view, seq, digest }, own, hand)).collect()
}

fn votes_of(name: ReplicaId, place: PrePrepare, own: Signature, hand: &mut Hand<'_>) -> [Message; 2] {
    let PrePrepare { view, seq, digest } = place;
    let (prepare, commit) = (Prepare { view, seq, digest }, Commit { view, seq, digest });
    let garbage = hand.garbage();
    let signature = hand.rng.one_of([own, garbage]);
    let prepare = hand.sign_as(name, prepare).unwrap_or(Signed { payload: prepare, signer: name, signature });
    let commit = hand.sign_as(name, commit).unwrap_or(Signed { payload: commit, signer: name, signature });
    [Message::Prepare(prepare), Message::Commit(commit)]
}
