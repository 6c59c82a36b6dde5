//! Of each member, its VIEW-CHANGEs (rule B-1).

use std::collections::BTreeMap;

use tetrarch_types::{ReplicaId, Signed, View, ViewChange};

/// What is kept of one member.
#[derive(Clone, Debug)]
struct Moves {
    /// For its highest view; or, of those that came behind that one, for the lowest view that was not over.
    lowest: Signed<ViewChange>,
    /// For its highest view, if that is another.
    highest: Option<Signed<ViewChange>>,
}

/// The VIEW-CHANGEs that are kept, at most two of each member. Whoever moves on leaves the view before: its highest view counts. But who once
/// lied may have signed for a view that never comes, and has to be heard when it asks for one below.
#[derive(Clone, Debug, Default)]
pub(crate) struct ViewChanges(BTreeMap<ReplicaId, Moves>);

impl ViewChanges {
    /// Keeps a VIEW-CHANGE for a view that is not over; `current` is the view here. False if it tells nothing new.
    pub(crate) fn keep(&mut self, current: View, signed: Signed<ViewChange>) -> bool {
        let view = signed.payload.view;
        let Some(held) = self.0.get_mut(&signed.signer) else {
            self.0.insert(signed.signer, Moves { lowest: signed, highest: None });
            return true;
        };
        let (low, high) = (held.lowest.payload.view, held.highest().payload.view);
        if view > high {
            *held = Moves { lowest: signed, highest: None };
        } else if view < high && (view < low || low < current) && view != low {
            let highest = held.highest().clone();
            *held = Moves { lowest: signed, highest: Some(highest) };
        } else {
            return false;
        }
        true
    }

    /// A member's VIEW-CHANGE for its highest view.
    pub(crate) fn highest_of(&self, member: ReplicaId) -> Option<&Signed<ViewChange>> {
        self.0.get(&member).map(Moves::highest)
    }

    /// A member's VIEW-CHANGE for exactly this view.
    pub(crate) fn of(&self, member: ReplicaId, view: View) -> Option<&Signed<ViewChange>> {
        self.0.get(&member)?.all().find(|it| it.payload.view == view)
    }

    /// Of each member that has one, the VIEW-CHANGE for exactly this view, ascending by member.
    pub(crate) fn to(&self, view: View) -> impl Iterator<Item = &Signed<ViewChange>> {
        self.0.values().filter_map(move |held| held.all().find(|it| it.payload.view == view))
    }

    /// Of each member that moved above this view, the lowest view there that is kept.
    pub(crate) fn above(&self, view: View) -> impl Iterator<Item = View> {
        self.0.values().filter_map(move |held| held.all().map(|it| it.payload.view).find(|to| *to > view))
    }

    /// How many are kept.
    pub(crate) fn len(&self) -> usize {
        self.0.values().map(|held| held.all().count()).sum()
    }

    /// How many members moved to this view or a higher one.
    pub(crate) fn reached(&self, view: View) -> usize {
        self.0.values().filter(|held| held.highest().payload.view >= view).count()
    }

    /// A view started: what led to it and to those below is over.
    pub(crate) fn forget_through(&mut self, view: View) {
        self.0.retain(|_, held| held.highest().payload.view > view);
        for held in self.0.values_mut() {
            if let Some(highest) = held.highest.take_if(|_| held.lowest.payload.view <= view) {
                held.lowest = highest;
            }
        }
    }
}

impl Moves {
    fn highest(&self) -> &Signed<ViewChange> {
        self.highest.as_ref().unwrap_or(&self.lowest)
    }

    /// By ascending view.
    fn all(&self) -> impl Iterator<Item = &Signed<ViewChange>> {
        std::iter::once(&self.lowest).chain(&self.highest)
    }
}

#[cfg(test)]
mod tests {
    use tetrarch_crypto::Signature;
    use tetrarch_types::CheckpointCertificate;

    use super::*;

    const FAR: u64 = 1_000_000_000;

    fn to(view: u64) -> Signed<ViewChange> {
        let payload =
            ViewChange { view: View::new(view), stable: CheckpointCertificate::genesis(), prepared: Vec::new() };
        Signed { payload, signer: ReplicaId::ZERO, signature: Signature::from_bytes([0; 64]) }
    }

    /// Keeps each of these while in a view; whether each told something.
    fn kept(changes: &mut ViewChanges, current: u64, views: &[u64]) -> Vec<bool> {
        views.iter().map(|view| changes.keep(View::new(current), to(*view))).collect()
    }

    #[test]
    fn who_signed_for_far_views_is_heard_in_near_ones() {
        let mut changes = ViewChanges::default();
        assert_eq!(kept(&mut changes, 1, &[FAR, FAR - 1, 3, 2, 2, FAR]), [true, true, true, true, false, false]);
        assert_eq!(changes.above(View::new(1)).collect::<Vec<_>>(), [View::new(2)]);
        assert_eq!(kept(&mut changes, 3, &[3, 3]), [true, false]);
        assert_eq!(changes.to(View::new(3)).count(), 1);
        changes.forget_through(View::new(3));
        assert_eq!(changes.highest_of(ReplicaId::ZERO), Some(&to(FAR)));
        assert_eq!(kept(&mut changes, 3, &[4]), [true]);
        assert_eq!(changes.of(ReplicaId::ZERO, View::new(4)), Some(&to(4)));
    }

    #[test]
    fn who_moves_on_has_left_the_view_before() {
        let mut changes = ViewChanges::default();
        assert_eq!(kept(&mut changes, 0, &[1, 2, 3]), [true, true, true]);
        assert_eq!((changes.to(View::new(1)).count(), changes.to(View::new(3)).count()), (0, 1));
        assert_eq!((changes.reached(View::new(3)), changes.reached(View::new(4))), (1, 0));
        changes.forget_through(View::new(3));
        assert_eq!(changes.reached(View::ZERO), 0);
    }
}
