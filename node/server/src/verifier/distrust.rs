//! Whose signatures are checked apart: one signature that does not hold costs the batch that it is in a search for it, and that is to be a
//! batch of the same sender's.

use std::collections::BTreeMap;

use tetrarch_types::Time;

use crate::bounds;

/// Senders whose signatures failed lately, and until when that matters.
pub(super) struct Distrust<K>(BTreeMap<K, Time>);

impl<K> Default for Distrust<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Copy + Ord> Distrust<K> {
    /// A signature of this sender did not hold. When there are very many such senders, further ones are not noted; those that are go on being.
    pub(super) fn note(&mut self, sender: K, now: Time) {
        if self.0.len() < bounds::DISTRUSTED || self.0.contains_key(&sender) {
            self.0.insert(sender, now.after(bounds::DISTRUST));
        }
    }

    /// One batch of all senders that are trusted, and behind it one of each that is not; what each sent in its order.
    pub(super) fn part<T>(&mut self, chunk: Vec<T>, sender: impl Fn(&T) -> K, now: Time) -> Vec<Vec<T>> {
        self.0.retain(|_, until| *until > now);
        if self.0.is_empty() {
            return vec![chunk];
        }
        let mut batches: BTreeMap<Option<K>, Vec<T>> = BTreeMap::new();
        for it in chunk {
            let apart = Some(sender(&it)).filter(|sender| self.0.contains_key(sender));
            batches.entry(apart).or_default().push(it);
        }
        batches.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_failed_is_checked_apart_behind_the_others_and_for_a_while() {
        let chunk = || vec![(1, 'a'), (2, 'b'), (1, 'c'), (3, 'd'), (2, 'e')];
        let part = |distrust: &mut Distrust<u8>, now| distrust.part(chunk(), |it| it.0, now);
        let mut distrust = Distrust::default();
        assert_eq!(part(&mut distrust, Time::ZERO), [chunk()]);

        distrust.note(1, Time::ZERO);
        let parted = [vec![(2, 'b'), (3, 'd'), (2, 'e')], vec![(1, 'a'), (1, 'c')]];
        assert_eq!(part(&mut distrust, Time::ZERO), parted);

        let later = Time::ZERO.after(bounds::DISTRUST);
        assert_eq!(part(&mut distrust, later), [chunk()]);
    }

    #[test]
    fn many_who_fail_do_not_fill_the_memory() {
        let mut distrust = Distrust::default();
        (0..10 * bounds::DISTRUSTED).for_each(|sender| distrust.note(sender, Time::ZERO));
        assert_eq!(distrust.0.len(), bounds::DISTRUSTED);
    }

    #[test]
    fn who_fails_again_is_checked_apart_for_longer_among_many_too() {
        let mut distrust = Distrust::default();
        (0..bounds::DISTRUSTED).for_each(|sender| distrust.note(sender, Time::ZERO));
        let first_ends = Time::ZERO.after(bounds::DISTRUST);
        distrust.note(7, Time::ZERO.after(bounds::DISTRUST / 2));
        assert_eq!(distrust.part(vec![7, 8], |it| *it, first_ends), [vec![8], vec![7]]);
    }
}
