//! What befalls disks is what it is said to be.

use tetrarch_simulator::node::Disk;
use tetrarch_storage::{Journal, JournalError};

fn journal(disk: &Disk) -> Result<Journal<std::sync::Arc<tetrarch_storage::FaultyStore>>, JournalError> {
    Journal::open(disk.store.clone(), Box::new(disk.mark.clone())).map(|(journal, _)| journal)
}

/// Found by seed 111 under crashes with the counters of examples/counter: the entry that was cut had never been synced, so that nothing
/// was missing, and the oracle of silence demanded it of an honest replica.
#[test]
fn a_cut_takes_what_the_mark_vouches_for() {
    let disk = Disk::new(Vec::new());
    let mut opened = journal(&disk).unwrap();
    assert!(!disk.cut_journal(), "there is nothing to cut");
    opened.append(vec![vec![1]]).unwrap();
    opened.append(vec![vec![2]]).unwrap();
    disk.interrupt_next_sync();
    opened.append(vec![vec![3]]).unwrap_err();
    disk.store.crash(|unsynced| unsynced);
    assert!(disk.cut_journal());
    let error = journal(&disk).map(|_| ()).unwrap_err();
    assert_eq!(error, JournalError::TailCut { have: 1, mark: 2 });
}
