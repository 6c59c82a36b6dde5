//! No honest replica ever signs two conflicting statements, nor votes in a view that it gave up: across all its restarts.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_crypto::Digest;
use tetrarch_types::{Message, PrePrepare, ReplicaId, SeqNum, View};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// What is said at most once at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A PRE-PREPARE or PREPARE: the replica's one voice in the first two phases.
    Accept,
    Commit,
    Checkpoint,
}

type Place = (ReplicaId, Kind, View, SeqNum);

/// See the module.
#[derive(Default)]
pub(super) struct Promises {
    said: BTreeMap<Place, Digest>,
    /// The highest view that each replica moved to by a VIEW-CHANGE.
    moved: BTreeMap<ReplicaId, View>,
    /// The view of each NEW-VIEW sent, with the digests of what it proposes.
    started: BTreeMap<(ReplicaId, View), Vec<(SeqNum, Digest)>>,
    /// Replicas that forgot promises and may not know it: faulty, as far as these go.
    ///
    /// Of those that know it one thing is not demanded either: that they keep out of views which they left by a VIEW-CHANGE before the
    /// loss. Nobody holds a VIEW-CHANGE durably for another, so when those that had it have been down as well, none of the answers
    /// to rule A-3 shows it. Such a replica is one of the f for that.
    forgetful: BTreeSet<ReplicaId>,
}

impl Promises {
    fn say(&mut self, by: ReplicaId, kind: Kind, view: View, seq: SeqNum, digest: Digest) -> Verdict {
        let place = (by, kind, view, seq);
        match self.said.get(&place) {
            Some(held) => {
                let held = *held;
                return ensure(held == digest, || {
                    format!("replica {by} said {digest:?} after {held:?}: {kind:?} at {seq} in view {view}")
                });
            }
            None => self.said.insert(place, digest),
        };
        let moved = self.moved.get(&by).copied().unwrap_or_default();
        ensure(kind == Kind::Checkpoint || view >= moved, || {
            format!("replica {by} votes first at {seq} in view {view} after it moved to view {moved}: {kind:?}")
        })?;
        self.fits_other_phase(place, digest)
    }

    /// A COMMIT is for what was accepted before, in the same view.
    fn fits_other_phase(&self, (by, kind, view, seq): Place, digest: Digest) -> Verdict {
        let other = if kind == Kind::Commit { Kind::Accept } else { Kind::Commit };
        let held = self.said.get(&(by, other, view, seq));
        let fits = kind == Kind::Checkpoint || held.is_none_or(|held| *held == digest);
        ensure(fits, || format!("replica {by} accepts one batch and commits another at {seq} in view {view}"))
    }

    fn propose(&mut self, by: ReplicaId, PrePrepare { view, seq, digest }: PrePrepare) -> Verdict {
        self.say(by, Kind::Accept, view, seq, digest)
    }

    fn start(&mut self, by: ReplicaId, view: View, proposals: Vec<(SeqNum, Digest)>) -> Verdict {
        let held = self.started.entry((by, view)).or_insert_with(|| proposals.clone());
        ensure(*held == proposals, || format!("replica {by} starts view {view} twice, differently"))
    }

    fn hear(&mut self, by: ReplicaId, message: &Message) -> Verdict {
        match message {
            Message::PrePrepare(proposal) => self.propose(by, proposal.pre_prepare.payload),
            Message::Prepare(signed) => {
                let vote = signed.payload;
                self.say(by, Kind::Accept, vote.view, vote.seq, vote.digest)
            }
            Message::Commit(signed) => {
                let vote = signed.payload;
                self.say(by, Kind::Commit, vote.view, vote.seq, vote.digest)
            }
            Message::Checkpoint(signed) => {
                self.say(by, Kind::Checkpoint, View::ZERO, signed.payload.seq, signed.payload.state_root)
            }
            Message::ViewChange(signed) => {
                let moved = self.moved.entry(by).or_default();
                *moved = (*moved).max(signed.payload.view);
                Ok(())
            }
            Message::NewView(signed) => {
                let proposals = signed.payload.proposals.iter();
                self.start(
                    by,
                    signed.payload.view,
                    proposals.clone().map(|it| (it.payload.seq, it.payload.digest)).collect(),
                )?;
                proposals.clone().try_for_each(|it| self.propose(by, it.payload))
            }
            _ => Ok(()),
        }
    }
}

impl Oracle for Promises {
    fn name(&self) -> &'static str {
        "promises"
    }

    fn outlives_f(&self) -> bool {
        true
    }

    fn see(&mut self, sight: &Sight, _rules: &Rules) -> Verdict {
        match sight {
            // What it passes on for others is their promise.
            Sight::Sent { by, message } if message.open().signer() == *by && !self.forgetful.contains(by) => {
                self.hear(*by, message.open())
            }
            Sight::Forgot { by, shows } => {
                // The window protects what it voted (rule A-3). Which views it left it can only be told by those who still know; that
                // none of them does counts as a fault of its own, and the harness counts it so.
                self.moved.remove(by);
                if !shows {
                    self.forgetful.insert(*by);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
