//! A client that puts numbered values through a gateway, and another one that watches them: what happens comes exactly once, in order.

#![allow(clippy::print_stdout, reason = "how long it took")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tetrarch_gateway::messages::watch::{EventType, WatchResponse};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tonic::{Status, Streaming};

use super::gateway::Caller;
use super::{Net, PATIENCE};

const PREFIX: &str = "course/";

/// Between two puts: what a busy machine can bear.
const PAUSE: Duration = Duration::from_millis(5);

/// Before something is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// The longest that each of the two stood still, and how often the watch was taken up again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stalls {
    pub(crate) writer: Duration,
    pub(crate) watcher: Duration,
    pub(crate) resumed: usize,
}

/// Both clients at work.
pub(crate) struct Course {
    runtime: Runtime,
    stop: Arc<AtomicBool>,
    put: Arc<AtomicUsize>,
    seen: Arc<AtomicUsize>,
    writer: JoinHandle<Duration>,
    watcher: JoinHandle<Watcher>,
}

impl Course {
    pub(crate) fn start(net: &Net) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stop, put, seen) = (Arc::<AtomicBool>::default(), Arc::default(), Arc::default());
        let (writer, watcher) = runtime.block_on(async {
            let caller = || Caller::to(net.gateway());
            let begin = caller().read_all(PREFIX).await.unwrap().header.unwrap().revision + 1;
            let watcher = Watcher::new(caller(), begin, Arc::clone(&seen));
            let writing = write(caller(), Arc::clone(&stop), Arc::clone(&put));
            (tokio::spawn(writing), tokio::spawn(watcher.watch(Arc::clone(&stop), Arc::clone(&put))))
        });
        Self { runtime, stop, put, seen, writer, watcher }
    }

    /// Waits until so many more values are put and seen.
    #[track_caller]
    pub(crate) fn goes_on(&self, what: &str, count: usize) {
        let began = Instant::now();
        let [put, seen] = [&self.put, &self.seen].map(|done| done.load(Ordering::Relaxed) + count);
        while self.put.load(Ordering::Relaxed) < put || self.seen.load(Ordering::Relaxed) < seen {
            let ended = self.writer.is_finished() || self.watcher.is_finished();
            assert!(!ended && began.elapsed() < PATIENCE, "{what}: not {count} more within {PATIENCE:?}, or refused");
            std::thread::sleep(Duration::from_millis(5));
        }
        println!("{what}: {count} more in {} ms", began.elapsed().as_millis());
    }

    /// Ends both, and compares what was seen with what there is.
    pub(crate) fn end(self, net: &Net) -> Stalls {
        self.stop.store(true, Ordering::Relaxed);
        let (writer, watcher, read) = self.runtime.block_on(async {
            let (writer, watcher) = (self.writer.await.unwrap(), self.watcher.await.unwrap());
            (writer, watcher, Caller::to(net.gateway()).read_all(PREFIX).await.unwrap())
        });
        let there: Vec<i64> = read.kvs.iter().map(|kv| kv.mod_revision).collect();
        assert_eq!(watcher.revisions, there, "the watcher's revisions are on the left");
        assert_eq!(there.len(), self.put.load(Ordering::Relaxed), "all that was acknowledged, and no more");
        Stalls { writer, watcher: watcher.longest, resumed: watcher.resumed }
    }
}

/// Puts numbers, each until it is acknowledged, and gives the longest time between two acknowledgements.
async fn write(caller: Caller, stop: Arc<AtomicBool>, put: Arc<AtomicUsize>) -> Duration {
    let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        while let Err(status) = caller.put_once(&name(number), &number.to_string()).await {
            assert!(last.elapsed() < PATIENCE, "{number}: {status}");
            tokio::time::sleep(AGAIN).await;
        }
        longest = longest.max(last.elapsed());
        last = Instant::now();
        put.store(number + 1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
    longest
}

/// Keys in the order of their numbers.
fn name(number: usize) -> String {
    format!("{PREFIX}{number:08}")
}

/// A client that watches, and takes the watch up again behind what it knows when the stream breaks.
struct Watcher {
    caller: Caller,
    next: i64,
    /// Of each value, by its number.
    revisions: Vec<i64>,
    seen: Arc<AtomicUsize>,
    last: Instant,
    longest: Duration,
    resumed: usize,
}

impl Watcher {
    fn new(caller: Caller, next: i64, seen: Arc<AtomicUsize>) -> Self {
        let (last, longest) = (Instant::now(), Duration::ZERO);
        Self { caller, next, revisions: Vec::new(), seen, last, longest, resumed: 0 }
    }

    /// Watches until the writer has ended and all that was put is seen.
    async fn watch(mut self, stop: Arc<AtomicBool>, put: Arc<AtomicUsize>) -> Self {
        let mut streams = 0_usize;
        while !self.is_done(&stop, &put) {
            assert!(self.last.elapsed() < PATIENCE, "nothing was told for {PATIENCE:?}");
            match self.caller.watch(PREFIX, self.next).await {
                Ok(stream) => {
                    self.resumed = streams;
                    streams += 1;
                    let broken = self.follow(stream, &stop, &put).await;
                    assert!(broken.is_ok() || self.is_excused(&broken), "{broken:?}");
                }
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
        self
    }

    fn is_done(&self, stop: &AtomicBool, put: &AtomicUsize) -> bool {
        stop.load(Ordering::Relaxed) && self.revisions.len() >= put.load(Ordering::Relaxed)
    }

    async fn follow(
        &mut self,
        mut stream: Streaming<WatchResponse>,
        stop: &AtomicBool,
        put: &AtomicUsize,
    ) -> Result<(), Status> {
        // Whether everything is seen is asked from time to time, too: the last value may be told before it is acknowledged.
        while !self.is_done(stop, put) {
            match tokio::time::timeout(PAUSE * 20, stream.message()).await {
                Ok(told) => match told? {
                    Some(told) => self.take(&told),
                    None => return Ok(()),
                },
                Err(_) => assert!(self.last.elapsed() < PATIENCE, "nothing was told for {PATIENCE:?}"),
            }
        }
        Ok(())
    }

    /// Each event is the next number's, of one revision behind the last.
    fn take(&mut self, told: &WatchResponse) {
        assert!(!told.canceled, "{told:?}");
        for event in &told.events {
            let (kv, number) = (event.kv.as_ref().unwrap(), self.revisions.len());
            assert_eq!(event.kind, EventType::Put as i32);
            assert_eq!(String::from_utf8_lossy(&kv.key), name(number), "the next is {number}: {told:?}");
            assert_eq!(String::from_utf8_lossy(&kv.value), number.to_string());
            assert!(kv.mod_revision >= self.next && kv.version == 1, "from {} on: {kv:?}", self.next);
            self.next = kv.mod_revision + 1;
            self.revisions.push(kv.mod_revision);
            self.longest = self.longest.max(self.last.elapsed());
            self.last = Instant::now();
            self.seen.store(number + 1, Ordering::Relaxed);
        }
    }

    /// A connection that breaks, as against an error that the gateway thought of.
    fn is_excused(&self, broken: &Result<(), Status>) -> bool {
        use tonic::Code::{Unavailable, Unknown};
        broken.as_ref().is_err_and(|status| matches!(status.code(), Unavailable | Unknown))
    }
}
