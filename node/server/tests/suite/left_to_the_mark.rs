//! Votes that were left to the journal's mark: the store has them too once there is nothing else to do, and when the node has ended.

use std::sync::Arc;

use crate::support::{Chain, eventually};
use tetrarch_kv::Command;
use tetrarch_server::Node;
use tetrarch_storage::{Direction, FailureKind, FaultyStore, JOURNAL, MemoryMark, Reader};
use tetrarch_types::{NodeMode, Parameters, Request, SeqNum};

/// A replica alone, and its disk.
struct Scene {
    chain: Chain,
    store: Arc<FaultyStore>,
    mark: MemoryMark,
}

impl Scene {
    fn new() -> Self {
        Self { chain: Chain::new(1), store: Arc::default(), mark: MemoryMark::at_origin() }
    }

    async fn start(&self) -> Node {
        self.chain.start_on(0, &self.store, &self.mark).await
    }

    /// How far the journal goes in the store.
    fn stored(&self) -> u64 {
        let last = self.store.scan(JOURNAL, &[], &[], Direction::Descending, 1).unwrap().pop();
        last.map_or(0, |(key, _)| u64::from_be_bytes(key.try_into().unwrap()))
    }

    fn marked(&self) -> u64 {
        self.mark.image().unwrap().mark.index
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_has_them_when_nothing_comes_any_more() {
    let scene = Scene::new();
    let node = scene.start().await;
    scene.chain.client().put("k", "v").await;
    assert!(scene.marked() > 0);
    eventually("the store is told", || scene.stored() == scene.marked()).await;
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_has_them_when_the_node_has_ended() {
    for puts in 1..5 {
        let scene = Scene::new();
        let node = scene.start().await;
        let mut client = scene.chain.client();
        for _ in 0..puts {
            client.put("k", "v").await;
        }
        node.shutdown().await;
        assert_eq!(scene.stored(), scene.marked());
    }
}

/// The first write that is synced is that of a stable checkpoint: the power fails during its fsync. With the record and without the state
/// that it vouches for there would be nobody to fetch that from.
#[tokio::test(flavor = "multi_thread")]
async fn a_stable_checkpoint_is_not_left_to_the_mark() {
    for survives in [false, true] {
        let scene = Scene { chain: Chain::with(1, Parameters { checkpoint_interval: 4, window: 8 }), ..Scene::new() };
        let node = scene.start().await;
        scene.store.fail_write_at(0, FailureKind::FsyncLost);
        let mut client = scene.chain.client();
        for _ in 0..3 {
            client.put("k", "v").await;
        }
        client.nonce += 1;
        let last = client.sign(client.nonce, Command::put("k", "v").encode());
        // Whether it is answered before the node halts does not matter.
        client.ask(0, &Request::Submit(last)).await;
        eventually("the checkpoint's fsync fails", || matches!(node.status().mode, NodeMode::Halted { .. })).await;
        assert_eq!(node.status().executed, SeqNum::new(4));
        node.shutdown().await;
        scene.store.crash(|_| 0);
        scene.mark.crash(survives);

        let node = scene.chain.restart_on(0, &scene.store, &scene.mark).await;
        client.put("k", "w").await;
        assert!(node.status().executed > SeqNum::new(4), "{survives}");
        node.shutdown().await;
    }
}
