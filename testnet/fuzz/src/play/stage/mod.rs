//! The liars: they know what was assigned, and turn steps into messages.

mod places;

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_crypto::state_tree::Prefix;
use tetrarch_types::{
    CheckpointCertificate, Fetch, Held, HeldVote, Message, MessageKind, PrePrepare, ReplicaId, SeqNum, Signed, Status,
    Supply, Transaction, TransactionId, View, ViewChange, decode, encode, limits,
};

use super::Node;
use super::speech::{self, Assigned, Content};
use super::step::{Above, Choice, Step, Voters};
use crate::chain::{CONTENTS, WINDOW};
use crate::{specimens, trace};

pub(crate) struct Stage {
    pub(crate) node: Node,
    /// Whether the others tell the replica all that they hold of it, whatever an input says.
    pub(crate) is_truthful: bool,
    /// The first batch assigned at each place, by the replica or by liars.
    assigned: Assigned,
    /// Batches that have a name.
    contents: BTreeMap<Digest, Content>,
    /// The last message that was made up.
    last: Option<Message>,
    /// Transactions that clients sent.
    requests: BTreeMap<TransactionId, Transaction>,
}

impl Stage {
    pub(crate) fn new(node: Node) -> Self {
        Self {
            node,
            is_truthful: false,
            assigned: BTreeMap::new(),
            contents: BTreeMap::new(),
            last: None,
            requests: BTreeMap::new(),
        }
    }

    pub(crate) fn play(&mut self, step: Step) {
        trace::note("", &step);
        match step {
            Step::Request { number } => self.request(self.node.chain.transaction(number.into())),
            Step::Propose { .. } | Step::Prepares { .. } | Step::Commits { .. } | Step::Agree { .. } => {
                self.normal_case(step);
            }
            Step::Checkpoints { .. } | Step::Stable { .. } | Step::NoState { .. } | Step::Held { .. } => {
                self.checkpoints(step);
            }
            Step::ViewChanges { .. } | Step::NewView { .. } => self.views(step),
            Step::Wait { millis } => self.node.wait(Duration::from_millis(millis.into())),
            Step::Restart { lost } => self.node.restart(u64::from(lost % 4)),
            Step::Trap { durable } => self.node.trap = Some(durable),
            Step::HoldReports => self.node.holds_reports = true,
            Step::Report => self.node.report(),
            Step::Install => self.node.install(),
            Step::Gone => self.node.gone(),
            _ => self.elsewhere(step),
        }
        self.heed();
    }

    /// Learns what the replica assigned itself.
    fn heed(&mut self) {
        for message in &self.node.said {
            let Message::PrePrepare(it) = message else { continue };
            let PrePrepare { view, seq, digest } = it.pre_prepare.payload;
            if self.assigned.contains_key(&(view, seq)) {
                continue;
            }
            self.assigned.insert((view, seq), digest);
            let bodies = it.batch.transactions.iter().filter_map(|id| self.requests.get(id)).cloned().collect();
            self.contents.insert(digest, (it.batch.clone(), bodies));
        }
    }

    fn request(&mut self, transaction: Transaction) {
        self.requests.insert(transaction.id(), transaction.clone());
        self.node.request(transaction);
    }

    fn say(&mut self, message: Message) {
        self.last = Some(message.clone());
        self.node.hear(message);
    }

    fn normal_case(&mut self, step: Step) {
        match step {
            Step::Propose { view, seq, content } => self.propose(self.view(view), self.seq(seq), content),
            Step::Prepares { view, seq, content, voters } => {
                self.votes(MessageKind::Prepare, self.view(view), self.seq(seq), content, voters);
            }
            Step::Commits { view, seq, content, voters } => {
                self.votes(MessageKind::Commit, self.view(view), self.seq(seq), content, voters);
            }
            Step::Agree { content, voters } => {
                let (view, seq) = (self.view(0), self.seq(0));
                self.propose(view, seq, content);
                self.votes(MessageKind::Prepare, view, seq, 0, voters | 0x55);
                self.votes(MessageKind::Commit, view, seq, 0, voters | 0xaa);
            }
            _ => {}
        }
    }

    /// Bodies first, most of the time.
    fn propose(&mut self, view: View, seq: SeqNum, choice: Choice) {
        if self.is_own(view) {
            return;
        }
        let (batch, bodies) = self.fresh(seq, choice);
        self.assigned.entry((view, seq)).or_insert(batch.digest());
        if choice < 200 {
            bodies.into_iter().for_each(|body| self.request(body));
        }
        let message = speech::proposal(&self.node, view, seq, batch);
        self.say(message);
    }

    fn votes(&mut self, kind: MessageKind, view: View, seq: SeqNum, choice: Choice, voters: Voters) {
        let digest = self.content(view, seq, choice).0.digest();
        self.vote(kind, (view, seq, digest), voters);
    }

    fn vote(&mut self, kind: MessageKind, place: (View, SeqNum, Digest), voters: Voters) {
        for voter in self.others(voters) {
            let message = speech::vote(&self.node, kind, place, voter);
            self.say(message);
        }
    }

    fn checkpoints(&mut self, step: Step) {
        match step {
            Step::Checkpoints { seq, root, voters } => {
                let seq = self.checkpoint(seq);
                let place = (View::ZERO, seq, self.root(seq, root));
                self.vote(MessageKind::Checkpoint, place, voters);
            }
            Step::Stable { seq, root } => {
                let stable = self.stable(self.checkpoint(seq), root);
                self.supply(Supply::Stable(stable));
            }
            Step::NoState { seq } => self.supply(Supply::NoState { checkpoint: self.checkpoint(seq) }),
            Step::Held { .. } if self.is_truthful => self.tell_all(),
            Step::Held { voters, stable, leaves } => {
                let seq = if stable < 128 { SeqNum::ZERO } else { self.checkpoint(stable) };
                for voter in self.others(voters) {
                    let held = speech::held(&self.node, self.stable(seq, 0), leaves);
                    self.tell(held, voter);
                }
            }
            _ => {}
        }
    }

    /// What honest members do: its NEW-VIEWs as they were, then all that they hold of it above the last checkpoint that was stable.
    fn tell_all(&mut self) {
        for message in self.node.said.clone() {
            if matches!(message, Message::NewView(_)) {
                self.node.hear(message);
            }
        }
        for voter in self.others(Voters::MAX) {
            let held = speech::held(&self.node, self.node.last_stable.clone(), 0);
            self.tell(held, voter);
        }
    }

    fn tell(&mut self, held: Held, voter: ReplicaId) {
        let supply = self.node.chain.signed(Supply::Held(held), voter);
        self.say(Message::Supply(supply));
    }

    /// Everyone proposes, prepares and commits something else wherever the replica voted, and moves on: who forgot its votes falls for
    /// it.
    pub(crate) fn tempt(&mut self, choice: Choice) {
        let votes = speech::held(&self.node, CheckpointCertificate::genesis(), 0).votes;
        for (view, seq) in votes.iter().map(HeldVote::place) {
            let known = self.assigned.get(&(view, seq)).copied();
            let other = (0..CONTENTS as Choice).map(|more| choice.wrapping_add(more));
            let other = other.map(|choice| self.fresh(seq, choice)).find(|(batch, _)| Some(batch.digest()) != known);
            let Some((batch, bodies)) = other else { continue };
            let place = (view, seq, batch.digest());
            bodies.into_iter().for_each(|body| self.request(body));
            if !self.is_own(view) {
                let message = speech::proposal(&self.node, view, seq, batch);
                self.say(message);
            }
            self.vote(MessageKind::Prepare, place, Voters::MAX);
            self.vote(MessageKind::Commit, place, Voters::MAX);
        }
        self.play(Step::ViewChanges { view: 0, voters: Voters::MAX, shows: false });
    }

    fn views(&mut self, step: Step) {
        match step {
            Step::ViewChanges { view, voters, shows } => {
                for voter in self.others(voters) {
                    let signed = self.view_change(self.moved(view), shows, voter);
                    self.say(Message::ViewChange(signed));
                }
            }
            Step::NewView { view, voters, lie } => {
                let view = self.moved(view);
                if self.is_own(view) {
                    return;
                }
                let movers = self.others(voters | 0xf0).into_iter().chain(self.others(!voters));
                let mut movers: Vec<ReplicaId> = movers.take(self.node.chain.membership.quorum()).collect();
                movers.sort_unstable();
                movers.dedup();
                let view_changes = movers.into_iter().map(|mover| self.view_change(view, lie & 1 == 0, mover));
                let message = speech::new_view(&self.node, view, view_changes.collect(), lie);
                self.say(message);
            }
            _ => {}
        }
    }

    fn view_change(&self, view: View, shows: bool, mover: ReplicaId) -> Signed<ViewChange> {
        let stable = self.node.replica.stable().clone();
        let change = speech::view_change(&self.node, view, stable, shows.then_some(&self.assigned));
        self.node.chain.signed(change, mover)
    }

    fn elsewhere(&mut self, step: Step) {
        match step {
            Step::Status { view, changing, executed, stable, voters } => {
                let (view, executed, stable) = (self.view(view), self.seq(executed), self.checkpoint(stable));
                for voter in self.others(voters) {
                    let status = Status { view, changing, executed, stable, slow: !changing };
                    let message = Message::Status(self.node.chain.signed(status, voter));
                    self.say(message);
                }
            }
            Step::Committed { count, content } => self.committed(count, content),
            Step::Bodies { seq, content, whole } => {
                let (batch, transactions) = self.content(self.view(0), self.seq(seq), content);
                let whole = whole.then_some(batch);
                self.supply(match whole {
                    Some(batch) => Supply::Batch { batch, transactions },
                    None => Supply::Transactions(transactions),
                });
            }
            Step::Ask { from, kind, seq } => self.ask(from, kind, seq),
            Step::Echo { index } => {
                let again = self.node.said.get(usize::from(index) % self.node.said.len().max(1)).cloned();
                again.into_iter().for_each(|message| {
                    self.node.hear(message);
                });
            }
            Step::Stray { index } => {
                let mut all = specimens::messages(&self.node.chain);
                let message = all.swap_remove(usize::from(index) % all.len());
                if !self.is_forged(&message) {
                    self.say(message);
                }
            }
            Step::Far { kind, view, seq, voters } => self.far(kind, View::new(view), SeqNum::new(seq), voters),
            Step::Garbled { at, byte } => self.garbled(at.into(), byte),
            _ => {}
        }
    }

    /// Whether it holds something in the replica's own name, which it did not say.
    fn is_forged(&self, message: &Message) -> bool {
        let own = self.node.own();
        let is_about_own =
            matches!(message, Message::Supply(it) if matches!(&it.payload, Supply::Held(held) if held.about == own));
        message.signer() == own || is_about_own
    }

    fn committed(&mut self, count: u8, choice: Choice) {
        let (view, first) = (self.view(0), self.node.machine.executed.next());
        let batches = (0..u64::from(count) % (WINDOW + 2)).map(|offset| {
            let seq = first.plus(offset);
            speech::committed(&self.node, view, seq, self.content(view, seq, choice))
        });
        let batches = batches.collect();
        self.supply(Supply::Committed(batches));
    }

    fn ask(&mut self, from: u8, kind: u8, seq: Above) {
        let (batch, bodies) = self.content(self.view(0), self.seq(seq), 0);
        let fetch = match kind % 5 {
            0 => Fetch::Transactions(bodies.iter().map(Transaction::id).collect()),
            1 => Fetch::Batch(batch.digest()),
            2 => Fetch::Committed { after: self.seq(seq) },
            3 => Fetch::Held { start: kind.into() },
            _ => Fetch::State { checkpoint: self.checkpoint(seq), parts: vec![Prefix::ROOT], rows_up_to: 1 },
        };
        let from = speech::other(&self.node, from.into());
        let message = speech::fetch(&self.node, fetch, from);
        self.say(message);
    }

    fn far(&mut self, kind: u8, view: View, seq: SeqNum, voters: Voters) {
        let digest = self.content(view, seq, 1).0.digest();
        match kind % 4 {
            0 => self.vote(MessageKind::Prepare, (view, seq, digest), voters),
            1 => self.vote(MessageKind::Commit, (view, seq, digest), voters),
            2 => self.vote(MessageKind::Checkpoint, (view, SeqNum::new(seq.get() & !1), digest), voters),
            _ => {
                let (seq, stable) = (SeqNum::new(seq.get() & !1), CheckpointCertificate::genesis());
                let stable = if view.get() & 1 == 0 { stable } else { self.node.chain.stable(seq, digest) };
                for voter in self.others(voters) {
                    let change = speech::view_change(&self.node, view, stable.clone(), None);
                    let signed = self.node.chain.signed(change, voter);
                    self.say(Message::ViewChange(signed));
                }
            }
        }
    }

    /// A byte of a signed message changed: whatever decodes, the verifier refuses it, or it is the message that it was.
    fn garbled(&mut self, at: usize, byte: u8) {
        let Some(before) = self.last.clone() else { return };
        let mut bytes = encode(&before);
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(message) = decode::<Message>(&bytes, limits::MAX_BULK_BYTES) {
            let is_heard = self.node.hear(message.clone());
            assert!(!is_heard || message == before, "a changed message is believed: {message:?}");
        }
    }

    fn supply(&mut self, supply: Supply) {
        let message = speech::supply(&self.node, supply);
        self.say(message);
    }
}
