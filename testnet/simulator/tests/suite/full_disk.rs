//! Every write of a replica in turn finds no room: the replica stops, comes back when there is some, and nothing is amiss.

use std::time::Duration;

use tetrarch_simulator::faults::{NodeTrouble, WritePoint};
use tetrarch_simulator::{Counters, Options, Profile, Seed, Signatures, run};

/// Writes that are swept at most: with checkpoints as frequent as under these seeds, those of several.
const WRITES: u64 = 60;

fn options(full_at: Option<(usize, u64)>) -> Options {
    Options {
        profile: Profile::Calm,
        n: Some(4),
        faulty_for: Some(Duration::from_millis(300)),
        signatures: Some(Signatures::Fake),
        full_at,
        ..Options::default()
    }
}

/// What happened over all writes of one replica.
fn sweep(seed: Seed, replica: usize) -> Counters {
    let mut counters = Counters::new();
    for write in 0..WRITES {
        let report = run(seed, &options(Some((replica, write))));
        assert_eq!(report.failure, None, "write {write} of replica {replica}, seed {seed}");
        assert!(report.recovery.is_some() && report.answered > 0);
        if !report.faults.contains_key(NodeTrouble::FullDisk.name()) {
            break;
        }
        for (fault, times) in report.faults {
            *counters.entry(fault).or_default() += times;
        }
    }
    counters
}

#[test]
fn no_write_of_a_primary_or_a_backup_is_one_too_many() {
    for (seed, replica) in [(Seed::new(29), 0), (Seed::new(29), 3)] {
        let counters = sweep(seed, replica);
        for point in [WritePoint::Journal, WritePoint::Batch, WritePoint::Discard] {
            assert!(counters.contains_key(point.name()), "{point:?} of {counters:?}");
        }
    }
}
