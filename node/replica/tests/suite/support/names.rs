//! Short names for what scenarios talk about, and one line for everything that crosses the door.

use std::collections::BTreeMap;
use std::fmt::Display;

use tetrarch_crypto::Digest;
use tetrarch_replica::{Effect, Event, Recipients, Record};
use tetrarch_types::{
    Batch, CheckpointCertificate, Evidence, Fetch, HeldVote, Message, NewView, Payload, PrePrepare,
    PreparedCertificate, SeqNum, Supply, Transaction, TransactionId, View, ViewChange,
};

/// Names given so far. Transactions are named by whoever makes them, batches by what is in them, roots by their place.
#[derive(Debug, Default)]
pub(crate) struct Names {
    transactions: BTreeMap<TransactionId, String>,
    batches: BTreeMap<Digest, String>,
    roots: BTreeMap<Digest, String>,
}

impl Names {
    pub(crate) fn name(&mut self, transaction: &Transaction, name: &str) {
        self.transactions.insert(transaction.id(), name.into());
    }

    pub(crate) fn meet(&mut self, batch: &Batch) {
        let names: Vec<&str> = batch.transactions.iter().map(|id| self.transaction(id)).collect();
        let name = if *batch == Batch::noop() { "noop".into() } else { format!("[{}]", names.join(" ")) };
        give(&mut self.batches, batch.digest(), name);
    }

    pub(crate) fn meet_root(&mut self, seq: SeqNum, root: Digest) {
        give(&mut self.roots, root, format!("root{seq}"));
    }

    fn transaction(&self, id: &TransactionId) -> &str {
        self.transactions.get(id).map_or("?", String::as_str)
    }

    pub(crate) fn transactions<'a>(&self, ids: impl IntoIterator<Item = &'a TransactionId>) -> String {
        list(ids.into_iter().map(|id| self.transaction(id)))
    }

    pub(crate) fn batch_named(&self, name: &str) -> Digest {
        let found = self.batches.iter().find(|(_, known)| *known == name);
        *found.unwrap_or_else(|| panic!("nobody has seen the batch {name}")).0
    }

    fn batch(&self, digest: &Digest) -> String {
        self.batches.get(digest).cloned().unwrap_or_else(|| format!("{digest:?}"))
    }

    fn root(&self, digest: &Digest) -> String {
        self.roots.get(digest).cloned().unwrap_or_else(|| format!("{digest:?}"))
    }

    fn vote(&self, kind: &str, view: View, seq: SeqNum, digest: &Digest) -> String {
        format!("{kind} v{view} s{seq} {}", self.batch(digest))
    }

    /// Learns the names of everything in an effect, so that it reads the same wherever it comes up again.
    pub(crate) fn meet_effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Persist(
                Record::Proposed { batch, .. } | Record::Accepted { batch, .. } | Record::Drafted { batch, .. },
            )
            | Effect::Send { payload: Payload::Supply(Supply::Draft { batch, .. }), .. }
            | Effect::Send { payload: Payload::PrePrepare { batch, .. }, .. } => self.meet(batch),
            Effect::Send { payload: Payload::Checkpoint(it), .. } => self.meet_root(it.seq, it.state_root),
            Effect::Execute { batch, .. } => self.meet(&batch.batch),
            Effect::ExecuteTentatively(prepared) => self.meet(&prepared.batch),
            _ => self.meet(&Batch::noop()),
        }
    }

    pub(crate) fn effect(&self, effect: &Effect) -> String {
        match effect {
            Effect::Persist(record) => format!("persist {}", self.record(record)),
            Effect::Send { to, payload } => format!("send {} -> {}", self.payload(payload), recipients(*to)),
            Effect::ExecuteTentatively(it) => {
                format!("execute tentatively v{} s{} {}", it.view, it.seq, self.batch(&it.batch.digest()))
            }
            Effect::ReplyTentatively { view, seq } => format!("reply tentatively v{view} s{seq}"),
            Effect::Execute { batch, prepared } => {
                let how = if *prepared { "" } else { ", durably" };
                format!("execute s{} {}{how}", batch.seq, self.batch(&batch.certificate.digest))
            }
            Effect::SendCommitted { to, after } => format!("send committed above s{after} -> {to}"),
            Effect::Refuse { transaction, refusal } => format!("refuse {} {refusal:?}", self.transaction(transaction)),
            Effect::Discard { through } => format!("discard through s{through}"),
            Effect::FetchState(certificate) => format!("fetch the state at {}", self.checkpoint(certificate)),
            Effect::StateArrived { from, supply } => format!("arrived from {from}: {}", self.supply(supply)),
            Effect::SendState { to, checkpoint, parts, .. } => {
                format!("send state s{checkpoint} parts={} -> {to}", parts.len())
            }
            Effect::Observe(event) => format!("* {}", self.event(event)),
        }
    }

    fn record(&self, record: &Record) -> String {
        let kind = record_kind(record);
        match record {
            Record::Proposed { view, seq, batch, .. }
            | Record::Accepted { view, seq, batch, .. }
            | Record::Drafted { view, seq, batch, .. } => self.vote(kind, *view, *seq, &batch.digest()),
            Record::Prepared(it) => self.vote(kind, it.view, it.seq, &it.digest),
            Record::ViewChanging { view } => format!("{kind} v{view}"),
            Record::Starting(payload) => format!("{kind} {}", self.payload(payload)),
            Record::Entered(new_view) => format!("{kind} v{}", new_view.payload.view),
            Record::Stable(certificate) => format!("{kind} {}", self.checkpoint(certificate)),
            Record::Lost | Record::Cured => kind.into(),
        }
    }

    fn checkpoint(&self, CheckpointCertificate { seq, state_root, .. }: &CheckpointCertificate) -> String {
        format!("s{seq} {}", self.root(state_root))
    }

    fn payload(&self, payload: &Payload) -> String {
        match payload {
            Payload::PrePrepare { assignment: it, .. } => self.vote("pre-prepare", it.view, it.seq, &it.digest),
            Payload::Prepare(it) => self.vote("prepare", it.view, it.seq, &it.digest),
            Payload::Commit(it) => self.vote("commit", it.view, it.seq, &it.digest),
            Payload::Checkpoint(it) => format!("checkpoint s{} {}", it.seq, self.root(&it.state_root)),
            Payload::ViewChange(it) => self.view_change(it),
            Payload::NewView { view, view_changes, proposals } => {
                let signers = view_changes.iter().map(|it| it.signer);
                self.new_view(*view, signers, proposals)
            }
            Payload::Again(message) => format!("again {}", self.message(message)),
            Payload::Status(it) => {
                let changing = if it.changing { " changing" } else { "" };
                format!("status v{}{changing} executed={} stable={}", it.view, it.executed, it.stable)
            }
            Payload::Fetch(fetch) => self.fetch(fetch),
            Payload::Supply(supply) => self.supply(supply),
        }
    }

    fn view_change(&self, ViewChange { view, stable, prepared }: &ViewChange) -> String {
        let show = |it: &PreparedCertificate| format!("s{}@v{} {}", it.seq, it.view, self.batch(&it.digest));
        format!("view-change v{view} stable={} prepared={}", stable.seq, list(prepared.iter().map(show)))
    }

    fn new_view(&self, view: View, signers: impl Iterator<Item = impl Display>, proposals: &[PrePrepare]) -> String {
        let show = |it: &PrePrepare| format!("s{} {}", it.seq, self.batch(&it.digest));
        format!("new-view v{view} from={} proposals={}", list(signers), list(proposals.iter().map(show)))
    }

    fn fetch(&self, fetch: &Fetch) -> String {
        match fetch {
            Fetch::Transactions(ids) => format!("fetch transactions {}", self.transactions(ids)),
            Fetch::Batch(digest) => format!("fetch batch {}", self.batch(digest)),
            Fetch::Committed { after } => format!("fetch committed above s{after}"),
            Fetch::Held { .. } => "fetch held".into(),
            Fetch::State { checkpoint, parts, .. } => format!("fetch state s{checkpoint} parts={}", parts.len()),
        }
    }

    fn supply(&self, supply: &Supply) -> String {
        match supply {
            Supply::Transactions(bodies) => {
                let ids: Vec<TransactionId> = bodies.iter().map(Transaction::id).collect();
                format!("supply transactions {}", self.transactions(&ids))
            }
            Supply::Batch { batch, .. } => format!("supply batch {}", self.batch(&batch.digest())),
            Supply::Committed(batches) => {
                format!("supply committed {}", list(batches.iter().map(|it| format!("s{}", it.seq))))
            }
            Supply::Held(it) => {
                let votes = list(it.votes.iter().map(held_vote));
                let moved =
                    it.view_change.as_ref().map_or(String::new(), |it| format!(" moved to v{}", it.payload.view));
                format!("supply held of {} stable={} votes={votes}{moved}", it.about, it.stable.seq)
            }
            Supply::State { checkpoint, parts } => format!("supply state s{checkpoint} parts={}", parts.len()),
            Supply::Stable(it) => format!("supply stable {}", self.checkpoint(it)),
            Supply::NoState { checkpoint } => format!("supply no state s{checkpoint}"),
            Supply::Draft { view, seq, batch } => self.vote("draft", *view, *seq, &batch.digest()),
        }
    }

    pub(crate) fn message(&self, message: &Message) -> String {
        self.payload(&match message.clone() {
            Message::PrePrepare(it) => Payload::PrePrepare { assignment: it.pre_prepare.payload, batch: it.batch },
            Message::Prepare(it) => Payload::Prepare(it.payload),
            Message::Commit(it) => Payload::Commit(it.payload),
            Message::Checkpoint(it) => Payload::Checkpoint(it.payload),
            Message::ViewChange(it) => Payload::ViewChange(it.payload),
            Message::NewView(it) => {
                let NewView { view, view_changes, proposals } = it.payload;
                let proposals = proposals.into_iter().map(|proposal| proposal.payload).collect();
                Payload::NewView { view, view_changes, proposals }
            }
            Message::Status(it) => Payload::Status(it.payload),
            Message::Fetch(it) => Payload::Fetch(it.payload),
            Message::Supply(it) => Payload::Supply(it.payload),
        })
    }

    fn event(&self, event: &Event) -> String {
        match event {
            Event::Ignored { from, kind, reason } => format!("ignored {kind:?} of {from}: {reason:?}"),
            Event::Equivocation(evidence) => format!("equivocation of {}: {}", evidence.accused(), kind_of(evidence)),
            Event::ProposalRefused { view, seq, reason } => format!("refused v{view} s{seq}: {reason:?}"),
            Event::Proposed { view, seq, transactions } => format!("proposed v{view} s{seq} of {transactions}"),
            Event::Prepared { view, seq, digest } => self.vote("prepared", *view, *seq, digest),
            Event::Committed { seq, digest } => format!("committed s{seq} {}", self.batch(digest)),
            Event::Executing { seq, digest } => format!("executing s{seq} {}", self.batch(digest)),
            Event::ViewChangeStarted { view, reason } => format!("moving to v{view}: {reason:?}"),
            Event::ViewEntered { view, primary } => format!("entered v{view} of {primary}"),
            Event::NewViewRefused { view, from } => format!("refused new view v{view} of {from}"),
            Event::Stable { seq, state_root } => format!("stable s{seq} {}", self.root(state_root)),
            Event::Diverged { seq, own, agreed } => {
                format!("diverged s{seq}: own {}, agreed {}", self.root(own), self.root(agreed))
            }
            Event::RecordsLost => "records lost".into(),
            Event::Silent { until } => format!("silent until s{until}"),
            Event::Voting => "voting".into(),
            Event::Transferring { checkpoint } => format!("transferring s{checkpoint}"),
            Event::StateInstalled { checkpoint } => format!("installed s{checkpoint}"),
            Event::Fetching { from, what } => format!("fetching {what:?} from {from}"),
            Event::Pooled { transaction } => format!("pooled {}", self.transaction(transaction)),
        }
    }
}

pub(crate) const fn record_kind(record: &Record) -> &'static str {
    match record {
        Record::Proposed { .. } => "proposed",
        Record::Accepted { .. } => "accepted",
        Record::Drafted { .. } => "drafted",
        Record::Prepared(_) => "prepared",
        Record::ViewChanging { .. } => "view-changing",
        Record::Starting(_) => "starting",
        Record::Entered(_) => "entered",
        Record::Stable(_) => "stable",
        Record::Lost => "lost",
        Record::Cured => "cured",
    }
}

fn held_vote(vote: &HeldVote) -> String {
    let (view, seq) = vote.place();
    let kind = match vote {
        HeldVote::PrePrepare(_) => "pre-prepare",
        HeldVote::Prepare(_) => "prepare",
        HeldVote::Commit(_) => "commit",
    };
    format!("{kind} v{view} s{seq}")
}

const fn kind_of(evidence: &Evidence) -> &'static str {
    match evidence {
        Evidence::PrePrepare(..) => "two pre-prepares",
        Evidence::Prepare(..) => "two prepares",
        Evidence::Commit(..) => "two commits",
        Evidence::Checkpoint(..) => "two checkpoints",
    }
}

fn recipients(to: Recipients) -> String {
    match to {
        Recipients::Everyone => "all".into(),
        Recipients::Others => "others".into(),
        Recipients::One(id) => id.to_string(),
    }
}

fn list(items: impl IntoIterator<Item = impl Display>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    format!("{{{}}}", items.join(", "))
}

/// Gives a digest a name that no other has: primes tell apart what would be called the same.
fn give(names: &mut BTreeMap<Digest, String>, digest: Digest, mut name: String) {
    if names.contains_key(&digest) {
        return;
    }
    while names.values().any(|taken| *taken == name) {
        name.push('\'');
    }
    names.insert(digest, name);
}
