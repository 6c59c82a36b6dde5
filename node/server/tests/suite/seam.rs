//! A node behind a seam: what passes it and what does not, in both directions, and that the node leaves nothing behind because of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Chain, eventually};
use tetrarch_kv::{Command, KvQuery};
use tetrarch_server::{Mouth, Node, Seam};
use tetrarch_types::{Message, Query, ReplicaId, Request, Response, Transaction};
use tokio::task::JoinSet;

const BEHIND: usize = 3;

/// Counts what comes by, and passes on what it is told to.
#[derive(Default)]
struct Doorkeeper {
    mouth: Mutex<Option<Mouth>>,
    speaks: bool,
    hears: bool,
    admits: bool,
    answers: bool,
    said: AtomicUsize,
    heard: AtomicUsize,
    admitted: AtomicUsize,
    answered: AtomicUsize,
}

impl Seam for Doorkeeper {
    fn begin(&self, mouth: Mouth) {
        *self.mouth.lock().unwrap() = Some(mouth);
    }

    fn say(&self, to: ReplicaId, message: &Arc<Message>) {
        assert_ne!(to.index(), BEHIND, "what a replica says to itself passes no seam");
        self.said.fetch_add(1, Ordering::Relaxed);
        if self.speaks {
            assert!(self.mouth.lock().unwrap().as_ref().unwrap().say(to, message), "the node runs");
        }
    }

    fn answer(&self, response: Response) -> Option<Response> {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.answers.then_some(response)
    }

    fn hear(&self, _: &Message) -> bool {
        self.heard.fetch_add(1, Ordering::Relaxed);
        self.hears
    }

    fn admit(&self, _: &Transaction) -> bool {
        self.admitted.fetch_add(1, Ordering::Relaxed);
        self.admits
    }
}

impl Doorkeeper {
    fn open() -> Self {
        Self { speaks: true, hears: true, admits: true, answers: true, ..Self::default() }
    }

    fn count(&self, of: impl Fn(&Self) -> &AtomicUsize) -> usize {
        of(self).load(Ordering::Relaxed)
    }
}

/// All four, the last one behind the doorkeeper.
async fn start(chain: &Chain, doorkeeper: &Arc<Doorkeeper>) -> Vec<Node> {
    let mut nodes = Vec::new();
    for id in 0..BEHIND {
        nodes.push(chain.start(id).await);
    }
    nodes.push(Node::start_behind(chain.config(BEHIND), Arc::clone(doorkeeper) as _).await.unwrap());
    nodes
}

async fn stop(nodes: Vec<Node>) {
    nodes.into_iter().map(Node::shutdown).collect::<JoinSet<()>>().join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_door_changes_nothing() {
    let (chain, doorkeeper) = (Chain::new(4), Arc::new(Doorkeeper::open()));
    let mut nodes = start(chain.init(), &doorkeeper).await;
    let mut client = chain.client();
    client.put("before", "1").await;
    // With another one gone the one behind the door is needed.
    nodes.remove(0).shutdown().await;
    let needed = client.put("needed", "1").await.results.seq();
    eventually("it is level", || nodes.iter().all(|node| node.status().executed >= needed)).await;
    assert_eq!(client.read(BEHIND, "needed").await.records[0].1.value, b"1");
    let Doorkeeper { said, heard, admitted, answered, .. } = &*doorkeeper;
    assert!([said, heard, admitted, answered].iter().all(|count| count.load(Ordering::Relaxed) > 0));
    stop(nodes).await;
    let mouth = doorkeeper.mouth.lock().unwrap().clone().unwrap();
    let message = Arc::new(status_of(&chain));
    assert!(!mouth.say(ReplicaId::new(0), &message), "a node that has ended says nothing more");
}

fn status_of(chain: &Chain) -> Message {
    use tetrarch_types::{SeqNum, Signed, Status, View};
    let place = Status { view: View::ZERO, changing: false, executed: SeqNum::ZERO, stable: SeqNum::ZERO, slow: false };
    let scope = chain.genesis.membership();
    Message::Status(Signed::new(place, ReplicaId::new(3), scope.scope(), &chain.keys[BEHIND]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deaf_and_mute_node_takes_no_part_and_is_honest_without_its_seam() {
    let (chain, closed) = (Chain::new(4), Arc::new(Doorkeeper::default()));
    let nodes = start(chain.init(), &closed).await;
    let mut client = chain.client();
    for round in 0..5 {
        client.put(&format!("k{round}"), "v").await;
    }
    eventually("it was spoken to", || closed.count(|it| &it.heard) > 0 && closed.count(|it| &it.said) > 0).await;
    // The others' answers are enough: what was for this one may have been given up before there was a connection.
    while closed.count(|it| &it.admitted) == 0 {
        client.put("until it is asked too", "v").await;
    }
    assert_eq!(nodes[BEHIND].status().executed.get(), 0, "it heard nothing");
    let question = Request::Query(Query::Read(KvQuery::get("k0").encode()));
    let silence = tokio::time::timeout(std::time::Duration::from_millis(500), client.try_ask(BEHIND, &question)).await;
    assert!(!matches!(silence, Ok(Some(_))), "nobody is answered: {silence:?}");
    stop(nodes).await;

    let nodes = chain.start_all().await;
    client.execute(&Command::put("after", "v")).await;
    let executed = nodes[0].status().executed;
    eventually("it comes back", || nodes[BEHIND].status().executed >= executed).await;
    assert_eq!(client.read(BEHIND, "k0").await.records[0].1.value, b"v");
    stop(nodes).await;
}
