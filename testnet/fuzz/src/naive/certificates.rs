//! Who voted for what, counted one by one.

use std::collections::BTreeSet;

use tetrarch_crypto::{Digest, Domain, Signature};
use tetrarch_types::{
    CheckpointCertificate, CommitCertificate, PreparedCertificate, ReplicaId, SeqNum, View, Votes, encode,
};

use crate::chain::{Chain, INTERVAL, WINDOW};

/// The largest f with 3f < n.
pub(crate) fn faults(size: usize) -> usize {
    (0..size).take_while(|faults| 3 * faults < size).last().unwrap_or(0)
}

/// The smallest number of replicas of which any two groups share more than f.
pub(crate) fn quorum(size: usize) -> usize {
    let shares_enough = |group: &usize| 2 * group > size + faults(size);
    (1..=size).find(shares_enough).unwrap_or(size)
}

/// Whose turn a view is.
pub(crate) fn primary(size: usize, view: View) -> ReplicaId {
    let number = view.get() % size as u64;
    ReplicaId::new(u16::try_from(number).unwrap_or(u16::MAX))
}

/// Whether a member signed this.
pub(crate) fn is_signed(
    chain: &Chain,
    domain: Domain,
    payload: &[u8],
    signer: ReplicaId,
    signature: &Signature,
) -> bool {
    signer.index() < chain.size() && chain.sign_bytes(domain, payload, signer) == *signature
}

/// Every vote holds, each member's stands once, they ascend, and there are at least so many.
fn enough(chain: &Chain, domain: Domain, payload: &[u8], votes: &Votes, need: usize) -> bool {
    let voters: BTreeSet<u16> = votes.iter().map(|(voter, _)| voter.get()).collect();
    let ascends = voters.iter().copied().eq(votes.iter().map(|(voter, _)| voter.get()));
    let hold = votes.iter().all(|(voter, signature)| is_signed(chain, domain, payload, *voter, signature));
    ascends && hold && voters.len() >= need
}

fn statement(view: View, seq: SeqNum, digest: Digest) -> Vec<u8> {
    encode(&(view.get(), seq.get(), digest))
}

pub(crate) fn is_committed(chain: &Chain, it: &CommitCertificate) -> bool {
    enough(chain, Domain::Commit, &statement(it.view, it.seq, it.digest), &it.commits, quorum(chain.size()))
}

/// The primary's PRE-PREPARE and the PREPAREs of others: a quorum together.
pub(crate) fn is_prepared(chain: &Chain, it: &PreparedCertificate) -> bool {
    let payload = statement(it.view, it.seq, it.digest);
    let primary = primary(chain.size(), it.view);
    is_signed(chain, Domain::PrePrepare, &payload, primary, &it.pre_prepare)
        && it.prepares.iter().all(|(voter, _)| *voter != primary)
        && enough(chain, Domain::Prepare, &payload, &it.prepares, quorum(chain.size()) - 1)
}

/// Whether a VIEW-CHANGE to this view above the start of the chain has room for it.
pub(crate) fn may_stand_in_view_change(it: &PreparedCertificate, view: View) -> bool {
    it.view < view && (1..=WINDOW).contains(&it.seq.get())
}

/// The start of the chain, or a quorum's word at a multiple of the interval.
pub(crate) fn is_stable(chain: &Chain, it: &CheckpointCertificate) -> bool {
    if it.seq.get() == 0 {
        return it.state_root == Digest::ZERO && it.votes.is_empty();
    }
    let payload = encode(&(it.seq.get(), it.state_root));
    it.seq.get().is_multiple_of(INTERVAL)
        && enough(chain, Domain::Checkpoint, &payload, &it.votes, quorum(chain.size()))
}
