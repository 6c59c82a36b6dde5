//! With more than f faulty replicas nothing keeps the order from forking; but a fork names those who made it: from what honest
//! replicas hold, at least f + 1 replicas are convicted by statements that they signed themselves, and no honest one ever is.
//!
//! Two commit certificates for one number and different batches convict (Sheng et al., "BFT Protocol Forensics", CCS 2021):
//!
//! - of the same view, whoever signed both;
//! - of views v < w, where u is the first view above v, up to w, whose NEW-VIEW does not propose that batch again: whoever signed
//!   the COMMIT in v, and in u's NEW-VIEW a VIEW-CHANGE that hides it, or a PREPARE for another batch in v that it shows.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_crypto::Digest;
use tetrarch_replica::Record;
use tetrarch_types::{
    Commit, CommitCertificate, Message, NewView, PreparedCertificate, ReplicaId, SeqNum, Signed, Supply, View,
    ViewChange,
};

use super::{Oracle, Rules, Verdict, ensure};
use crate::counters::Counters;
use crate::sight::Sight;

/// Numbers at which honest replicas decided different batches.
pub const FORKS: &str = "forks";

/// Who decided what at one number, by view and digest.
type Decisions = BTreeMap<(View, Digest), BTreeSet<ReplicaId>>;

/// See the module.
#[derive(Default)]
pub(super) struct Accountability {
    decided: BTreeMap<SeqNum, Decisions>,
    /// The NEW-VIEWs that honest replicas hold; a lying primary may have started its view in more than one way.
    started: BTreeMap<View, Vec<NewView>>,
}

impl Accountability {
    fn decide(&mut self, it: &CommitCertificate, rules: &Rules) -> Verdict {
        let CommitCertificate { view, seq, digest, .. } = *it;
        let signers = self.decided.entry(seq).or_default().entry((view, digest)).or_default();
        let before = signers.len();
        // A certificate that does not hold convicts nobody; that honest replicas hold none is for `certificates` to see.
        let holding =
            it.commits.iter().filter(|(id, with)| rules.has_signed(*id, &Commit { view, seq, digest }, *with));
        signers.extend(holding.map(|(id, _)| *id));
        if signers.len() == before { Ok(()) } else { self.judge(seq, rules, false) }
    }

    fn start(&mut self, it: &Signed<NewView>) {
        let held = self.started.entry(it.payload.view).or_default();
        if !held.contains(&it.payload) {
            held.push(it.payload.clone());
        }
    }

    /// That whoever is convicted over this number is faulty, and, once everything has been seen, that a fork convicts enough.
    fn judge(&self, seq: SeqNum, rules: &Rules, is_over: bool) -> Verdict {
        let Some(fork) = self.fork(seq) else { return Ok(()) };
        let convicted = self.convicted(seq, fork, rules);
        let wronged = convicted.iter().find(|id| rules.is_honest(**id));
        ensure(wronged.is_none(), || format!("the fork at {seq} convicts {wronged:?}, which is honest"))?;
        ensure(!is_over || convicted.len() > rules.f(), || {
            let need = rules.f() + 1;
            format!("the fork at {seq} convicts {convicted:?} only, where {need} must have lied")
        })
    }

    /// The conflicting decisions of the lowest views: certificates of two batches.
    fn fork(&self, seq: SeqNum) -> Option<((View, Digest), (View, Digest))> {
        let decisions = self.decided.get(&seq)?;
        let first = *decisions.keys().next()?;
        let second = *decisions.keys().find(|(_, digest)| *digest != first.1)?;
        Some((first, second))
    }

    fn convicted(
        &self,
        seq: SeqNum,
        (first, second): ((View, Digest), (View, Digest)),
        rules: &Rules,
    ) -> BTreeSet<ReplicaId> {
        let deciders =
            |of: &(View, Digest)| self.decided.get(&seq).and_then(|it| it.get(of)).cloned().unwrap_or_default();
        let committed = deciders(&first);
        if first.0 == second.0 {
            return committed.intersection(&deciders(&second)).copied().collect();
        }
        let between = self.started.range(first.0.next()..=second.0);
        let departing = between.flat_map(|(_, started)| started).find(|it| departs(it, seq, first.1));
        let shown = || departing.iter().flat_map(|it| &it.view_changes);
        let hiding = shown().filter(|it| hides(&it.payload, seq, first)).map(|it| it.signer);
        let preparing = shown().flat_map(|it| &it.payload.prepared).filter(|it| contradicts(it, seq, first));
        let preparing = preparing.flat_map(|it| it.prepares.iter().map(|(id, _)| *id).chain([rules.primary(it.view)]));
        hiding.chain(preparing).filter(|id| committed.contains(id)).collect()
    }
}

/// Whether a view that begins below this place starts with something else there, or leaves it open.
fn departs(it: &NewView, seq: SeqNum, digest: Digest) -> bool {
    let begins_below = it.view_changes.iter().all(|it| it.payload.stable.seq < seq);
    begins_below && !it.proposals.iter().any(|it| it.payload.seq == seq && it.payload.digest == digest)
}

/// Whether another batch was prepared at this number in the same view.
fn contradicts(it: &PreparedCertificate, seq: SeqNum, (view, digest): (View, Digest)) -> bool {
    it.seq == seq && it.view == view && it.digest != digest
}

/// Whether a VIEW-CHANGE says nothing of what was prepared at this number in that view, nor of anything later.
fn hides(it: &ViewChange, seq: SeqNum, (view, digest): (View, Digest)) -> bool {
    let prepared = it.prepared.iter().find(|it| it.seq == seq);
    it.stable.seq < seq && prepared.is_none_or(|it| it.view < view || (it.view == view && it.digest != digest))
}

impl Oracle for Accountability {
    fn name(&self) -> &'static str {
        "accountability"
    }

    fn outlives_f(&self) -> bool {
        true
    }

    fn see(&mut self, sight: &Sight, rules: &Rules) -> Verdict {
        match sight {
            Sight::Executing { batch, .. } => self.decide(&batch.certificate, rules),
            Sight::Recorded { record: Record::Entered(signed), .. } => {
                self.start(signed);
                Ok(())
            }
            Sight::Sent { message, .. } => match message.open() {
                Message::NewView(signed) => {
                    self.start(signed);
                    Ok(())
                }
                Message::Supply(Signed { payload: Supply::Committed(batches), .. }) => {
                    batches.iter().try_for_each(|batch| self.decide(&batch.certificate, rules))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn conclude(&mut self, rules: &Rules) -> Verdict {
        self.decided.keys().try_for_each(|seq| self.judge(*seq, rules, true))
    }

    fn figures(&self) -> Counters {
        Counters::from([(FORKS, self.decided.keys().filter(|seq| self.fork(**seq).is_some()).count() as u64)])
    }
}
