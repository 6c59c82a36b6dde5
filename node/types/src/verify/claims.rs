//! The form of each message, and the signatures that it rests on.

use std::collections::BTreeSet;

use tetrarch_crypto::state_tree::Prefix;
use tetrarch_crypto::{Claim, Scope, Signature, mutated};

use super::{Rejection, Verifier};
use crate::{
    Batch, Checkpoint, CheckpointCertificate, Commit, CommitCertificate, CommittedBatch, Fetch, Held, HeldVote,
    Membership, Message, NewView, PrePrepare, Prepare, PreparedCertificate, Proposal, ReplicaId, SeqNum, Signable,
    Signed, StatePart, Supply, Transaction, View, ViewChange, Votes, limits,
};

type Claims = Result<Vec<Claim>, Rejection>;

pub(super) fn of_message(message: &Message, membership: &Membership, verifier: &Verifier) -> Claims {
    let mut list = Collector { membership, claims: Vec::new() };
    match message {
        Message::PrePrepare(proposal) => list.proposal(proposal)?,
        Message::Prepare(signed) => list.vote_of_backup(signed)?,
        Message::Commit(signed) if mutated!(CommitNotVerified) && membership.contains(signed.signer) => {}
        Message::Commit(signed) => list.signed(signed)?,
        Message::Checkpoint(signed) => list.signed(signed)?,
        Message::ViewChange(signed) => list.view_change(signed)?,
        Message::NewView(signed) => list.new_view(signed)?,
        Message::Status(signed) => list.signed(signed)?,
        Message::Fetch(signed) => list.fetch(signed)?,
        Message::Supply(signed) => list.supply(signed, verifier)?,
    }
    Ok(list.claims)
}

pub(super) fn of_transaction(
    transaction: &Transaction,
    scope: &Scope,
    verifier: &Verifier,
) -> Result<Claim, Rejection> {
    if transaction.body.chain != scope.genesis {
        return Err(Rejection::WrongChain);
    }
    if transaction.body.command.len() > limits::MAX_COMMAND_BYTES {
        return Err(Rejection::TooLarge);
    }
    verifier.check_sender(&transaction.body.sender)?;
    Ok(transaction.claim(scope))
}

/// The signatures under a checkpoint certificate, if its form is right.
pub(super) fn of_checkpoint_certificate(certificate: &CheckpointCertificate, membership: &Membership) -> Claims {
    let mut list = Collector { membership, claims: Vec::new() };
    list.checkpoint(certificate)?;
    Ok(list.claims)
}

/// Gathers the claims of one message; every method refuses what is malformed.
struct Collector<'a> {
    membership: &'a Membership,
    claims: Vec<Claim>,
}

impl Collector<'_> {
    fn claim<T: Signable>(&mut self, payload: &T, signer: ReplicaId, signature: Signature) -> Result<(), Rejection> {
        self.claim_bytes(payload.signing_bytes(self.membership.scope()), signer, signature)
    }

    fn claim_bytes(&mut self, message: Vec<u8>, signer: ReplicaId, signature: Signature) -> Result<(), Rejection> {
        let key = *self.membership.key(signer).ok_or(Rejection::NotAMember(signer))?;
        self.claims.push(Claim { key, message, signature });
        Ok(())
    }

    fn signed<T: Signable>(&mut self, signed: &Signed<T>) -> Result<(), Rejection> {
        self.claim(&signed.payload, signed.signer, signed.signature)
    }

    /// Distinct members, ascending, at least `need` of them, all stating `payload` (rule Q-2).
    fn votes<T: Signable>(&mut self, payload: &T, votes: &Votes, need: usize) -> Result<(), Rejection> {
        let is_next =
            |one: &ReplicaId, next: &ReplicaId| one < next || (one == next && mutated!(RepeatedSignersCertified));
        if !votes.is_sorted_by(|(one, _), (next, _)| is_next(one, next)) {
            return Err(Rejection::UnorderedVotes);
        }
        if votes.len() < need {
            return Err(Rejection::TooFewVotes { have: votes.len(), need });
        }
        let message = payload.signing_bytes(self.membership.scope());
        votes.iter().try_for_each(|(signer, signature)| self.claim_bytes(message.clone(), *signer, *signature))
    }

    fn primary(&self, view: View, signer: ReplicaId) -> Result<(), Rejection> {
        if self.membership.primary(view) == signer { Ok(()) } else { Err(Rejection::WrongPrimary) }
    }

    /// Rule N-2: the primary of its view signs it, and it names this very batch.
    fn proposal(&mut self, proposal: &Proposal) -> Result<(), Rejection> {
        let PrePrepare { view, digest, .. } = proposal.pre_prepare.payload;
        self.primary(view, proposal.pre_prepare.signer)?;
        batch(&proposal.batch)?;
        if proposal.batch.digest() != digest {
            return Err(Rejection::WrongDigest);
        }
        self.signed(&proposal.pre_prepare)
    }

    /// Rule N-4: the primary's PRE-PREPARE is its PREPARE, so a PREPARE of the primary counts for nothing.
    fn vote_of_backup(&mut self, signed: &Signed<Prepare>) -> Result<(), Rejection> {
        if self.membership.primary(signed.payload.view) == signed.signer && !mutated!(PrimaryCountedTwice) {
            return Err(Rejection::WrongPrimary);
        }
        self.signed(signed)
    }

    fn prepared(&mut self, certificate: &PreparedCertificate) -> Result<(), Rejection> {
        let PreparedCertificate { view, seq, digest, .. } = *certificate;
        let primary = self.membership.primary(view);
        if certificate.prepares.iter().any(|(signer, _)| *signer == primary) && !mutated!(PrimaryCountedTwice) {
            return Err(Rejection::WrongPrimary);
        }
        self.claim(&PrePrepare { view, seq, digest }, primary, certificate.pre_prepare)?;
        let need = self.membership.quorum() - 1 - usize::from(mutated!(PrepareQuorumTooSmall));
        self.votes(&Prepare { view, seq, digest }, &certificate.prepares, need)
    }

    fn committed(&mut self, certificate: &CommitCertificate) -> Result<(), Rejection> {
        let CommitCertificate { view, seq, digest, .. } = *certificate;
        let need = self.membership.quorum() - usize::from(mutated!(CommitQuorumTooSmall));
        self.votes(&Commit { view, seq, digest }, &certificate.commits, need)
    }

    fn checkpoint(&mut self, certificate: &CheckpointCertificate) -> Result<(), Rejection> {
        if certificate.is_genesis() {
            return Ok(());
        }
        let CheckpointCertificate { seq, state_root, .. } = *certificate;
        if seq == SeqNum::ZERO || !seq.is_multiple_of(self.membership.parameters().checkpoint_interval) {
            return Err(Rejection::MisplacedCertificate);
        }
        let need = if mutated!(StableAtWeakQuorum) { self.membership.weak_quorum() } else { self.membership.quorum() };
        self.votes(&Checkpoint { seq, state_root }, &certificate.votes, need)
    }

    /// Rule V-3: prepared certificates of earlier views, one for a sequence number, ascending, inside the window.
    fn view_change(&mut self, signed: &Signed<ViewChange>) -> Result<(), Rejection> {
        let ViewChange { view, stable, prepared } = &signed.payload;
        let top = stable.seq.plus(self.membership.parameters().window);
        let placed = prepared.iter().all(|it| it.view < *view && it.seq > stable.seq && it.seq <= top);
        if !placed || !prepared.is_sorted_by(|one, next| one.seq < next.seq) {
            return Err(Rejection::MisplacedCertificate);
        }
        self.checkpoint(stable)?;
        if !mutated!(PreparedNotVerified) {
            prepared.iter().try_for_each(|certificate| self.prepared(certificate))?;
        }
        self.signed(signed)
    }

    /// Rule V-5: the view's primary shows exactly q VIEW-CHANGEs of distinct members for this view. Whether the re-proposals
    /// follow from them is the replica's to recompute (rule V-6).
    fn new_view(&mut self, signed: &Signed<NewView>) -> Result<(), Rejection> {
        let NewView { view, view_changes, proposals } = &signed.payload;
        self.primary(*view, signed.signer)?;
        let need = if mutated!(NewViewFromOneViewChange) { 1 } else { self.membership.quorum() };
        if view_changes.len() != need {
            return Err(Rejection::TooFewVotes { have: view_changes.len(), need });
        }
        if !view_changes.is_sorted_by(|one, next| one.signer < next.signer) {
            return Err(Rejection::UnorderedVotes);
        }
        let stray = |proposal: &Signed<PrePrepare>| proposal.payload.view != *view || proposal.signer != signed.signer;
        if view_changes.iter().any(|it| it.payload.view != *view) || proposals.iter().any(stray) {
            return Err(Rejection::MisplacedCertificate);
        }
        if proposals.len() as u64 > limits::MAX_WINDOW.saturating_mul(2) {
            return Err(Rejection::TooMany);
        }
        view_changes.iter().try_for_each(|view_change| self.view_change(view_change))?;
        proposals.iter().try_for_each(|proposal| self.signed(proposal))?;
        self.signed(signed)
    }

    fn fetch(&mut self, signed: &Signed<Fetch>) -> Result<(), Rejection> {
        match &signed.payload {
            Fetch::Transactions(ids) if ids.len() > limits::MAX_FETCH_TRANSACTIONS => Err(Rejection::TooMany),
            Fetch::State { parts, .. } if parts.len() > limits::MAX_STATE_PARTS => Err(Rejection::TooMany),
            Fetch::State { parts, .. } if !parts.iter().all(Prefix::is_valid) => Err(Rejection::BadPlace),
            _ => self.signed(signed),
        }
    }

    fn supply(&mut self, signed: &Signed<Supply>, verifier: &Verifier) -> Result<(), Rejection> {
        match &signed.payload {
            Supply::Transactions(transactions) => {
                if transactions.len() > limits::MAX_BATCH_TRANSACTIONS {
                    return Err(Rejection::TooMany);
                }
                self.bodies(transactions, verifier)?;
            }
            Supply::Batch { batch, transactions } => self.batch_with_bodies(batch, transactions, verifier)?,
            Supply::Committed(batches) => {
                if batches.len() > limits::MAX_SUPPLY_BATCHES {
                    return Err(Rejection::TooMany);
                }
                batches.iter().try_for_each(|committed| self.committed_batch(committed, verifier))?;
            }
            Supply::Held(held) => self.held(held)?,
            Supply::State { parts, .. } => state_parts(parts)?,
            Supply::NoState { .. } => {}
            Supply::Stable(certificate) => self.checkpoint(certificate)?,
            Supply::Draft { batch, .. } => self::batch(batch)?,
        }
        self.signed(signed)
    }

    /// Rule A-1: votes of one member, each with its own signature.
    fn held(&mut self, held: &Held) -> Result<(), Rejection> {
        let most = self.membership.parameters().window.saturating_mul(4);
        if held.votes.len() as u64 > most {
            return Err(Rejection::TooMany);
        }
        let is_stray = |vote: &HeldVote| vote.signer() != held.about;
        if held.votes.iter().any(is_stray) || held.view_change.as_ref().is_some_and(|it| it.signer != held.about) {
            return Err(Rejection::MisplacedCertificate);
        }
        self.checkpoint(&held.stable)?;
        for vote in &held.votes {
            match vote {
                HeldVote::PrePrepare(signed) => self.signed(signed)?,
                HeldVote::Prepare(signed) => self.signed(signed)?,
                HeldVote::Commit(signed) => self.signed(signed)?,
            }
        }
        held.view_change.as_ref().map_or(Ok(()), |view_change| self.view_change(view_change))
    }

    fn committed_batch(&mut self, committed: &CommittedBatch, verifier: &Verifier) -> Result<(), Rejection> {
        let certificate = &committed.certificate;
        if certificate.seq != committed.seq || certificate.digest != committed.batch.digest() {
            return Err(Rejection::WrongDigest);
        }
        self.committed(certificate)?;
        self.batch_with_bodies(&committed.batch, &committed.transactions, verifier)
    }

    fn batch_with_bodies(
        &mut self,
        named: &Batch,
        bodies: &[Transaction],
        verifier: &Verifier,
    ) -> Result<(), Rejection> {
        batch(named)?;
        if !named.transactions.iter().copied().eq(bodies.iter().map(Transaction::id)) {
            return Err(Rejection::WrongBodies);
        }
        self.bodies(bodies, verifier)
    }

    fn bodies(&mut self, bodies: &[Transaction], verifier: &Verifier) -> Result<(), Rejection> {
        for body in bodies {
            self.claims.push(of_transaction(body, self.membership.scope(), verifier)?);
        }
        Ok(())
    }
}

/// Places that exist, and no more of them than may be asked for. What is there is judged by whoever knows the digest due.
fn state_parts(parts: &[(Prefix, StatePart)]) -> Result<(), Rejection> {
    if parts.len() > limits::MAX_STATE_PARTS {
        return Err(Rejection::TooMany);
    }
    if parts.iter().all(|(place, _)| place.is_valid()) { Ok(()) } else { Err(Rejection::BadPlace) }
}

/// Rule N-3, the part that needs no state: bounded, and no transaction twice.
fn batch(batch: &Batch) -> Result<(), Rejection> {
    let distinct: BTreeSet<_> = batch.transactions.iter().collect();
    if batch.transactions.len() > limits::MAX_BATCH_TRANSACTIONS || distinct.len() != batch.transactions.len() {
        return Err(Rejection::BadBatch);
    }
    Ok(())
}
