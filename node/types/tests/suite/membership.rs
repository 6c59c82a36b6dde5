//! Quorum arithmetic against its reasons: how many replicas may lie, how many votes overlap, how many can still be gathered.

use tetrarch_crypto::{Digest, PublicKey};
use tetrarch_types::{Epoch, Membership, Parameters, ReplicaId, View, nth_largest};

/// The keys are told apart by their bytes; nothing here verifies with them.
fn of(size: usize) -> Membership {
    let key = |number: usize| {
        let mut bytes = [0; 32];
        bytes[0] = u8::try_from(number).unwrap_or(u8::MAX);
        PublicKey::from_bytes(bytes)
    };
    Membership::new(Digest::ZERO, Epoch::ZERO, Parameters::default(), (0..size).map(key).collect())
}

fn sizes() -> impl Iterator<Item = usize> {
    std::iter::once(1).chain(4..=100)
}

#[test]
fn the_table_of_the_specification() {
    let row = |size: usize| {
        let it = of(size);
        (it.size(), it.faults(), it.quorum(), it.weak_quorum())
    };
    let table = [(1, 0, 1, 1), (4, 1, 3, 2), (5, 1, 4, 2), (6, 1, 4, 2), (7, 2, 5, 3), (10, 3, 7, 4)];
    assert_eq!(table.map(|(size, ..)| row(size)), table);
}

#[test]
fn as_many_faults_as_any_protocol_can_bear_and_no_more() {
    for size in sizes() {
        let faults = of(size).faults();
        assert!(3 * faults < size, "n = {size}: agreement among n replicas needs n > 3f (Pease, Shostak, Lamport)");
        assert!(3 * (faults + 1) >= size, "n = {size}: one more could be borne");
    }
}

#[test]
fn any_two_quorums_share_an_honest_replica() {
    for size in sizes() {
        let it = of(size);
        // Two sets of q out of n share at least 2q - n; only f of these may lie.
        assert!(2 * it.quorum() > size + it.faults(), "n = {size}: two quorums may share liars only");
    }
}

#[test]
fn no_smaller_quorum_would_do() {
    for size in sizes() {
        let it = of(size);
        assert!(2 * (it.quorum() - 1) <= size + it.faults(), "n = {size}: q - 1 would intersect well enough");
    }
}

#[test]
fn the_honest_alone_make_a_quorum() {
    for size in sizes() {
        let it = of(size);
        assert!(size - it.faults() >= it.quorum(), "n = {size}: f silent replicas stop everything");
    }
}

#[test]
fn a_weak_quorum_is_the_least_with_an_honest_replica_in_it() {
    for size in sizes() {
        let it = of(size);
        assert!(it.weak_quorum() > it.faults(), "n = {size}: a weak quorum may be liars only");
        assert!(it.weak_quorum() - 1 <= it.faults(), "n = {size}: fewer would do");
        assert!(it.weak_quorum() <= size - it.faults(), "n = {size}: the honest cannot form one");
    }
}

#[test]
fn a_primary_and_a_quorum_less_one_of_others_make_a_quorum() {
    for size in sizes() {
        let it = of(size);
        let prepares = it.quorum() - 1;
        assert_eq!(1 + prepares, it.quorum());
        assert!(prepares < size, "n = {size}: the backups are enough for the PREPAREs");
        assert!(prepares <= size - 1 - it.faults() || it.faults() == 0, "n = {size}: f silent backups stop preparing");
        if size == 3 * it.faults() + 1 {
            assert_eq!(prepares, 2 * it.faults(), "n = {size}: the paper's 2f");
        }
    }
}

#[test]
fn every_quorum_holds_a_replica_of_any_reply_certificate_at_the_papers_sizes() {
    // At n = 3f + 1 a read at q meets an honest executor of every write answered at q, and f + 1 signatures prove it.
    for faults in 0..=33 {
        let it = of(3 * faults + 1);
        assert_eq!((it.faults(), it.quorum()), (faults, 2 * faults + 1));
        assert!(it.quorum() - it.faults() >= it.weak_quorum(), "the honest of a quorum are a weak quorum");
    }
}

#[test]
fn the_primary_rotates_through_all_members_in_order() {
    for size in sizes() {
        let it = of(size);
        let round: Vec<ReplicaId> = (0..size as u64).map(|view| it.primary(View::new(view))).collect();
        assert_eq!(round, it.ids().collect::<Vec<_>>(), "n = {size}");
        assert_eq!(it.primary(View::new(size as u64)), ReplicaId::ZERO, "n = {size}: the second round");
        let last = it.primary(View::new(u64::MAX));
        assert!(it.contains(last), "n = {size}");
        assert_eq!(u128::from(last.get()), u128::from(u64::MAX) % (size as u128));
    }
}

#[test]
fn members_and_their_keys_are_found_both_ways() {
    for size in sizes() {
        let it = of(size);
        assert_eq!(it.ids().count(), size);
        for id in it.ids() {
            assert!(it.contains(id));
            assert_eq!(it.key(id).and_then(|key| it.id_of(key)), Some(id));
        }
        let outsider = ReplicaId::new(u16::try_from(size).unwrap_or(u16::MAX));
        for stranger in [outsider, ReplicaId::new(u16::MAX)] {
            assert!(!it.contains(stranger));
            assert_eq!(it.key(stranger), None);
        }
        assert_eq!(it.id_of(&PublicKey::from_bytes([0xff; 32])), None);
    }
}

#[test]
fn what_so_many_claims_reach() {
    for (nth, reached) in [(0, None), (1, Some(9)), (2, Some(7)), (3, Some(7)), (4, Some(2)), (5, None)] {
        assert_eq!(nth_largest([7, 2, 9, 7], nth), reached, "{nth}");
    }
}
