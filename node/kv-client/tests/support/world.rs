//! A cluster whose replicas execute and answer in any order, and a follower of it.

use std::collections::BTreeMap;

use tetrarch_chance::Rng;
use tetrarch_kv::store::Detail;
use tetrarch_kv::{Command, Operation, PutRequest, Request, TxnRequest};
use tetrarch_kv_client::Told;
use tetrarch_kv_client::watch::{Ask, Follower, Happened, News};
use tetrarch_types::{Membership, ReplicaId};

use super::lies::{self, LIES, Lie};
use super::{Replica, membership};

/// A replica, and how it lies.
struct Member {
    replica: Replica,
    lies: Vec<Lie>,
    /// Commands of the order that it has executed.
    executed: usize,
    earlier: Vec<Told>,
    asked: Option<Ask>,
}

/// What is drawn beside the order of things.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) size: u8,
    pub(crate) liars: usize,
    /// The first revision to follow.
    pub(crate) from: u64,
    pub(crate) compacts: bool,
    pub(crate) with_previous: bool,
}

pub(crate) struct World {
    chance: Rng,
    scene: Scene,
    membership: Membership,
    order: Vec<Command>,
    /// Executes all at once, and is asked first: what it tells is the truth.
    scribe: Replica,
    truth: BTreeMap<u64, Happened>,
    members: Vec<Member>,
    pub(crate) follower: Follower,
    /// The next revision that has to come.
    pub(crate) next: u64,
    /// Answers that were none.
    pub(crate) nonsense: usize,
}

impl World {
    pub(crate) fn new(seed: u64, scene: Scene) -> Self {
        let mut chance = Rng::new(seed);
        let membership = membership(scene.size);
        let ids: Vec<usize> = (0..usize::from(scene.size)).collect();
        let liars = chance.sample(&ids, scene.liars);
        let member = |index: usize| Member {
            replica: Replica::new(&membership),
            lies: if liars.contains(&index) { some_lies(&mut chance) } else { Vec::new() },
            executed: 0,
            earlier: Vec::new(),
            asked: None,
        };
        let members = ids.into_iter().map(member).collect();
        let detail = if scene.with_previous { Detail::Previous } else { Detail::Events };
        let teller = ReplicaId::new(u16::try_from(chance.below(u64::from(scene.size))).unwrap());
        let follower = Follower::new(&membership, scene.from, detail, teller);
        let scribe = Replica::new(&membership);
        let (order, truth) = (Vec::new(), BTreeMap::new());
        Self {
            chance,
            scene,
            membership,
            order,
            scribe,
            truth,
            members,
            follower,
            next: scene.from.max(2),
            nonsense: 0,
        }
    }

    /// How it lies, for messages.
    pub(crate) fn lies(&self) -> Vec<&[Lie]> {
        self.members.iter().map(|member| member.lies.as_slice()).collect()
    }

    /// The last revision there is.
    pub(crate) fn newest(&self) -> u64 {
        self.truth.last_key_value().map_or(1, |(revision, _)| *revision)
    }

    pub(crate) fn compacted(&self) -> u64 {
        self.scribe.tell(&tetrarch_kv::KvQuery::Hash { revision: 0 }).result.compacted
    }

    /// Puts a command into the order.
    pub(crate) fn order(&mut self, command: Command) {
        self.scribe.execute(&command);
        let told = self.scribe.story(self.newest() + 1);
        self.truth.extend(told.into_iter().map(|happened| (happened.revision, happened)));
        self.order.push(command);
    }

    pub(crate) fn order_any(&mut self) {
        let command = self.command();
        self.order(command);
    }

    fn command(&mut self) -> Command {
        let key = |chance: &mut Rng| chance.one_of(["a", "b", "c", "d"]);
        let value = vec![b'v'; self.chance.index(20)];
        let newest = self.newest();
        match self.chance.below(12) {
            0..=4 => Request::put(key(&mut self.chance), value).into(),
            5 | 6 => Request::delete(key(&mut self.chance)).into(),
            7 => Command::new((0..3).map(|_| Request::put(key(&mut self.chance), "1"))),
            8 if self.scene.compacts && self.chance.below(3) == 0 => {
                Request::Compact { revision: newest.saturating_sub(self.chance.below(6)) }.into()
            }
            _ => {
                let put = |key: &str| Operation::Put(PutRequest::new(key, "t"));
                let success = ["a", "b", "x"].into_iter().map(put).collect();
                Request::Txn(TxnRequest { success, ..TxnRequest::default() }).into()
            }
        }
    }

    /// Something happens.
    pub(crate) fn step(&mut self) {
        let index = self.chance.index(self.members.len());
        if self.chance.chance(5_000) {
            self.execute(index);
        } else {
            self.answer(index);
        }
        if self.follower.known() > self.follower.believed() && self.chance.chance(100) {
            self.follower.change_teller();
        }
        self.ask_all();
        self.take_all();
    }

    pub(crate) fn execute(&mut self, index: usize) {
        let member = &mut self.members[index];
        let Some(command) = self.order.get(member.executed) else { return };
        let forks = member.lies.contains(&Lie::Fork) && member.executed >= 3;
        let other = Command::from(Request::put("a", "forked"));
        member.replica.execute(if forks { &other } else { command });
        member.executed += 1;
    }

    fn answer(&mut self, index: usize) {
        let replica = ReplicaId::new(u16::try_from(index).unwrap());
        let member = &mut self.members[index];
        let Some(ask) = member.asked.take() else { return };
        let waits = ask.behind.is_some_and(|behind| member.replica.executed() <= behind);
        if waits && self.chance.chance(9_000) && member.lies.is_empty() {
            member.asked = Some(ask);
            return;
        }
        let told = member.replica.tell(&ask.query);
        if member.earlier.len() < 20 {
            member.earlier.push(told.clone());
        }
        let lie = member.lies.get(self.chance.index(member.lies.len())).copied();
        let told = match lie.filter(|_| self.chance.chance(7_000)) {
            Some(lie) => lies::tell(lie, told, &member.earlier, &mut self.chance),
            None => Some(told),
        };
        let news = told.map(|told| self.follower.hear(replica, &ask, told));
        match news {
            None => self.follower.fail(replica),
            Some(News::Nonsense) => {
                self.nonsense += 1;
                assert!(lie.is_some(), "an honest answer to {ask:?} is no nonsense");
            }
            Some(News::Something | News::Nothing) => {}
        }
    }

    pub(crate) fn ask_all(&mut self) {
        for (member, replica) in self.members.iter_mut().zip(self.membership.ids()) {
            let Some(ask) = self.follower.ask(replica) else { continue };
            if member.asked.as_ref().is_none_or(|earlier| ask.replaces(earlier)) {
                member.asked = Some(ask);
            }
        }
    }

    /// What is delivered is the truth, and in its order.
    fn take_all(&mut self) {
        while let Some(mut happened) = self.follower.take() {
            let mut expected =
                self.truth.get(&self.next).cloned().unwrap_or_else(|| panic!("{happened:?} did not happen"));
            let is_gone = self.next <= self.compacted();
            for (change, expected) in happened.changes.iter_mut().zip(&mut expected.changes) {
                if !self.scene.with_previous || (is_gone && change.previous.is_none()) {
                    expected.previous = None;
                }
            }
            assert_eq!(happened, expected);
            self.next += 1;
        }
        if let Some(compacted) = self.follower.compacted() {
            let truly = self.compacted();
            assert!(self.next < compacted && compacted <= truly, "{} is not gone: {truly}", self.next);
        }
    }
}

/// One way to lie, or a few, or all of them.
fn some_lies(chance: &mut Rng) -> Vec<Lie> {
    let count = chance.one_of([1, 1, 3, LIES.len()]);
    chance.sample(&LIES, count)
}
