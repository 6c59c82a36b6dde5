//! Every certificate that an honest replica acts on or passes on is counted and verified again.

use std::collections::BTreeSet;

use tetrarch_crypto::{Digest, Signature};
use tetrarch_replica::Record;
use tetrarch_types::{
    Checkpoint, CheckpointCertificate, Commit, CommitCertificate, Message, NewView, PrePrepare, Prepare,
    PreparedCertificate, Supply, ViewChange,
};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module. Certificates travel often: those found good are remembered by all that they say.
#[derive(Default)]
pub(super) struct Certificates {
    good: BTreeSet<(u64, u64, Digest, Vec<Signature>)>,
}

impl Certificates {
    fn is_known(&mut self, view: u64, seq: u64, digest: Digest, signatures: Vec<Signature>) -> bool {
        !self.good.insert((view, seq, digest, signatures))
    }

    fn committed(&mut self, it: &CommitCertificate, rules: &Rules) -> Verdict {
        let CommitCertificate { view, seq, digest, .. } = *it;
        if self.is_known(view.get(), seq.get(), digest, signatures(&it.commits)) {
            return Ok(());
        }
        let counted = rules.count(&Commit { view, seq, digest }, &it.commits, rules.quorum());
        counted.map_err(|what| format!("the commit certificate for {seq} in view {view}: {what}"))
    }

    fn prepared(&mut self, it: &PreparedCertificate, rules: &Rules) -> Verdict {
        let PreparedCertificate { view, seq, digest, pre_prepare, .. } = *it;
        let mut all = signatures(&it.prepares);
        all.push(pre_prepare);
        if self.is_known(view.get(), seq.get(), digest, all) {
            return Ok(());
        }
        let primary = rules.primary(view);
        let wrong = |what: &str| format!("the prepared certificate for {seq} in view {view}: {what}");
        let proposed = rules.has_signed(primary, &PrePrepare { view, seq, digest }, pre_prepare);
        ensure(proposed, || wrong("the primary did not propose that batch"))?;
        let by_primary = it.prepares.iter().any(|(signer, _)| *signer == primary);
        ensure(!by_primary, || wrong("the primary's PREPARE is counted beside its PRE-PREPARE"))?;
        let counted = rules.count(&Prepare { view, seq, digest }, &it.prepares, rules.quorum() - 1);
        counted.map_err(|what| wrong(&what))
    }

    fn stable(&mut self, it: &CheckpointCertificate, rules: &Rules) -> Verdict {
        let CheckpointCertificate { seq, state_root, .. } = *it;
        let is_start = seq.get() == 0 && state_root == Digest::ZERO && it.votes.is_empty();
        if is_start || self.is_known(u64::MAX, seq.get(), state_root, signatures(&it.votes)) {
            return Ok(());
        }
        let is_due = seq.get() != 0 && seq.get() % rules.checkpoint_interval == 0;
        ensure(is_due, || format!("a checkpoint certificate for {seq}, where none is due"))?;
        let counted = rules.count(&Checkpoint { seq, state_root }, &it.votes, rules.quorum());
        counted.map_err(|what| format!("the checkpoint certificate for {seq}: {what}"))
    }

    fn view_change(&mut self, it: &ViewChange, rules: &Rules) -> Verdict {
        self.stable(&it.stable, rules)?;
        it.prepared.iter().try_for_each(|certificate| self.prepared(certificate, rules))
    }

    fn new_view(&mut self, it: &NewView, rules: &Rules) -> Verdict {
        it.view_changes.iter().try_for_each(|signed| self.view_change(&signed.payload, rules))
    }

    fn message(&mut self, message: &Message, rules: &Rules) -> Verdict {
        match message {
            Message::ViewChange(signed) => self.view_change(&signed.payload, rules),
            Message::NewView(signed) => self.new_view(&signed.payload, rules),
            Message::Supply(signed) => match &signed.payload {
                Supply::Committed(batches) => {
                    batches.iter().try_for_each(|batch| self.committed(&batch.certificate, rules))
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

fn signatures(votes: &tetrarch_types::Votes) -> Vec<Signature> {
    votes.iter().map(|(_, signature)| *signature).collect()
}

impl Oracle for Certificates {
    fn name(&self) -> &'static str {
        "certificates"
    }

    fn outlives_f(&self) -> bool {
        true
    }

    fn see(&mut self, sight: &Sight, rules: &Rules) -> Verdict {
        match sight {
            Sight::Executing { by, batch } => {
                let certificate = &batch.certificate;
                let is_its = certificate.seq == batch.seq && certificate.digest == batch.batch.digest();
                ensure(is_its, || format!("replica {by} executes batch {} with another's certificate", batch.seq))?;
                self.committed(certificate, rules)
            }
            Sight::Recorded { record: Record::Prepared(it), .. } => self.prepared(it, rules),
            Sight::Recorded { record: Record::Stable(it), .. } => self.stable(it, rules),
            Sight::Recorded { record: Record::Entered(it), .. } => self.new_view(&it.payload, rules),
            Sight::Sent { message, .. } => self.message(message.open(), rules),
            _ => Ok(()),
        }
    }
}
