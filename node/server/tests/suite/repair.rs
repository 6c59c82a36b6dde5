//! What a disk lost or changed while a replica was down is found, said and repaired from the others.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::support::cluster::{Cluster, key};
use crate::support::damage::{
    copy, cut_behind, files, files_of, flip, flip_in_place, settle, table_of, tables_with_files,
};
use crate::support::{self, Chain, eventually, eventually_so};
use tetrarch_kv::{Execution, KvMachine};
use tetrarch_server::{Node, NodeConfig, NodeError, StartCheck, run, tables};
use tetrarch_storage::{FaultyStore, MarkFile, RocksStore, Table, check_journal};
use tetrarch_types::{NodeMode, NodeStatus, Parameters, Query, Refusal, Request, Response};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The replica whose disk is bad.
const VICTIM: usize = 2;

/// A cluster that has written some, with the victim stopped and everything in table files.
async fn with_a_victim_down() -> Cluster {
    let mut cluster = Cluster::started().await;
    cluster.write(18).await;
    cluster.stop(VICTIM).await;
    settle(&cluster.config(VICTIM).data_dir);
    cluster
}

/// The victim comes back: it never answers what is not so, becomes level, says what it found, and agrees.
async fn comes_back(cluster: &mut Cluster, config: NodeConfig) -> Vec<String> {
    cluster.start_with(VICTIM, config).await;
    cluster.never_lies_until_level(VICTIM).await;
    cluster.becomes_level(VICTIM).await;
    cluster.agrees().await;
    let status = cluster.status(VICTIM);
    assert!(!matches!(status.mode, NodeMode::Halted(_) | NodeMode::Recovering), "{status:?}");
    status.recovery.findings
}

async fn is_repaired(damage: impl FnOnce(&Path), named: &str) {
    let mut cluster = with_a_victim_down().await;
    let config = cluster.config(VICTIM);
    damage(&config.data_dir);
    let findings = comes_back(&mut cluster, config).await;
    assert!(findings.iter().any(|finding| finding.contains(named)), "{named}: {findings:?}");
    cluster.stop_all().await;
}

/// Each table in its turn: a byte of each of its files.
async fn every_table_is_repaired(is_meant: impl Fn(&str) -> bool) {
    let mut cluster = with_a_victim_down().await;
    let config = cluster.config(VICTIM);
    let tables: Vec<String> = tables_with_files(&config.data_dir).into_iter().filter(|name| is_meant(name)).collect();
    assert!(!tables.is_empty());
    for table in tables {
        let files = files_of(&config.data_dir, &table);
        files.iter().for_each(|path| flip(path, 8));
        let findings = comes_back(&mut cluster, config.clone()).await;
        assert!(findings.iter().any(|finding| finding.contains(&table)), "{table}, {files:?}: {findings:?}");
        cluster.stop(VICTIM).await;
        settle(&config.data_dir);
    }
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_the_machine() {
    every_table_is_repaired(|table| table.starts_with("kv.")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_execution() {
    let rooted = ["senders", "replies", "progress", "configuration"].map(|name| format!("execution.{name}"));
    every_table_is_repaired(|table| rooted.iter().any(|name| name == table)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_the_tree() {
    every_table_is_repaired(|table| ["execution.tree", "execution.paths", "execution.changed"].contains(&table)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes() {
    every_table_is_repaired(|table| ["execution.answers", "execution.nonces", "execution.idle"].contains(&table)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger() {
    every_table_is_repaired(|table| ["execution.ledger", "execution.bodies", "execution.places"].contains(&table))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_and_what_is_this_nodes_own() {
    every_table_is_repaired(|table| ["journal", "execution.local"].contains(&table)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_in_the_middle_of_every_file() {
    let mut cluster = with_a_victim_down().await;
    let config = cluster.config(VICTIM);
    for path in files(&config.data_dir, "sst") {
        flip(&path, fs::metadata(&path).unwrap().len() / 2);
    }
    let findings = comes_back(&mut cluster, config).await;
    assert!(!findings.is_empty());
    cluster.stop_all().await;
}

fn manifest(data_dir: &Path) -> std::path::PathBuf {
    let entries = fs::read_dir(data_dir.join("db")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("MANIFEST")).max().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_files() {
    is_repaired(|dir| flip(&manifest(dir), 100), "MANIFEST").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_the_list_of_files() {
    is_repaired(|dir| flip(&dir.join("db/CURRENT"), 3), "CURRENT").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_that_is_named_is_another_one() {
    is_repaired(|dir| fs::write(dir.join("db/CURRENT"), "MANIFEST-999999\n").unwrap(), "MANIFEST-999999").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list() {
    is_repaired(|dir| fs::write(manifest(dir), "").unwrap(), "MANIFEST").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_of_the_list_of_files() {
    is_repaired(|dir| fs::remove_file(dir.join("db/CURRENT")).unwrap(), "CURRENT").await;
}

/// Reading its first bytes fails as reading a bad sector does: no memory is there.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_files_that_cannot_be_read() {
    let bad_sector = |dir: &Path| {
        let path = manifest(dir);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/proc/self/mem", &path).unwrap();
    };
    is_repaired(bad_sector, "Input/output error").await;
}

/// Somebody else has the database open, and nobody the mark: whatever is wrong with it, it is not set aside.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_in_use() {
    let mut cluster = with_a_victim_down().await;
    let config = cluster.config(VICTIM);
    let database = config.data_dir.join("db");
    let user = RocksStore::open(&database, &tables(&KvMachine)).unwrap();
    let current = fs::read(database.join("CURRENT")).unwrap();
    fs::remove_file(database.join("CURRENT")).unwrap();
    let refused = Node::start(config.clone()).await.err();
    assert!(matches!(refused, Some(NodeError::Locked { .. })), "{refused:?}");
    assert!(database.exists() && !config.data_dir.join("db.damaged").exists());
    fs::write(database.join("CURRENT"), current).unwrap();
    drop(user);
    comes_back(&mut cluster, config).await;
    cluster.stop_all().await;
}

/// Whoever has the mark may be about to put a copy in place: nobody else does.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_put_in_place_by_one_alone() {
    let mut cluster = with_a_victim_down().await;
    let config = cluster.config(VICTIM);
    let [database, copy] = ["db", "db.salvaged"].map(|name| config.data_dir.join(name));
    fs::rename(&database, &copy).unwrap();
    let mark = MarkFile::open(&config.data_dir.join("journal.mark")).unwrap();
    let refused = Node::start(config.clone()).await.err();
    assert!(matches!(refused, Some(NodeError::Locked { .. })), "{refused:?}");
    assert!(copy.exists() && !database.exists());
    drop(mark);
    comes_back(&mut cluster, config).await;
    assert!(!copy.exists());
    cluster.stop_all().await;
}

/// The copy is of another chain, so that nothing can be noted in it: it must not wait to be put in place.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_without_a_note_is_not_one_to_put_in_place() {
    let mut cluster = with_a_victim_down().await;
    let other = Chain::with(4, Parameters { checkpoint_interval: 3, window: 6 });
    let config = cluster.config(VICTIM);
    let data_dir = &config.data_dir;
    files_of(data_dir, "journal").iter().for_each(|path| flip(path, 8));
    let refused = Node::start(NodeConfig { data_dir: data_dir.clone(), ..other.config(VICTIM) }).await.err();
    assert!(matches!(refused, Some(NodeError::OtherChain { .. })), "{refused:?}");
    assert!(data_dir.join("db").exists() && !data_dir.join("db.salvaged").exists());
    comes_back(&mut cluster, config).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_file_is_gone() {
    let gone = |dir: &Path| files_of(dir, "kv.records").iter().for_each(|path| fs::remove_file(path).unwrap());
    is_repaired(gone, ".sst").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_table_files_are_gone() {
    is_repaired(|dir| files(dir, "sst").iter().for_each(|path| fs::remove_file(path).unwrap()), ".sst").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_gone() {
    is_repaired(|dir| fs::remove_dir_all(dir.join("db")).unwrap(), "the database is missing").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_is_gone() {
    is_repaired(|dir| fs::remove_file(dir.join("journal.mark")).unwrap(), "the high-water mark").await;
}

/// Both copies of a slot of the mark, each of which has half of the file, and whatever else is there.
fn zero_slot(dir: &Path, slot: u64) {
    let file = OpenOptions::new().write(true).open(dir.join("journal.mark")).unwrap();
    let half = file.metadata().unwrap().len() / 2;
    file.write_all_at(&vec![0; half as usize], slot * half).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_slots_of_the_mark() {
    let damage = |dir: &Path| [0, 1].iter().for_each(|slot| zero_slot(dir, *slot));
    is_repaired(damage, "high-water mark").await;
}

/// What is left is the mark before the last: the journal may be ahead of it, as it is after a crash.
#[tokio::test(flavor = "multi_thread")]
async fn one_slot_of_the_mark() {
    for slot in [0, 1] {
        let mut cluster = with_a_victim_down().await;
        let config = cluster.config(VICTIM);
        zero_slot(&config.data_dir, slot);
        comes_back(&mut cluster, config).await;
        cluster.stop_all().await;
    }
}

/// A log that was cut short: what it held is gone, votes among it.
#[tokio::test(flavor = "multi_thread")]
async fn the_log() {
    let mut cluster = Cluster::started().await;
    cluster.write(18).await;
    cluster.stop(VICTIM).await;
    let config = cluster.config(VICTIM);
    let log = files(&config.data_dir, "log").into_iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap();
    flip(&log, fs::metadata(&log).unwrap().len() / 2);
    let findings = comes_back(&mut cluster, config).await;
    assert!(findings.iter().any(|finding| finding.contains("journal")), "{findings:?}");
    assert!(matches!(cluster.status(VICTIM).mode, NodeMode::Silent { .. } | NodeMode::Normal));
    cluster.stop_all().await;
}

/// What the log lost is beside the mark: nothing is missing. The victim's vote is needed from its start on, so it must not be silent.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_write_in_the_log() {
    let mut cluster = Cluster::started().await;
    cluster.write(18).await;
    cluster.stop(VICTIM).await;
    cluster.stop(VICTIM + 1).await;
    let config = cluster.config(VICTIM);
    let held = MarkFile::peek(&config.data_dir.join("journal.mark")).unwrap().unwrap();
    assert!(!held.tail.is_empty());
    cut_behind(&config.data_dir, &held.mark.chain);
    let reader = RocksStore::open_read_only(&config.data_dir.join("db")).unwrap();
    let report = check_journal(&reader, Some(&held), &mut |_| {});
    assert!(report.problem.is_none() && (1..=held.tail.len() as u64).contains(&report.mended), "{report:?}");
    drop(reader);

    cluster.start_with(VICTIM, config).await;
    cluster.write(4).await;
    cluster.agrees().await;
    let status = cluster.status(VICTIM);
    assert_eq!((status.mode, status.recovery.findings), (NodeMode::Normal, vec![]));
    assert_eq!(cluster.node(VICTIM).counters()["standings"], 1, "it votes, and was never silent");
    cluster.stop_all().await;
}

/// A directory as it was: it contradicts nothing in itself, and only the others know better.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_is_put_back() {
    let mut cluster = with_a_victim_down().await;
    let config = cluster.config(VICTIM);
    let backup = cluster.chain.folder.path().join("backup");
    copy(&config.data_dir, &backup);
    cluster.start(VICTIM).await;
    cluster.write(5).await;
    cluster.agrees().await;
    cluster.stop(VICTIM).await;
    fs::remove_dir_all(&config.data_dir).unwrap();
    copy(&backup, &config.data_dir);

    comes_back(&mut cluster, config).await;
    assert!(cluster.node(VICTIM).counters()["standings"] > 0, "it noticed that it forgot votes");
    cluster.write(12).await;
    eventually("it votes again", || cluster.status(VICTIM).mode == NodeMode::Normal).await;
    cluster.stop(0).await;
    cluster.write(6).await;
    cluster.agrees().await;
    cluster.stop_all().await;
}

/// Only the journal is read by a hot start. What copying its database lost of the state must be found all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_hot_start_with_damage_in_journal_and_state() {
    let mut cluster = with_a_victim_down().await;
    let config = NodeConfig { recovery: StartCheck::Hot, ..cluster.config(VICTIM) };
    for table in ["journal", "kv.records"] {
        files_of(&config.data_dir, table).iter().for_each(|path| flip(path, 8));
    }
    let findings = comes_back(&mut cluster, config).await;
    assert!(findings.iter().any(|finding| finding.contains("kv.records")), "{findings:?}");
    cluster.stop_all().await;
}

/// Where execution stands is lost with rows of the state: the tree that is left does not know what is missing.
#[tokio::test(flavor = "multi_thread")]
async fn rows_and_what_tells_of_them() {
    let mut cluster = Cluster::started().await;
    for _ in 0..6 {
        cluster.write_together(100, 512).await;
    }
    cluster.write(10).await;
    cluster.stop(VICTIM).await;
    let config = cluster.config(VICTIM);
    settle(&config.data_dir);
    for table in ["journal", "execution.progress", "kv.records"] {
        files_of(&config.data_dir, table).iter().for_each(|path| flip(path, 8));
    }
    // What lies between two damaged places is lost.
    for path in files_of(&config.data_dir, "kv.records") {
        flip(&path, fs::metadata(&path).unwrap().len() / 2);
    }
    let findings = comes_back(&mut cluster, config).await;
    assert!(findings.iter().any(|finding| finding.contains("kv.records")), "{findings:?}");
    cluster.stop_all().await;
}

/// Nothing says any more which chain it is.
#[tokio::test(flavor = "multi_thread")]
async fn what_names_the_chain() {
    is_repaired(
        |dir| {
            for table in ["execution.local", "execution.configuration"] {
                files_of(dir, table).iter().for_each(|path| flip(path, 8));
            }
        },
        "execution.local",
    )
    .await;
}

/// The copy at a checkpoint is damaged, and nothing else: the replica votes, and whoever fetches from it asks others.
#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_only() {
    let mut cluster = with_a_victim_down().await;
    // Those that are taken from now on have table files.
    cluster.start(VICTIM).await;
    cluster.becomes_level(VICTIM).await;
    cluster.agrees().await;
    cluster.stop(VICTIM).await;
    // A cold start would have the rows in memory, which snapshots share.
    let config = NodeConfig { recovery: StartCheck::Hot, ..cluster.config(VICTIM) };
    for snapshot in fs::read_dir(config.data_dir.join("db.snapshots")).unwrap() {
        for entry in fs::read_dir(snapshot.unwrap().path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|found| found == "sst") && table_of(&path) == "kv.records" {
                flip(&path, 8);
            }
        }
    }
    cluster.start_with(VICTIM, config).await;
    for at in 0..8 {
        let query = Query::Prove { table: "kv.records".to_owned(), key: key(at).into_bytes() };
        let response = cluster.client.ask(VICTIM, &Request::Query(query)).await;
        assert!(matches!(&response, Response::Refused(Refusal::NotServing(_))), "{response:?}");
    }
    cluster.becomes_level(VICTIM).await;
    assert_eq!(cluster.status(VICTIM).mode, NodeMode::Normal);
    cluster.stop(0).await;
    fs::remove_dir_all(cluster.config(0).data_dir).unwrap();
    cluster.start(0).await;
    cluster.becomes_level(0).await;
    cluster.agrees().await;
    cluster.stop_all().await;
}

/// Damage that shows when a row is read: the node stops, and says that a new start repairs it.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_rots_under_a_running_node() {
    let mut cluster = Cluster::prepared(8);
    for id in [0, 1, 3] {
        cluster.start(id).await;
    }
    let store = Arc::new(FaultyStore::new());
    Execution::<KvMachine, _>::init(&store, &cluster.chain.genesis.membership()).unwrap();
    cluster.start_on(VICTIM, Arc::clone(&store)).await;
    cluster.write(10).await;
    cluster.becomes_level(VICTIM).await;

    assert!(store.rot(Table::new("kv.records"), key(3).as_bytes()));
    assert_eq!(cluster.reads(VICTIM, 3).await, None);
    timeout(support::PATIENCE, cluster.node(VICTIM).damaged()).await.unwrap();
    assert!(matches!(cluster.status(VICTIM).mode, NodeMode::Halted(_)));
    cluster.write(2).await;
    cluster.stop(VICTIM).await;
    cluster.agrees().await;
    cluster.stop_all().await;
}

/// The program around a node starts it anew, and that start looks at everything, however little its starts check otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_program_repairs_itself() {
    let mut cluster = with_a_victim_down().await;
    // A cold start would have the sound rows in memory.
    let config = NodeConfig { recovery: StartCheck::Hot, ..cluster.config(VICTIM) };
    let (end, ended) = oneshot::channel::<()>();
    let program = tokio::spawn(run(config.clone(), async move { ended.await.unwrap() }));
    let asker = cluster.chain.client();
    let status = async || asker.try_status(VICTIM).await;
    eventually_so("it runs", async || status().await.is_some_and(|it| it.mode == NodeMode::Normal)).await;

    files_of(&config.data_dir, "kv.records").iter().for_each(|path| flip_in_place(path, 8));
    assert_eq!(cluster.reads(VICTIM, 0).await, None);
    let is_said = |finding: &String| finding.contains("kv.records");
    eventually_so("it started anew and is level", async || {
        let status = status().await.map(|it| it.recovery);
        status.is_some_and(|it| it.findings.iter().any(is_said) && it.level_micros.is_some())
    })
    .await;
    cluster.agrees().await;
    let due = cluster.status(0);
    let place = |it: &NodeStatus| (it.executed, it.state_root);
    eventually_so("it agrees", async || status().await.is_some_and(|it| place(&it) == place(&due))).await;
    assert_eq!(cluster.reads(VICTIM, 0).await, Some(true));
    end.send(()).unwrap();
    program.await.unwrap().unwrap();
    cluster.stop_all().await;
}
