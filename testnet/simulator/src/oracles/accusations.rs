//! No honest replica is accused, and whoever is accused is accused with a proof.

use std::collections::BTreeSet;

use tetrarch_replica::Event;
use tetrarch_types::{Evidence, ReplicaId, Signed};

use super::{Oracle, Rules, Statement, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Accusations {
    /// Replicas that forgot promises and may not know it: they may be accused, with proofs.
    forgetful: BTreeSet<ReplicaId>,
}

impl Oracle for Accusations {
    fn name(&self) -> &'static str {
        "no-honest-accused"
    }

    fn outlives_f(&self) -> bool {
        true
    }

    fn see(&mut self, sight: &Sight, rules: &Rules) -> Verdict {
        if let Sight::Forgot { by, shows: false } = sight {
            self.forgetful.insert(*by);
        }
        let Sight::Observed { by, event: Event::Equivocation(evidence) } = sight else { return Ok(()) };
        let accused = accused(evidence);
        ensure(self.forgetful.contains(&accused) || !rules.is_honest(accused), || {
            format!("replica {by} accuses replica {accused}, which is honest")
        })?;
        ensure(is_proven(evidence, rules), || format!("replica {by} accuses replica {accused} without a proof"))
    }
}

fn accused(evidence: &Evidence) -> ReplicaId {
    match evidence {
        Evidence::PrePrepare(first, _) => first.signer,
        Evidence::Prepare(first, _) => first.signer,
        Evidence::Commit(first, _) => first.signer,
        Evidence::Checkpoint(first, _) => first.signer,
    }
}

fn is_proven(evidence: &Evidence, rules: &Rules) -> bool {
    match evidence {
        Evidence::PrePrepare(one, other) => both(one, other, |it| (it.view, it.seq), rules),
        Evidence::Prepare(one, other) => both(one, other, |it| (it.view, it.seq), rules),
        Evidence::Commit(one, other) => both(one, other, |it| (it.view, it.seq), rules),
        Evidence::Checkpoint(one, other) => both(one, other, |it| it.seq, rules),
    }
}

fn both<T: Statement + PartialEq, P: PartialEq>(
    one: &Signed<T>,
    other: &Signed<T>,
    place: impl Fn(&T) -> P,
    rules: &Rules,
) -> bool {
    one.signer == other.signer
        && place(&one.payload) == place(&other.payload)
        && one.payload != other.payload
        && [one, other].iter().all(|it| rules.has_signed(it.signer, &it.payload, it.signature))
}
