//! What befalls disks is what it is said to be, and what a start makes of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use tetrarch_replica::Record;
use tetrarch_simulator::chain::Chain;
use tetrarch_simulator::faults::CrashPoint;
use tetrarch_simulator::node::{Disk, Node};
use tetrarch_simulator::{Drawn, KvWorkload, Options, Rng, Workload};
use tetrarch_storage::{Durability, Journal, JournalError, Mark, Reader, Store, Table, WriteBatch};
use tetrarch_types::{Parameters, ReplicaId, encode};

fn journal(disk: &Disk) -> Result<Journal<Arc<tetrarch_storage::FaultyStore>>, JournalError> {
    Journal::open(disk.store.clone(), Box::new(disk.mark.clone())).map(|(journal, _)| journal)
}

/// Found by seed 111 under crashes with the counters of examples/counter: the entry that was cut had never been synced, so that nothing
/// was missing, and the oracle of silence demanded it of an honest replica.
#[test]
fn a_cut_takes_what_the_mark_vouches_for() {
    let disk = Disk::new(Vec::new());
    disk.mark.restore(Some(Mark::ORIGIN.into()));
    let mut opened = journal(&disk).unwrap();
    assert!(!disk.cut_journal(), "there is nothing to cut");
    opened.append(vec![vec![1]]).unwrap();
    opened.append(vec![vec![2]]).unwrap();
    disk.interrupting(|| opened.append(vec![vec![3]])).unwrap_err();
    disk.store.crash(|unsynced| unsynced);
    assert!(disk.cut_journal());
    let error = journal(&disk).map(|_| ()).unwrap_err();
    assert_eq!(error, JournalError::TailCut { have: 0, mark: 2 });
}

/// What is in the journal and how far the mark goes, after a power failure at this point.
fn crashed(point: CrashPoint, seed: u64, appends: u8) -> (Disk, u64, u64) {
    let disk = Disk::new(Vec::new());
    disk.mark.restore(Some(Mark::ORIGIN.into()));
    let mut opened = journal(&disk).unwrap();
    (1..=appends).for_each(|entry| assert!(opened.append(vec![vec![entry]]).is_ok()));
    // So large that it is not left to the mark, and stands alone, so that both are written at once.
    disk.interrupting(|| opened.append_later(vec![vec![appends + 1; 13_000]])).unwrap_err();
    disk.crash(Some(point), &mut Rng::new(seed));
    let ends = disk.journal_ends();
    let (stored, marked) = (ends.stored, ends.marked.unwrap());
    (disk, stored, marked)
}

#[test]
fn a_crash_inside_an_append_leaves_its_entries_its_mark_both_or_none() {
    let mut seen = BTreeSet::new();
    for seed in 0..64 {
        let (disk, stored, marked) = crashed(CrashPoint::DuringSync, seed, 3);
        let ends = disk.journal_ends();
        assert!((3..=4).contains(&stored) && (3..=4).contains(&marked));
        assert_eq!((ends.last, ends.is_mended(), ends.shows()), (stored.max(marked), marked > stored, false));
        assert_eq!(journal(&disk).unwrap().next(), ends.last + 1);
        seen.insert((stored, marked));
    }
    assert_eq!(seen.len(), 4);
}

/// The disk says of a journal what opening it does, by itself.
#[test]
fn a_torn_sector_that_takes_one_append_does_no_harm() {
    let mut seen = BTreeSet::new();
    for seed in 0..64 {
        let (disk, stored, marked) = crashed(CrashPoint::Torn { sector: true }, seed, 5);
        let (shows, last) = (disk.journal_ends().shows(), disk.journal_ends().last);
        let opened = journal(&disk).map(|journal| journal.next());
        assert_eq!(shows, stored + 1 < marked);
        assert_eq!(
            opened,
            if shows { Err(JournalError::TailCut { have: stored, mark: marked }) } else { Ok(last + 1) }
        );
        seen.insert(shows);
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn what_only_the_mark_has_is_no_entry_to_cut() {
    let disk = Disk::new(Vec::new());
    disk.mark.restore(Some(Mark::ORIGIN.into()));
    let mut opened = journal(&disk).unwrap();
    opened.append(vec![vec![1], vec![2]]).unwrap();
    assert!(!disk.cut_journal(), "the mark has all of them");
    opened.truncate_before(2).unwrap();
    opened.append(vec![vec![3]]).unwrap();
    opened.truncate_before(3).unwrap();
    assert!(!disk.cut_journal(), "what was forgotten is no entry");
    opened.append(vec![vec![4]]).unwrap();
    assert!(disk.cut_journal());
    assert_eq!(journal(&disk).map(|_| ()).unwrap_err(), JournalError::TailCut { have: 2, mark: 4 });
}

/// Found by seed 372396 under crashes: a torn sector took back the cut itself, with the write of the start behind it.
#[test]
fn what_befell_a_disk_outlasts_a_torn_sector() {
    let disk = Disk::new(Vec::new());
    disk.mark.restore(Some(Mark::ORIGIN.into()));
    let mut opened = journal(&disk).unwrap();
    opened.append(vec![vec![1]]).unwrap();
    opened.append(vec![vec![2]]).unwrap();
    disk.store.crash(|_| 0);
    assert!(disk.cut_journal());
    disk.store.crash_torn(|_| 0, 4);
    let error = journal(&disk).map(|_| ()).unwrap_err();
    assert_eq!(error, JournalError::TailCut { have: 0, mark: 2 });
}

/// Found by seed 3106241 under crashes: a torn sector took back the note that the state is damaged together with the salvage, and the state
/// passed for whole.
#[test]
fn a_salvage_outlasts_a_torn_sector() {
    const TABLE: Table = Table::new("rows");
    let disk = Disk::new(vec![TABLE]);
    let put = |key: &[u8]| {
        let mut batch = WriteBatch::new();
        batch.put(TABLE, key, *b"a row");
        disk.store.write(batch, Durability::Synced).unwrap();
    };
    put(b"lost");
    assert!(disk.rot(&mut Rng::new(1)) && disk.has_rot());
    put(b"a note of the loss");
    disk.salvage().unwrap();
    disk.store.crash_torn(|_| 0, 4);
    assert_eq!(disk.store.get(TABLE, b"lost"), Ok(None));
    assert_eq!(disk.store.get(TABLE, b"a note of the loss"), Ok(Some(b"a row".to_vec())));
}

/// Found by seed 586626 under crashes: a full disk had stopped the store when the power failed during an fsync; that met the first write of
/// the node's next life, which was its preparation for the chain.
#[test]
fn an_fsync_that_never_came_spares_the_next_start() {
    let (chain, node) = new_node();
    let mut opened = journal(&node.disk).unwrap();
    node.disk.store.fail_write_at(0, tetrarch_storage::FailureKind::Full);
    opened.append(vec![vec![1]]).unwrap_err();
    node.disk.interrupting(|| opened.append(vec![vec![2]])).unwrap_err();
    node.disk.store.crash(|_| 0);
    node.disk.wipe();
    assert_eq!(node.init(&chain), Ok(()));
}

fn new_node() -> (Chain, Node) {
    let (drawn, workload) = (Drawn::new(1, &Options::default()), Arc::new(KvWorkload) as Arc<dyn Workload>);
    let parameters = Parameters { checkpoint_interval: drawn.checkpoint_interval, window: drawn.window };
    let chain = Chain::new(1, drawn.n, drawn.clients, drawn.signatures, parameters);
    let node = Node::new(ReplicaId::new(0), &chain, &drawn, &workload, &mut Rng::new(1)).unwrap();
    (chain, node)
}

fn restart(node: &mut Node, chain: &Chain) -> Vec<Record> {
    node.running = None;
    node.start(chain).unwrap()
}

#[test]
fn the_first_starts_have_lost_nothing() {
    let (chain, mut node) = new_node();
    for _ in 0..2 {
        assert_eq!(restart(&mut node, &chain), []);
        assert_eq!(node.disk.mark.image(), Some(Mark::ORIGIN.into()));
    }
}

/// Found by seed 4716 under crashes: before its first checkpoint a torn sector took all entries of a replica's journal, and its mark
/// went too. It took itself for one that never ran, and voted.
#[test]
fn a_mark_that_goes_with_the_whole_journal_is_missed() {
    let (chain, mut node) = new_node();
    restart(&mut node, &chain);
    let mut records = journal(&node.disk).unwrap();
    records.append(vec![encode(&Record::Cured)]).unwrap();
    assert_eq!(node.disk.store.crash_torn(|_| 0, 1).synced, 1);
    assert!(node.disk.lose_mark());
    assert!(!node.disk.lose_mark(), "once");
    for _ in 0..2 {
        assert_eq!(restart(&mut node, &chain), [Record::Lost], "it stays on record");
    }
}

/// A mark that nothing was said by is lost as well: nothing tells the one from the other.
#[test]
fn a_mark_that_goes_before_the_first_entry_is_missed() {
    let (chain, mut node) = new_node();
    assert!(node.disk.lose_mark());
    assert_eq!(restart(&mut node, &chain), [Record::Lost]);
}
