//! Altered certificates to the verifier, and a recount of each (rules, N-4, N-6, C-2).

use tetrarch_crypto::{Digest, Domain, Signature};
use tetrarch_types::{
    Batch, CheckpointCertificate, CommitCertificate, CommittedBatch, Message, SeqNum, Supply, Timestamp, View,
    ViewChange, Votes,
};

use super::Reach;
use crate::chain::{Chain, WINDOW, id};
use crate::choices::Choices;
use crate::naive::certificates as recount;
use crate::trace;

/// Sizes that differ in how n relates to 3f + 1.
const SIZES: [usize; 6] = [1, 4, 5, 6, 7, 10];

/// What a signature may be of.
const DOMAINS: [Domain; 5] =
    [Domain::PrePrepare, Domain::Prepare, Domain::Commit, Domain::Checkpoint, Domain::ViewChange];

pub(super) fn run(data: &[u8]) -> Reach {
    let mut choices = Choices::new(data);
    let chain = Chain::new(choices.one_of(&SIZES));
    let accepted = match choices.below(3) {
        0 => commit(&chain, &mut choices),
        1 => prepared(&chain, &mut choices),
        _ => checkpoint(&chain, &mut choices),
    };
    Reach::of(accepted)
}

fn seq(choices: &mut Choices<'_>) -> SeqNum {
    SeqNum::new(1 + choices.below(WINDOW as usize) as u64)
}

/// The verdict must be that of the recount.
fn agree(chain: &Chain, message: Message, counted: bool) -> bool {
    trace::note("judged", &message);
    let verdict = chain.verifier.message(message.clone());
    assert_eq!(verdict.is_ok(), counted, "{:?}: {message:?}", verdict.err());
    counted
}

/// A batch without transactions, told from others by its stamp.
fn batch(number: u64) -> Batch {
    Batch { timestamp: Timestamp::from_micros(number), transactions: Vec::new() }
}

fn commit(chain: &Chain, choices: &mut Choices<'_>) -> bool {
    let (view, seq, batch) = (View::new(choices.below(6) as u64), seq(choices), batch(choices.number()));
    let mut certificate = CommitCertificate { commits: Vec::new(), ..chain.committed(view, seq, batch.digest()) };
    alter_place(choices, &mut certificate.view, &mut certificate.seq, &mut certificate.digest);
    let payload = (certificate.view, certificate.seq, certificate.digest);
    certificate.commits = votes(chain, choices, Domain::Commit, &tetrarch_types::encode(&payload));
    alter_later(choices, &mut certificate.view, &mut certificate.seq, &mut certificate.digest);
    let counted =
        certificate.seq == seq && certificate.digest == batch.digest() && recount::is_committed(chain, &certificate);
    let committed = CommittedBatch { seq, batch, transactions: Vec::new(), certificate };
    agree(chain, Message::Supply(chain.signed(Supply::Committed(vec![committed]), id(0))), counted)
}

fn prepared(chain: &Chain, choices: &mut Choices<'_>) -> bool {
    let mut certificate =
        chain.prepared(View::new(choices.below(6) as u64), seq(choices), batch(choices.number()).digest());
    alter_place(choices, &mut certificate.view, &mut certificate.seq, &mut certificate.digest);
    let payload = tetrarch_types::encode(&(certificate.view, certificate.seq, certificate.digest));
    let primary = chain.membership.primary(certificate.view);
    certificate.pre_prepare = chain.sign_bytes(Domain::PrePrepare, &payload, primary);
    certificate.prepares = votes(chain, choices, Domain::Prepare, &payload);
    if choices.flag() {
        certificate.prepares.retain(|(signer, _)| *signer != primary);
    }
    if choices.rarely(12) {
        let (domain, signer) = (choices.one_of(&DOMAINS), id(choices.below(chain.size() + 1)));
        certificate.pre_prepare = chain.sign_bytes(domain, &payload, signer);
    }
    alter_later(choices, &mut certificate.view, &mut certificate.seq, &mut certificate.digest);
    let view = View::new(choices.below(8) as u64);
    let counted = recount::may_stand_in_view_change(&certificate, view) && recount::is_prepared(chain, &certificate);
    let view_change = ViewChange { view, stable: CheckpointCertificate::genesis(), prepared: vec![certificate] };
    agree(chain, Message::ViewChange(chain.signed(view_change, id(0))), counted)
}

fn checkpoint(chain: &Chain, choices: &mut Choices<'_>) -> bool {
    let state_root = if choices.rarely(8) { Digest::ZERO } else { batch(choices.number()).digest() };
    let number = if choices.rarely(6) { choices.number() } else { 2 * choices.below(6) as u64 };
    let mut certificate = CheckpointCertificate { seq: SeqNum::new(number), state_root, votes: Vec::new() };
    let payload = tetrarch_types::encode(&(certificate.seq, certificate.state_root));
    if !choices.rarely(8) {
        certificate.votes = votes(chain, choices, Domain::Checkpoint, &payload);
    }
    alter_later(choices, &mut View::new(1), &mut certificate.seq, &mut certificate.state_root);
    let counted = recount::is_stable(chain, &certificate);
    agree(chain, Message::Supply(chain.signed(Supply::Stable(certificate), id(0))), counted)
}

/// Another place from the beginning: everything that follows is signed for it.
fn alter_place(choices: &mut Choices<'_>, view: &mut View, seq: &mut SeqNum, digest: &mut Digest) {
    if choices.rarely(8) {
        alter_one(choices, view, seq, digest);
    }
}

/// Another place once everything is signed.
fn alter_later(choices: &mut Choices<'_>, view: &mut View, seq: &mut SeqNum, digest: &mut Digest) {
    if choices.rarely(8) {
        alter_one(choices, view, seq, digest);
    }
}

fn alter_one(choices: &mut Choices<'_>, view: &mut View, seq: &mut SeqNum, digest: &mut Digest) {
    match choices.below(3) {
        0 => *view = View::new(choices.number()),
        1 => *seq = SeqNum::new(choices.number()),
        _ => *digest = Digest::from_bytes([choices.byte(); 32]),
    }
}

/// Votes of any members, then altered up to three times.
fn votes(chain: &Chain, choices: &mut Choices<'_>, domain: Domain, payload: &[u8]) -> Votes {
    let absent = if choices.flag() { choices.below(chain.size() + 1) } else { chain.size() };
    let voters = chain.ids().filter(|it| it.index() != absent);
    let mut votes: Votes = voters.map(|voter| (voter, chain.sign_bytes(domain, payload, voter))).collect();
    votes.truncate(chain.size().saturating_sub(choices.below(4)));
    for _ in 0..choices.below(4) {
        alter_votes(chain, choices, domain, payload, &mut votes);
    }
    votes
}

fn alter_votes(chain: &Chain, choices: &mut Choices<'_>, domain: Domain, payload: &[u8], votes: &mut Votes) {
    let (one, other) = (choices.below(votes.len()), choices.below(votes.len()));
    let Some((signer, signature)) = votes.get(one).copied() else { return };
    match choices.below(8) {
        // A signer repeated, beside itself or elsewhere; one dropped; two exchanged, whole or their signatures.
        0 => votes.insert(one, (signer, signature)),
        1 => votes.insert(other, (signer, signature)),
        2 => drop(votes.remove(one)),
        3 => votes.swap(one, other),
        4 => votes[one].1 = votes[other].1,
        // A stranger, with a signature of its own or a member's.
        5 => {
            let stranger = id(chain.size() + choices.below(3));
            let own = chain.sign_bytes(domain, payload, stranger);
            votes.push((stranger, if choices.flag() { own } else { signature }));
        }
        6 => votes[one].1 = chain.sign_bytes(choices.one_of(&DOMAINS), payload, signer),
        _ => {
            let mut bytes = *signature.as_bytes();
            bytes[choices.below(64)] ^= 1 << choices.below(8);
            votes[one].1 = Signature::from_bytes(bytes);
        }
    }
}
