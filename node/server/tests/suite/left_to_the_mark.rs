//! Votes that were left to the journal's mark: the store has them too once there is nothing else to do, and when the node has ended.

use std::sync::Arc;

use crate::support::{Chain, eventually};
use tetrarch_server::Node;
use tetrarch_storage::{Direction, FaultyStore, JOURNAL, MemoryMark, Reader};

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
