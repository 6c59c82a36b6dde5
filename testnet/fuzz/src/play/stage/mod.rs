//! The liars: they know what was assigned, and turn steps into messages.

mod astray;
mod catching_up;
mod checkpoints;
mod normal_case;
mod places;
mod views;

use std::collections::BTreeMap;
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_types::{Message, PrePrepare, Supply, Transaction, TransactionId};

use super::Node;
use super::speech::{self, Assigned, Content};
use super::step::Step;
use crate::trace;

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
            Step::Status { .. } | Step::Committed { .. } | Step::Bodies { .. } | Step::Ask { .. } => {
                self.catching_up(step);
            }
            _ => self.astray(step),
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

    fn supply(&mut self, supply: Supply) {
        let message = speech::supply(&self.node, supply);
        self.say(message);
    }
}
