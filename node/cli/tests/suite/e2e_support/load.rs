//! Honest clients that go on all the time, and remember what they were told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tetrarch_client::{Client, ClientOptions, Submitted};
use tetrarch_crypto::{Signer, SigningKey};
use tetrarch_kv::{Command, Expected, Response};
use tetrarch_launcher::Testnet;

use super::history::{Answer, Asked, Operation, Told, violations};
use super::{Net, PATIENCE, block_on, executed, read_all};

/// Clients, each with a key of its own and one operation at a time.
const CLIENTS: usize = 6;

/// Keys, all clients'.
const KEYS: u64 = 4;

/// Time between two operations of a client: what a busy machine can bear.
const PAUSE: Duration = Duration::from_millis(5);

/// Clients at work, in a thread of their own.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    history: Arc<Mutex<Vec<Operation>>>,
    thread: JoinHandle<()>,
}

impl Load {
    pub(crate) fn start(net: &Net) -> Self {
        let (stop, answered, history) = (Arc::<AtomicBool>::default(), Arc::default(), Arc::default());
        let testnet = Testnet::open(&net.dir()).unwrap();
        let shared = (Arc::clone(&stop), Arc::clone(&answered), Arc::clone(&history));
        let thread = std::thread::spawn(move || block_on(run(testnet, shared)));
        Self { stop, answered, history, thread }
    }

    /// How many operations were answered.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// Waits until so many more operations are answered: the cluster serves.
    #[track_caller]
    pub(crate) fn goes_on(&self, what: &str, count: usize) {
        let (start, before) = (Instant::now(), self.answered());
        while self.answered() < before + count {
            let done = self.answered() - before;
            assert!(start.elapsed() < PATIENCE, "{what}: {done} of {count} operations within {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the clients, and checks all that they were told.
    pub(crate) fn end(self, net: &Net) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        let history = self.history.lock().unwrap();
        let last: BTreeMap<String, (String, u64)> = block_on(async {
            let client = net.client();
            let records = read_all(&client, "h/").await;
            client.close().await;
            records.into_iter().map(|(key, record)| (text(&key), (text(&record.value), record.mod_revision))).collect()
        });
        let found = violations(&history, &last);
        assert!(found.is_empty(), "{} operations, {} violations: {found:#?}", history.len(), found.len());
        let unknown = history.iter().filter(|it| it.answer.is_none()).count();
        // Each call waits longer than any fault here lasts: an operation without an answer is one that was refused to the end.
        assert!(unknown * 20 <= history.len(), "{unknown} of {} operations have no answer", history.len());
    }
}

type Shared = (Arc<AtomicBool>, Arc<AtomicUsize>, Arc<Mutex<Vec<Operation>>>);

async fn run(testnet: Testnet, shared: Shared) {
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(work(client(&testnet, number), number, shared.clone()));
    }
    clients.join_all().await;
}

/// A censor picks its victims by the keys' first bytes: of any two of these in a row it dislikes one.
fn client(testnet: &Testnet, number: usize) -> Client {
    let wanted = |key: &SigningKey| usize::from(key.public_key().as_bytes()[0]) % 2 == number % 2;
    let key = std::iter::repeat_with(|| SigningKey::generate().unwrap()).find(wanted).unwrap();
    let options = ClientOptions { timeout: PATIENCE, ..ClientOptions::default() };
    Client::new(testnet.genesis(), key, options).unwrap()
}

async fn work(client: Client, number: usize, (stop, answered, history): Shared) {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for step in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let key = format!("h/{}", (step * 7 + number as u64) % KEYS);
        let value = format!("{number}-{step}");
        let asked = match step % 3 {
            0 => Asked::Put,
            1 => Asked::Get,
            _ => Asked::Swap { expected: seen.get(&key).copied().unwrap_or(0) },
        };
        let began = Instant::now();
        let submitted = client.submit(command(&key, &asked, &value).encode()).await.ok();
        let answer = submitted.map(|submitted| answer(&submitted, &asked));
        if let Some(answer) = &answer {
            answered.fetch_add(1, Ordering::Relaxed);
            seen.insert(key.clone(), known(answer));
        }
        history.lock().unwrap().push(Operation { key, asked, value, began, answer });
        tokio::time::sleep(PAUSE).await;
    }
    client.close().await;
}

fn command(key: &str, asked: &Asked, value: &str) -> Command {
    match asked {
        Asked::Put => Command::put(key, value),
        Asked::Get => Command::get(key),
        Asked::Swap { expected: 0 } => Command::compare_and_swap(key, Expected::Absent, Some(value.into())),
        Asked::Swap { expected } => {
            Command::compare_and_swap(key, Expected::ModRevision(*expected), Some(value.into()))
        }
    }
}

fn answer(submitted: &Submitted, asked: &Asked) -> Answer {
    let at = Instant::now();
    let result = executed(&submitted.outcome);
    let response = result.results.unwrap().remove(0).unwrap().response;
    let told = match (response.swapped(), response) {
        (None, Response::Put { .. }) | (Some(Ok(())), _) => Told::Written,
        (Some(Err(mod_revision)), _) => Told::NotSwapped(mod_revision),
        (None, Response::Range(mut found)) => {
            Told::Got(found.records.pop().map(|(_, it)| (text(&it.value), it.mod_revision)))
        }
        (None, other) => panic!("{other:?} for {asked:?}"),
    };
    Answer { at, seq: submitted.seq.get(), revision: result.revision, told }
}

/// The revision of the key's last put, as far as this answer says.
fn known(answer: &Answer) -> u64 {
    match &answer.told {
        Told::Written => answer.revision,
        Told::NotSwapped(at) => *at,
        Told::Got(record) => record.as_ref().map_or(0, |(_, at)| *at),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
