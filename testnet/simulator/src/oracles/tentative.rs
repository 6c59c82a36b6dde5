//! What clients are told before the decision comes true (rule X-3): what as many honest replicas told in one view as there are in any quorum is what
//! is executed there, by everybody.

use std::collections::{BTreeMap, BTreeSet};

use tetrarch_crypto::Digest;
use tetrarch_types::{ReplicaId, SeqNum, TentativeResults, View};

use super::{Oracle, Rules, Verdict, ensure};
use crate::sight::Sight;

/// See the module.
#[derive(Default)]
pub(super) struct Tentative {
    told: BTreeMap<(View, SeqNum, Digest), BTreeSet<ReplicaId>>,
    /// What enough replicas told.
    certain: BTreeMap<SeqNum, (View, Digest)>,
    executed: BTreeMap<SeqNum, Digest>,
    /// Replicas that forgot promises and may not know it: faulty, as far as these go.
    forgetful: BTreeSet<ReplicaId>,
}

impl Tentative {
    fn tell(&mut self, by: ReplicaId, results: &TentativeResults, rules: &Rules) -> Verdict {
        let TentativeResults { view, seq, root } = *results;
        let tellers = self.told.entry((view, seq, root)).or_default();
        tellers.insert(by);
        if tellers.difference(&self.forgetful).count() + rules.f() < rules.quorum() {
            return Ok(());
        }
        let (earlier, certain) = *self.certain.entry(seq).or_insert((view, root));
        ensure(certain == root, || {
            format!(
                "clients may believe {certain:?} of batch {seq}, told in view {earlier}, and {root:?}, told in view {view}"
            )
        })?;
        self.comes_true(seq)
    }

    fn comes_true(&self, seq: SeqNum) -> Verdict {
        match (self.certain.get(&seq), self.executed.get(&seq)) {
            (Some((view, told)), Some(executed)) => ensure(told == executed, || {
                format!(
                    "clients may believe {told:?} of batch {seq}, told in view {view}, and it comes to {executed:?}"
                )
            }),
            _ => Ok(()),
        }
    }
}

impl Oracle for Tentative {
    fn name(&self) -> &'static str {
        "tentative"
    }

    fn see(&mut self, sight: &Sight, rules: &Rules) -> Verdict {
        match sight {
            Sight::ToldEarly { by, results } => self.tell(*by, results, rules),
            Sight::Executed { executed, .. } => {
                self.executed.insert(executed.seq, executed.results_root);
                self.comes_true(executed.seq)
            }
            Sight::Forgot { by, shows: false } => {
                self.forgetful.insert(*by);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
