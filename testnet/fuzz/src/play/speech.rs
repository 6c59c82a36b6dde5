//! What the other members say, made of what the stage knows.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use tetrarch_crypto::Digest;
use tetrarch_types::{
    Batch, Checkpoint, CheckpointCertificate, Commit, CommittedBatch, Fetch, Held, HeldVote, Message, MessageKind,
    NewView, PrePrepare, Prepare, Proposal, ReplicaId, SeqNum, Signed, Supply, Transaction, View, ViewChange,
};

use super::Node;
use crate::chain::{WINDOW, id};
use crate::naive::reproposals::reproposals;

/// A batch with its bodies.
pub(super) type Content = (Batch, Vec<Transaction>);

pub(super) fn proposal(node: &Node, view: View, seq: SeqNum, batch: Batch) -> Message {
    let assignment = PrePrepare { view, seq, digest: batch.digest() };
    let primary = node.chain.membership.primary(view);
    Message::PrePrepare(Proposal { pre_prepare: node.chain.signed(assignment, primary), batch })
}

/// One vote of a kind.
pub(super) fn vote(node: &Node, kind: MessageKind, place: (View, SeqNum, Digest), voter: ReplicaId) -> Message {
    let (view, seq, digest) = place;
    let chain = &node.chain;
    match kind {
        MessageKind::Prepare => Message::Prepare(chain.signed(Prepare { view, seq, digest }, voter)),
        MessageKind::Commit => Message::Commit(chain.signed(Commit { view, seq, digest }, voter)),
        _ => Message::Checkpoint(chain.signed(Checkpoint { seq, state_root: digest }, voter)),
    }
}

/// What was assigned, by place.
pub(super) type Assigned = std::collections::BTreeMap<(View, SeqNum), Digest>;

/// A VIEW-CHANGE over everything that was assigned above a checkpoint, shown as prepared, if it shows anything.
pub(super) fn view_change(
    node: &Node,
    view: View,
    stable: CheckpointCertificate,
    assigned: Option<&Assigned>,
) -> ViewChange {
    let low = stable.seq;
    let latest = |seq: SeqNum| -> Option<(View, Digest)> {
        let all = assigned.into_iter().flatten().filter(|((of, at), _)| *at == seq && *of < view);
        all.map(|((of, _), digest)| (*of, *digest)).max_by_key(|(of, _)| *of)
    };
    let prepared = (1..=WINDOW).map(|offset| low.plus(offset)).filter(|seq| *seq > low);
    let prepared =
        prepared.filter_map(|seq| latest(seq).map(|(of, digest)| node.chain.prepared(of, seq, digest))).collect();
    ViewChange { view, stable, prepared }
}

/// A NEW-VIEW that follows from VIEW-CHANGEs, or lies about it.
pub(super) fn new_view(node: &Node, view: View, view_changes: Vec<Signed<ViewChange>>, lie: u8) -> Message {
    let mut proposals = reproposals(view, &view_changes);
    match lie {
        0..=199 => {}
        200..=219 => drop(proposals.pop()),
        220..=239 => {
            let last = proposals.last().map_or(SeqNum::ZERO, |it| it.seq);
            proposals.push(PrePrepare { view, seq: last.next(), digest: Digest::from_bytes([lie; 32]) });
        }
        _ => proposals.iter_mut().for_each(|it| it.digest = Digest::from_bytes([lie; 32])),
    }
    let primary = node.chain.membership.primary(view);
    let proposals = proposals.into_iter().map(|it| node.chain.signed(it, primary)).collect();
    Message::NewView(node.chain.signed(NewView { view, view_changes, proposals }, primary))
}

/// The votes among what the replica said, as its peers hold them: for each kind and number the one for the highest view (rule B-1). A bit
/// left out of `leaves` leaves out a vote.
pub(super) fn held(node: &Node, stable: CheckpointCertificate, leaves: u8) -> Held {
    let mut votes: Vec<HeldVote> = Vec::new();
    let mut view_change: Option<Box<Signed<ViewChange>>> = None;
    for said in node.said.iter().rev() {
        match said {
            Message::PrePrepare(it) => votes.push(HeldVote::PrePrepare(it.pre_prepare.clone())),
            Message::Prepare(it) => votes.push(HeldVote::Prepare(it.clone())),
            Message::Commit(it) => votes.push(HeldVote::Commit(it.clone())),
            Message::NewView(it) => votes.extend(it.payload.proposals.iter().cloned().map(HeldVote::PrePrepare)),
            Message::ViewChange(it) if view_change.is_none() => view_change = Some(Box::new(it.clone())),
            _ => {}
        }
    }
    // An honest replica does not lead the others (rule A-3): where it was when it spoke, they are.
    let moved = view_change.iter().map(|it| it.payload.view);
    let spoke = votes.iter().map(|vote| vote.place().0).chain(moved).max().unwrap_or_default();
    let view = spoke.max(node.replica.status().view);
    // One restored from a copy has said something older last.
    votes.sort_by_key(|vote| Reverse(vote.place().0));
    let mut seen = BTreeSet::new();
    votes.retain(|vote| {
        let (_, seq) = vote.place();
        seq > stable.seq && seen.insert((kind_of(vote), seq))
    });
    let mut position = 0;
    votes.retain(|_| {
        position += 1;
        leaves >> (position % 8) & 1 == 0
    });
    votes.truncate(4 * WINDOW as usize);
    Held { about: node.own(), start: node.start_number(), view, stable, votes, view_change }
}

const fn kind_of(vote: &HeldVote) -> MessageKind {
    match vote {
        HeldVote::PrePrepare(_) => MessageKind::PrePrepare,
        HeldVote::Prepare(_) => MessageKind::Prepare,
        HeldVote::Commit(_) => MessageKind::Commit,
    }
}

pub(super) fn committed(node: &Node, view: View, seq: SeqNum, (batch, transactions): Content) -> CommittedBatch {
    let certificate = node.chain.committed(view, seq, batch.digest());
    CommittedBatch { seq, batch, transactions, certificate }
}

pub(super) fn supply(node: &Node, supply: Supply) -> Message {
    Message::Supply(node.chain.signed(supply, other(node, 1)))
}

pub(super) fn fetch(node: &Node, fetch: Fetch, from: ReplicaId) -> Message {
    Message::Fetch(node.chain.signed(fetch, from))
}

/// A member that is not the replica.
pub(super) fn other(node: &Node, number: usize) -> ReplicaId {
    let size = node.chain.size();
    id((node.own().index() + 1 + number % (size - 1)) % size)
}
