//! `etcdserverpb.Maintenance/Snapshot`: the store at one revision, gathered from the cluster and sent as an etcd's database.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tetrarch_kv::store::bounds::MIN_LEASE_TTL;
use tetrarch_kv::{KeyRange, KvError, RangeRequest, Selection};
use tetrarch_kv_client::Backend;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use super::call::Replies;
use super::lease;
use super::reading::{is_outrun, page};
use crate::bolt::Database;
use crate::gateway::{Gateway, in_time};
use crate::hosts;
use crate::limits::{SNAPSHOT_BOUNDS, SNAPSHOT_PACE, SNAPSHOT_PATIENCE};
use crate::messages::maintenance::{SnapshotRequest, SnapshotResponse};
use crate::refusal::Refusal;
use crate::snapshot::{Spool, SpoolError, database, send};

/// The way to the caller.
type Sender = mpsc::Sender<Result<SnapshotResponse, Status>>;

/// Gathers first, so that what fails fails before anything is sent. A caller that goes away ends it at any time.
pub(super) async fn snapshot<B: Backend>(
    gateway: Arc<Gateway<B>>,
    _: SnapshotRequest,
) -> Result<Replies<SnapshotResponse>, Status> {
    let place = gateway.snapshots.clone().try_acquire_owned().map_err(|_| Refusal::SnapshotUnderWay)?;
    let database = gather(&gateway).await?;
    let (replies, sent) = mpsc::channel(1);
    spawn_blocking(move || deliver(database, replies, place, SNAPSHOT_PATIENCE));
    Ok(sent)
}

/// Waits as long as the caller reads at a fair pace, and no longer than there is a caller. One that is too slow finds its stream cut short.
fn deliver(database: Database, replies: Sender, _place: OwnedSemaphorePermit, patience: Duration) {
    let runtime = Handle::current();
    let mut until = Instant::now() + patience;
    let told = send(database, |message| {
        let sent = runtime.block_on(timeout_at(until, replies.send(Ok(message))));
        until += SNAPSHOT_PACE;
        match sent {
            Ok(sent) => sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe)),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    });
    let refusal = match told {
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Refusal::SnapshotUnread,
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Refusal::Spool(error.to_string()),
        _ => return,
    };
    // It is told when it reads on, which nothing here waits for.
    runtime.spawn(async move { drop(replies.send(Err(refusal.into())).await) });
}

async fn gather<B: Backend>(gateway: &Arc<Gateway<B>>) -> Result<Database, Refusal> {
    let request = RangeRequest::of(KeyRange::prefix([]));
    let first = page(gateway, request.clone()).await?;
    // The first page says which revision it is; the others are read at that.
    let revision = first.revision;
    let gone = deletions(gateway, revision).await.map_err(outrun)?;
    let spool = records(gateway, request.at(revision), first.selection).await.map_err(outrun)?;
    let leases = leases(gateway, spool.leases()).await?;
    at_disk(move || Ok(database(revision, spool.sort(revision, gone)?, leases))).await
}

/// All records of one revision, whose first page was read, in a file that has no name and ends with its last use.
async fn records<B: Backend>(
    gateway: &Gateway<B>,
    mut request: RangeRequest,
    first: Selection,
) -> Result<Spool<File>, Refusal> {
    let file = at_disk(|| tempfile::tempfile().map_err(SpoolError::File)).await?;
    let (mut spool, mut selection) = (Spool::new(file, SNAPSHOT_BOUNDS), first);
    loop {
        let behind = selection.records.last().map(|(last, _)| [last.as_slice(), &[0]].concat());
        let more = selection.more;
        spool = at_disk(move || spool.add(selection.records).map(|()| spool)).await?;
        match behind {
            _ if !more => return Ok(spool),
            Some(behind) => request.range.key = behind,
            None => return Err(KvError::TooMuch.into()),
        }
        selection = page(gateway, request.clone()).await?.selection;
    }
}

/// The keys that the revision deleted: they stand in the file so that its latest revision is the store's.
async fn deletions<B: Backend>(gateway: &Gateway<B>, revision: u64) -> Result<Vec<Vec<u8>>, Refusal> {
    if revision == 1 {
        return Ok(Vec::new());
    }
    let mut reader = gateway.watches.read(revision, false, hosts::own());
    let happened = in_time(async { reader.next().await.map_err(|_| KvError::Compacted.into()) }).await?;
    let gone = happened.changes.iter().filter(|change| change.put.is_none());
    Ok(gone.map(|change| change.key.clone()).collect())
}

/// The caller did not ask for a revision, so that one was compacted is not what to tell it.
fn outrun(refusal: Refusal) -> Refusal {
    if is_outrun(&refusal) { Refusal::SnapshotOutrun } else { refusal }
}

/// The leases that there are now, which may be later than the revision. One that ended meanwhile and has keys is told with the shortest time to
/// live, so that its keys end too where they are restored.
async fn leases<B: Backend>(gateway: &Gateway<B>, used: &BTreeSet<u64>) -> Result<BTreeMap<u64, u64>, Refusal> {
    let (_, listed) = lease::all(gateway).await?;
    let mut leases: BTreeMap<u64, u64> = used.iter().map(|id| (*id, MIN_LEASE_TTL)).collect();
    leases.extend(listed.into_iter().map(|lease| (lease.id, lease.ttl)));
    if leases.len() > SNAPSHOT_BOUNDS.leases { Err(Refusal::SnapshotTooLarge) } else { Ok(leases) }
}

/// Runs what waits for a disk, or takes long, where it holds nobody up.
async fn at_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, Refusal> {
    match spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(SpoolError::Full)) => Err(Refusal::SnapshotTooLarge),
        Ok(Err(SpoolError::File(error))) => Err(Refusal::Spool(error.to_string())),
        Err(_) => Err(Refusal::Spool("it ended".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn whoever_does_not_read_one_keeps_nobody_from_theirs() {
        let places = Arc::new(Semaphore::new(1));
        let place = places.clone().try_acquire_owned().unwrap();
        let spool = Spool::new(tempfile::tempfile().unwrap(), SNAPSHOT_BOUNDS);
        let database = database(1, spool.sort(1, Vec::new()).unwrap(), BTreeMap::new());
        let (replies, mut sent) = mpsc::channel(1);
        let patience = Duration::from_millis(100);
        let delivering = spawn_blocking(move || deliver(database, replies, place, patience));
        // The file takes one message, and its hash another.
        assert!(tokio::time::timeout(Duration::from_secs(60), places.acquire()).await.is_ok());
        delivering.await.unwrap();
        assert!(sent.recv().await.unwrap().is_ok());
        let ended = sent.recv().await.unwrap().unwrap_err();
        assert_eq!(ended.code(), tonic::Code::DeadlineExceeded, "{ended}");
        assert!(sent.recv().await.is_none());
    }
}
