//! The re-proposals of every view that an honest replica starts or enters are computed again from its VIEW-CHANGEs.
//!
//! For each number above the highest stable checkpoint among them, up to the highest prepared one: the batch prepared in the
//! highest view, and the no-op where none is.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_crypto::Digest;
use tetrarch_replica::Record;
use tetrarch_types::{Batch, Message, NewView, ReplicaId, Signed, View};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module. A NEW-VIEW travels often: the one that was found good last, of each view, is not computed again.
#[derive(Default)]
pub(super) struct NewViews {
    good: BTreeMap<View, Signed<NewView>>,
}

impl NewViews {
    fn check(&mut self, by: ReplicaId, signed: &Signed<NewView>, rules: &Rules) -> Verdict {
        let view = signed.payload.view;
        if self.good.get(&view) != Some(signed) {
            check(by, signed, rules)?;
            self.good.insert(view, signed.clone());
        }
        Ok(())
    }
}

impl Oracle for NewViews {
    fn name(&self) -> &'static str {
        "new-views"
    }

    fn outlives_f(&self) -> bool {
        true
    }

    fn see(&mut self, sight: &Sight, rules: &Rules) -> Verdict {
        match sight {
            Sight::Recorded { by, record: Record::Entered(signed) } => self.check(*by, signed, rules),
            Sight::Sent { by, message } => match message.open() {
                Message::NewView(signed) => self.check(*by, signed, rules),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

fn check(by: ReplicaId, signed: &Signed<NewView>, rules: &Rules) -> Verdict {
    let NewView { view, view_changes, proposals } = &signed.payload;
    let wrong = |what: &str| format!("replica {by} stands by a NEW-VIEW for view {view} {what}");
    ensure(signed.signer == rules.primary(*view), || wrong("of a replica that is not its primary"))?;
    ensure(rules.has_signed(signed.signer, &signed.payload, signed.signature), || wrong("that nobody signed"))?;
    let movers: BTreeSet<ReplicaId> = view_changes.iter().map(|it| it.signer).collect();
    ensure(movers.len() >= rules.quorum(), || wrong("with too few VIEW-CHANGEs"))?;
    let strays = view_changes.iter().any(|it| it.payload.view != *view);
    ensure(!strays, || wrong("with VIEW-CHANGEs for other views"))?;
    let forged = view_changes.iter().any(|it| !rules.has_signed(it.signer, &it.payload, it.signature));
    ensure(!forged, || wrong("with forged VIEW-CHANGEs"))?;
    let forged = proposals.iter().any(|it| it.signer != signed.signer || it.payload.view != *view);
    ensure(!forged, || wrong("with re-proposals of another replica or view"))?;
    let found: Vec<(u64, Digest)> = proposals.iter().map(|it| (it.payload.seq.get(), it.payload.digest)).collect();
    let expected = expected(view_changes);
    let follows = found.len() == expected.len()
        && found.iter().zip(&expected).all(|((seq, digest), (at, allowed))| seq == at && allowed.contains(digest));
    ensure(follows, || wrong("whose re-proposals do not follow from its VIEW-CHANGEs"))
}

/// For each number the batches that may stand there: one, unless more than f replicas lie and two are prepared in one view.
fn expected(view_changes: &[Signed<tetrarch_types::ViewChange>]) -> Vec<(u64, BTreeSet<Digest>)> {
    let low = view_changes.iter().map(|it| it.payload.stable.seq.get()).max().unwrap_or(0);
    let prepared = || view_changes.iter().flat_map(|it| &it.payload.prepared);
    let high = prepared().map(|it| it.seq.get()).max().unwrap_or(low).max(low);
    let at = |seq: u64| {
        let here = || prepared().filter(|it| it.seq.get() == seq);
        let Some(view) = here().map(|it| it.view).max() else { return BTreeSet::from([Batch::noop().digest()]) };
        here().filter(|it| it.view == view).map(|it| it.digest).collect()
    };
    (low + 1..=high).map(|seq| (seq, at(seq))).collect()
}
