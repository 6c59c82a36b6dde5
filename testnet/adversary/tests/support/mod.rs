//! A chain with everyone's keys, and one liar in it who has heard and said what an honest replica would have.
#![allow(dead_code, reason = "each topic uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use tetrarch_adversary::{Adversary, Keyring, Lie, Setting, SharedSigner, Word};
use tetrarch_chance::Rng;
use tetrarch_crypto::{Digest, Ed25519, Signer, SigningKey};
use tetrarch_types::{
    Batch, Checkpoint, CheckpointCertificate, Commit, Epoch, Membership, Message, Parameters, PrePrepare, Prepare,
    PreparedCertificate, Proposal, Rejection, ReplicaId, SeqNum, Signable, Signed, Status, Timestamp, Transaction,
    TransactionBody, Verifier, View, ViewChange,
};

/// Chances that a lie gets to be told in the form that is wanted.
const PATIENCE: u64 = 3_000;

/// The liar. Its first turn is view 1.
pub(crate) const LIAR: ReplicaId = ReplicaId::new(1);

pub(crate) fn id(number: u16) -> ReplicaId {
    ReplicaId::new(number)
}

pub(crate) fn seq(number: u64) -> SeqNum {
    SeqNum::new(number)
}

pub(crate) fn view(number: u64) -> View {
    View::new(number)
}

/// A chain, and who of its members lie together.
pub(crate) struct Chain {
    pub(crate) membership: Arc<Membership>,
    keys: Vec<SharedSigner>,
    client: SigningKey,
    pub(crate) liars: Vec<ReplicaId>,
}

impl Chain {
    /// n members, a checkpoint at every fourth number, eight numbers in the window.
    pub(crate) fn of(n: u8, liars: &[u16]) -> Self {
        let keys: Vec<SharedSigner> =
            (1..=n).map(|it| Arc::new(SigningKey::from_seed([it; 32])) as SharedSigner).collect();
        let public = keys.iter().map(|key| key.public_key()).collect();
        let parameters = Parameters { checkpoint_interval: 4, window: 8 };
        let membership = Arc::new(Membership::new(Digest::from_bytes([5; 32]), Epoch::ZERO, parameters, public));
        let liars = liars.iter().map(|liar| id(*liar)).collect();
        Self { membership, keys, client: SigningKey::from_seed([99; 32]), liars }
    }

    pub(crate) fn by<T: Signable>(&self, who: ReplicaId, payload: T) -> Signed<T> {
        Signed::new(payload, who, self.membership.scope(), self.keys[who.index()].as_ref())
    }

    /// What an honest replica makes of a message.
    pub(crate) fn verdict(&self, message: &Message) -> Result<(), Rejection> {
        let verifier = Verifier::new(self.membership.clone(), Arc::new(Ed25519));
        verifier.message(message.clone()).map(|_| ())
    }

    /// The same members in another epoch.
    pub(crate) fn in_epoch(&self, epoch: u64) -> Self {
        let public = self.keys.iter().map(|key| key.public_key()).collect();
        let membership =
            Membership::new(self.membership.scope().genesis, Epoch::new(epoch), *self.membership.parameters(), public);
        let (keys, client, liars) = (self.keys.clone(), SigningKey::from_seed([99; 32]), self.liars.clone());
        Self { membership: Arc::new(membership), keys, client, liars }
    }

    pub(crate) fn liar(&self, lie: Lie, seed: u64) -> Adversary {
        let keys: BTreeMap<_, _> = self.liars.iter().map(|liar| (*liar, self.keys[liar.index()].clone())).collect();
        let keyring = Keyring { membership: self.membership.clone(), keys };
        Adversary::new(LIAR, &[lie], keyring, Setting::default(), Rng::new(seed)).unwrap()
    }

    pub(crate) fn transaction(&self, nonce: u64) -> Transaction {
        self.transaction_by(&self.client, nonce)
    }

    pub(crate) fn transaction_by(&self, client: &SigningKey, nonce: u64) -> Transaction {
        let chain = self.membership.scope().genesis;
        let (sender, valid_until) = (client.public_key(), Timestamp::from_micros(9_000_000));
        let body = TransactionBody { chain, sender, nonce, valid_until, command: vec![1] };
        body.sign(self.membership.scope(), client)
    }

    /// The batch that is proposed at a number: two transactions.
    pub(crate) fn batch(&self, seq: SeqNum) -> Batch {
        let transactions = vec![self.transaction(2 * seq.get()).id(), self.transaction(2 * seq.get() + 1).id()];
        Batch { timestamp: Timestamp::from_micros(1_000_000 + seq.get()), transactions }
    }

    pub(crate) fn proposal(&self, view: View, seq: SeqNum) -> Message {
        self.proposal_of(view, seq, self.batch(seq))
    }

    pub(crate) fn proposal_of(&self, view: View, seq: SeqNum, batch: Batch) -> Message {
        let payload = PrePrepare { view, seq, digest: batch.digest() };
        Message::PrePrepare(Proposal { pre_prepare: self.by(self.membership.primary(view), payload), batch })
    }

    fn others(&self) -> impl Iterator<Item = ReplicaId> {
        self.membership.ids().filter(|id| *id != LIAR)
    }

    /// The liar's node says something, to everyone.
    pub(crate) fn say(&self, liar: &mut Adversary, message: Message) -> Vec<Word> {
        let message = Arc::new(message);
        self.others().flat_map(|to| liar.say(Word::new(to, message.clone()))).collect()
    }

    /// Somebody says something; the liar hears it, or its own node says it.
    fn pass(&self, liar: &mut Adversary, by: ReplicaId, message: Message) {
        if by == LIAR {
            self.say(liar, message);
        } else {
            liar.hear(&Arc::new(message));
        }
    }

    /// A number goes through the three phases in a view.
    pub(crate) fn agree(&self, liar: &mut Adversary, view: View, seq: SeqNum) {
        for nonce in 2 * seq.get()..=2 * seq.get() + 1 {
            liar.admit(&self.transaction(nonce));
        }
        let digest = self.batch(seq).digest();
        let primary = self.membership.primary(view);
        self.pass(liar, primary, self.proposal(view, seq));
        for backup in self.membership.ids().filter(|id| *id != primary) {
            self.pass(liar, backup, Message::Prepare(self.by(backup, Prepare { view, seq, digest })));
        }
        for member in self.membership.ids() {
            self.pass(liar, member, Message::Commit(self.by(member, Commit { view, seq, digest })));
        }
    }

    /// A checkpoint that everyone signed.
    pub(crate) fn checkpoint(&self, seq: SeqNum) -> CheckpointCertificate {
        let state_root = Digest::from_bytes([8; 32]);
        let vote = |id| (id, self.by(id, Checkpoint { seq, state_root }).signature);
        CheckpointCertificate { seq, state_root, votes: self.membership.ids().map(vote).collect() }
    }

    /// What an honest replica shows of a number that it prepared.
    pub(crate) fn prepared(&self, view: View, seq: SeqNum) -> PreparedCertificate {
        let (digest, primary) = (self.batch(seq).digest(), self.membership.primary(view));
        let pre_prepare = self.by(primary, PrePrepare { view, seq, digest }).signature;
        let backups = self.membership.ids().filter(|id| *id != primary).take(self.membership.quorum() - 1);
        let prepares = backups.map(|id| (id, self.by(id, Prepare { view, seq, digest }).signature)).collect();
        PreparedCertificate { view, seq, digest, pre_prepare, prepares }
    }

    pub(crate) fn view_change(
        &self,
        by: ReplicaId,
        view: View,
        prepared: Vec<PreparedCertificate>,
    ) -> Signed<ViewChange> {
        self.by(by, ViewChange { view, stable: CheckpointCertificate::genesis(), prepared })
    }

    pub(crate) fn status(&self, by: ReplicaId, view: View, executed: SeqNum) -> Message {
        let status = Status { view, changing: false, executed, stable: SeqNum::ZERO, slow: false };
        Message::Status(self.by(by, status))
    }

    /// What is said to everyone when the lie is told in this form and no other, instead of this message. The scene is what came before; the dice
    /// fall anew until that form comes up.
    pub(crate) fn told(&self, lie: Lie, form: &str, scene: impl Fn(&mut Adversary), instead_of: &Message) -> Vec<Word> {
        for seed in 0..PATIENCE {
            let mut liar = self.liar(lie, seed);
            scene(&mut liar);
            let before = liar.counts().clone();
            let said = self.say(&mut liar, instead_of.clone());
            let told: Vec<_> = lie.forms().iter().filter(|it| liar.counts().get(*it) != before.get(*it)).collect();
            if told == [&form] {
                return said;
            }
        }
        panic!("{lie} was never told as {form}");
    }
}
