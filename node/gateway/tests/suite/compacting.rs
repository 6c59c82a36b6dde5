//! History that is given up without being asked for.

use std::time::{Duration, Instant};

use crate::support::Running;
use crate::support::calls::Caller;
use crate::support::local::Local;
use tetrarch_gateway::messages::kv::{PutRequest, PutResponse, RangeRequest, RangeResponse};
use tetrarch_gateway::{AutoCompaction, Options};
use tonic::{Code, Status};

const PATIENCE: Duration = Duration::from_secs(60);

async fn put(caller: &Caller) -> i64 {
    let put = PutRequest { key: b"k".to_vec(), value: b"v".to_vec(), ..Default::default() };
    let put: PutResponse = caller.call("/etcdserverpb.KV/Put", put).await.unwrap();
    put.header.unwrap().revision
}

async fn read(caller: &Caller, revision: i64) -> Result<RangeResponse, Status> {
    let read = RangeRequest { key: b"k".to_vec(), revision, ..Default::default() };
    caller.call("/etcdserverpb.KV/Range", read).await
}

async fn gateway(kept: AutoCompaction) -> (Running, Caller) {
    let options = Options { auto_compaction: Some(kept), ..Options::default() };
    let gateway = Running::start_with(Local::new(), options);
    let caller = Caller::to(&gateway).await;
    (gateway, caller)
}

#[tokio::test]
async fn by_time() {
    let (_gateway, caller) = gateway(AutoCompaction::Periodic(Duration::from_secs(2))).await;
    let (first, second) = (put(&caller).await, put(&caller).await);
    let until = Instant::now() + PATIENCE;
    while let Ok(answer) = read(&caller, first).await {
        assert_eq!(answer.kvs.len(), 1, "history is whole while it is there");
        assert!(Instant::now() < until, "nothing is compacted");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let gone = read(&caller, first).await.unwrap_err();
    assert_eq!(
        (gone.code(), gone.message()),
        (Code::OutOfRange, "etcdserver: mvcc: required revision has been compacted")
    );
    assert_eq!(read(&caller, second).await.unwrap().kvs[0].version, 2, "the last one stays, however old");
}

#[tokio::test]
async fn without_a_word_everything_stays() {
    let gateway = Running::local();
    let caller = Caller::to(&gateway).await;
    let first = put(&caller).await;
    put(&caller).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(read(&caller, first).await.unwrap().kvs[0].version, 1);
}
