//! What a liar remembers of what it heard and said: the votes of others are what forgeries are made of.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tetrarch_crypto::{Digest, PublicKey, Signature};
use tetrarch_types::{
    Batch, CheckpointCertificate, Message, NewView, PrePrepare, Prepare, Proposal, ReplicaId, SeqNum, Signed, Status,
    Supply, Transaction, TransactionId, View, ViewChange,
};

/// Assignments whose votes are remembered.
const PLACES: usize = 256;

/// Proposals that are remembered.
const PROPOSALS: usize = 64;

/// Transactions that are remembered.
const TRANSACTIONS: usize = 256;

/// Views above its own in which a liar believes anything.
const VIEWS_AHEAD: u64 = 64;

/// One batch at one number in one view.
pub(crate) type Place = (View, SeqNum, Digest);

/// Who signed what for a place.
pub(crate) type Signatures = BTreeMap<ReplicaId, Signature>;

/// The signatures that a place has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Support {
    pub(crate) pre_prepare: Option<Signature>,
    pub(crate) prepares: Signatures,
    pub(crate) commits: Signatures,
}

/// Everything overheard, bounded. Signatures are believed: who lies together does not check what it steals.
#[derive(Default)]
pub(crate) struct Overheard {
    /// Where the liar's own node stands.
    own: Option<Status>,
    /// Where the others say that they stand.
    pub(crate) peers: BTreeMap<ReplicaId, Status>,
    /// The highest view that anyone proposed in.
    view: View,
    pub(crate) places: BTreeMap<Place, Support>,
    /// The certificate of the highest stable checkpoint.
    stable: Option<CheckpointCertificate>,
    /// Of each member, the VIEW-CHANGE for its highest view.
    pub(crate) view_changes: BTreeMap<ReplicaId, Signed<ViewChange>>,
    /// The latest proposals, oldest first.
    proposals: VecDeque<Arc<Message>>,
    /// The latest transactions, oldest first.
    pub(crate) transactions: VecDeque<(TransactionId, Transaction)>,
}

impl Overheard {
    /// The view that the liar's node is in, moves to, or hears others propose in.
    pub(crate) fn view(&self) -> View {
        self.own.map_or(View::ZERO, |own| own.view).max(self.view)
    }

    /// The highest certified checkpoint.
    pub(crate) fn stable(&self) -> CheckpointCertificate {
        self.stable.clone().unwrap_or_else(CheckpointCertificate::genesis)
    }

    /// The latest place with what somebody needs of it.
    pub(crate) fn latest(&self, has: impl Fn(&Place, &Support) -> bool) -> Option<(Place, &Support)> {
        self.places.iter().rev().find(|(place, support)| has(place, support)).map(|(place, support)| (*place, support))
    }

    /// The places of a number.
    pub(crate) fn at(&self, seq: SeqNum) -> impl Iterator<Item = (&Place, &Support)> {
        self.places.iter().filter(move |((_, of, _), _)| *of == seq)
    }

    /// A batch that was proposed, with its bodies in order, if all of them were heard.
    pub(crate) fn whole(&self, digest: &Digest) -> Option<(Batch, Vec<Transaction>)> {
        let batch = &self.proposals().rev().find(|it| it.pre_prepare.payload.digest == *digest)?.batch;
        let bodies = batch.transactions.iter().map(|id| self.transaction(id).cloned());
        Some((batch.clone(), bodies.collect::<Option<Vec<Transaction>>>()?))
    }

    /// Whose transaction this is.
    pub(crate) fn sender(&self, id: &TransactionId) -> Option<PublicKey> {
        self.transaction(id).map(|transaction| transaction.body.sender)
    }

    /// The transactions of the proposals, oldest first.
    pub(crate) fn proposed(&self) -> impl Iterator<Item = TransactionId> {
        self.proposals().flat_map(|it| it.batch.transactions.iter().copied())
    }

    fn proposals(&self) -> impl DoubleEndedIterator<Item = &Proposal> {
        self.proposals.iter().filter_map(|message| match message.as_ref() {
            Message::PrePrepare(proposal) => Some(proposal),
            _ => None,
        })
    }

    fn transaction(&self, id: &TransactionId) -> Option<&Transaction> {
        self.transactions.iter().rev().find(|(held, _)| held == id).map(|(_, transaction)| transaction)
    }

    /// Notes what the liar's own node says.
    pub(crate) fn say(&mut self, message: &Arc<Message>) {
        if let Message::Status(signed) = message.as_ref() {
            self.own = Some(signed.payload);
        }
        self.note(message);
    }

    /// Notes what others say.
    pub(crate) fn hear(&mut self, message: &Arc<Message>) {
        if let Message::Status(signed) = message.as_ref() {
            self.peers.insert(signed.signer, signed.payload);
        }
        self.note(message);
    }

    /// Notes a transaction.
    pub(crate) fn admit(&mut self, transaction: &Transaction) {
        // Bodies are the same where ids are, and most that come are known: those need no hash.
        let body = &transaction.body;
        let is_same = |held: &Transaction| held.body.nonce == body.nonce && held.body == *body;
        if !self.transactions.iter().any(|(_, held)| is_same(held)) {
            self.transactions.push_back((transaction.id(), transaction.clone()));
        }
        if self.transactions.len() > TRANSACTIONS {
            self.transactions.pop_front();
        }
    }

    fn note(&mut self, message: &Arc<Message>) {
        match message.as_ref() {
            Message::PrePrepare(proposal) => self.note_proposal(message, &proposal.pre_prepare),
            Message::Prepare(signed) => {
                let Prepare { view, seq, digest } = signed.payload;
                if let Some(support) = self.support((view, seq, digest)) {
                    support.prepares.insert(signed.signer, signed.signature);
                }
            }
            Message::Commit(signed) => {
                let (view, seq, digest) = (signed.payload.view, signed.payload.seq, signed.payload.digest);
                if let Some(support) = self.support((view, seq, digest)) {
                    support.commits.insert(signed.signer, signed.signature);
                }
            }
            Message::ViewChange(signed) => self.note_view_change(signed),
            Message::NewView(signed) => self.note_new_view(&signed.payload),
            Message::Supply(signed) => self.note_supply(&signed.payload),
            Message::Checkpoint(_) | Message::Status(_) | Message::Fetch(_) => {}
        }
    }

    fn note_proposal(&mut self, message: &Arc<Message>, signed: &Signed<PrePrepare>) {
        let PrePrepare { view, seq, digest } = signed.payload;
        let Some(support) = self.support((view, seq, digest)) else { return };
        if support.pre_prepare.replace(signed.signature).is_some() {
            return;
        }
        self.view = self.view.max(view);
        self.proposals.push_back(message.clone());
        if self.proposals.len() > PROPOSALS {
            self.proposals.pop_front();
        }
    }

    fn note_new_view(&mut self, new_view: &NewView) {
        new_view.view_changes.iter().for_each(|it| self.note_view_change(it));
        for Signed { payload: PrePrepare { view, seq, digest }, signature, .. } in &new_view.proposals {
            if let Some(support) = self.support((*view, *seq, *digest)) {
                support.pre_prepare = Some(*signature);
            }
        }
    }

    fn note_view_change(&mut self, signed: &Signed<ViewChange>) {
        self.note_stable(&signed.payload.stable);
        for it in &signed.payload.prepared {
            if let Some(support) = self.support((it.view, it.seq, it.digest)) {
                support.pre_prepare = Some(it.pre_prepare);
                support.prepares.extend(it.prepares.iter().copied());
            }
        }
        let is_later = self.view_changes.get(&signed.signer).is_none_or(|held| held.payload.view < signed.payload.view);
        if is_later && self.is_near(signed.payload.view) {
            self.view_changes.insert(signed.signer, signed.clone());
        }
    }

    fn note_supply(&mut self, supply: &Supply) {
        match supply {
            Supply::Stable(certificate) => self.note_stable(certificate),
            Supply::Held(held) => self.note_stable(&held.stable),
            Supply::Transactions(transactions) => transactions.iter().for_each(|it| self.admit(it)),
            _ => {}
        }
    }

    fn note_stable(&mut self, certificate: &CheckpointCertificate) {
        if self.stable.as_ref().is_none_or(|held| held.seq < certificate.seq) {
            self.stable = Some(certificate.clone());
        }
    }

    /// The signatures of a place, unless it is one that only liars speak of.
    fn support(&mut self, place: Place) -> Option<&mut Support> {
        if !self.is_near(place.0) {
            return None;
        }
        if self.places.len() >= PLACES && !self.places.contains_key(&place) {
            self.places.pop_first();
        }
        Some(self.places.entry(place).or_default())
    }

    fn is_near(&self, view: View) -> bool {
        view.get() <= self.view().get().saturating_add(VIEWS_AHEAD)
    }
}
