//! Data directories that a node does not start in, and why.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::Chain;
use tetrarch_crypto::Digest;
use tetrarch_kv::KvMachine;
use tetrarch_server::{ExitClass, Node, NodeConfig, NodeError, init, tables};
use tetrarch_storage::{Durability, JOURNAL, Journal, MarkFile, RocksStore, Store, WriteBatch};

async fn refused(config: NodeConfig) -> NodeError {
    Node::start(config).await.err().expect("a refusal")
}

/// Changes a stopped node's database.
fn tamper(config: &NodeConfig, change: impl FnOnce(&RocksStore)) {
    change(&RocksStore::open(&config.data_dir.join("db"), &tables(&KvMachine)).unwrap());
}

#[test]
fn init_makes_a_private_directory_once() {
    let chain = Chain::new(1);
    let config = chain.config(0);
    init(&config).unwrap();
    let mode = fs::metadata(&config.data_dir).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);

    let error = init(&config).unwrap_err();
    assert_eq!(error.class(), ExitClass::Unsafe);
    assert!(error.to_string().contains("something is there already"), "{error}");
}

#[test]
fn init_takes_an_empty_directory_and_no_other() {
    let chain = Chain::new(1);
    let config = chain.config(0);
    fs::create_dir(&config.data_dir).unwrap();
    fs::write(config.data_dir.join("note"), "mine").unwrap();
    assert!(matches!(init(&config).unwrap_err(), NodeError::AlreadyThere { .. }));
    fs::remove_file(config.data_dir.join("note")).unwrap();
    init(&config).unwrap();

    let file = NodeConfig { data_dir: chain.config_file(0), ..chain.config(0) };
    assert!(matches!(init(&file).unwrap_err(), NodeError::AlreadyThere { .. }));
}

#[tokio::test]
async fn an_uninitialised_directory() {
    let chain = Chain::new(1);
    let error = refused(chain.config(0)).await;
    assert_eq!(error.class(), ExitClass::Usage);
    let command = format!("`tetrarch node init --config {}`", chain.config_file(0).display());
    assert!(error.to_string().contains(&command), "{error}");
}

#[tokio::test]
async fn an_init_that_was_interrupted() {
    let chain = Chain::new(1);
    let config = chain.config(0);
    for has_database in [false, true] {
        init(&config).unwrap();
        fs::remove_dir_all(config.data_dir.join("db")).unwrap();
        if has_database {
            tamper(&config, |_| {});
        }
        let error = refused(config.clone()).await;
        assert!(matches!(error, NodeError::HalfInitialised { .. }), "{error}");
        assert!(matches!(init(&config).unwrap_err(), NodeError::AlreadyThere { .. }));
        fs::remove_dir_all(&config.data_dir).unwrap();
    }
    // Not even the mark.
    fs::create_dir(&config.data_dir).unwrap();
    assert!(matches!(refused(config.clone()).await, NodeError::NotInitialised { .. }));
    init(&config).unwrap();
    chain.start(0).await.shutdown().await;
}

/// As of a version that set none when it made the directory, if nothing ever ran there.
#[tokio::test]
async fn a_mark_that_was_never_set() {
    let chain = Chain::new(1);
    let config = chain.init().config(0);
    let mark = config.data_dir.join("journal.mark");
    fs::remove_file(&mark).unwrap();
    drop(MarkFile::open(&mark).unwrap());
    let error = refused(config).await;
    assert_eq!(error.class(), ExitClass::Unsafe);
    assert!(error.to_string().contains("initialise anew if nothing ever ran here"), "{error}");
}

#[tokio::test]
async fn another_chain() {
    let chain = Chain::new(1);
    init(&chain.config(0)).unwrap();
    let ours = chain.genesis.digest();
    let mut other = chain.genesis.clone();
    other.salt = Digest::from_bytes([8; 32]);
    fs::write(chain.folder.path().join("genesis.json"), other.to_json()).unwrap();

    let error = refused(chain.config(0)).await;
    assert!(
        matches!(&error, NodeError::OtherChain { found, expected, .. } if *found == ours && *expected == other.digest())
    );
    let text = error.to_string();
    assert!(text.contains(&ours.to_string()) && text.contains(&other.digest().to_string()), "{text}");
}

#[tokio::test]
async fn a_directory_in_use() {
    let chain = Chain::new(1);
    let running = chain.init().start(0).await;
    let error = refused(chain.config(0)).await;
    assert_eq!(error.class(), ExitClass::Failed);
    assert!(error.to_string().contains("another process has it open"), "{error}");
    running.shutdown().await;
    chain.start(0).await.shutdown().await;
}

#[tokio::test]
async fn a_port_in_use() {
    let chain = Chain::new(1);
    let config = chain.init().config(0);
    let _taken = std::net::UdpSocket::bind(chain.genesis.replicas[0].client_address).unwrap();
    let error = refused(config).await;
    assert!(error.to_string().starts_with("cannot listen for clients: UDP port "), "{error}");
}

#[tokio::test]
async fn a_lost_mark() {
    let chain = Chain::new(1);
    let config = chain.init().config(0);
    fs::remove_file(config.data_dir.join("journal.mark")).unwrap();
    let error = refused(config).await;
    assert_eq!(error.class(), ExitClass::Unsafe);
    assert!(error.to_string().starts_with("refused as unsafe: "), "{error}");
}

#[tokio::test]
async fn votes_that_were_lost() {
    let chain = Chain::new(1);
    let node = chain.init().start(0).await;
    // More than the mark has by itself.
    let mut client = chain.client();
    for key in ["a", "b", "c"] {
        client.put(key, &"v".repeat(8 * 1024)).await;
    }
    node.shutdown().await;

    let config = chain.config(0);
    tamper(&config, |store| {
        let mut batch = WriteBatch::new();
        batch.delete_range(JOURNAL, 1_u64.to_be_bytes(), [0xff; 9]);
        store.write(batch, Durability::Synced).unwrap();
    });
    let error = refused(config).await;
    assert_eq!(error.class(), ExitClass::Unsafe);
    let text = error.to_string();
    assert!(text.starts_with("refused as unsafe: ") && text.contains("synced votes were lost"), "{text}");
}

/// An entry whose chain holds is not damaged: what a newer version wrote is kept for it, also where others could replace it.
#[tokio::test]
async fn a_record_of_another_version() {
    let chain = Chain::new(4);
    let config = chain.init().config(0);
    let store = RocksStore::open(&config.data_dir.join("db"), &tables(&KvMachine)).unwrap();
    let mark = MarkFile::open(&config.data_dir.join("journal.mark")).unwrap();
    let (mut journal, entries) = Journal::open(store, Box::new(mark)).unwrap();
    let index = journal.append(vec![vec![0xff; 9]]).unwrap();
    drop(journal);
    let error = refused(config.clone()).await;
    assert!(matches!(error, NodeError::RecordUnreadable { .. }), "{error}");
    let held = MarkFile::peek(&config.data_dir.join("journal.mark")).unwrap().unwrap();
    assert_eq!((entries.len(), held.mark.index), (0, index));
}

#[tokio::test]
async fn a_database_that_was_lost() {
    let chain = Chain::new(1);
    let node = chain.init().start(0).await;
    chain.client().put("k", "v").await;
    node.shutdown().await;

    let config = chain.config(0);
    fs::remove_dir_all(config.data_dir.join("db")).unwrap();
    assert_eq!(refused(config).await.class(), ExitClass::Unsafe);
}
