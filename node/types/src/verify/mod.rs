//! The only door from received to believed (law 4): [`Verified`] values are made here and nowhere else.
//!
//! A message goes through in two steps. `claims` looks at its form (signers are members, votes are distinct and enough, digests
//! match, bounds hold) and lists every signature in it, nested ones included. Then the signatures of many messages are checked
//! together. A message with anything wrong in it is refused whole.

mod checkpoint;
mod claims;
mod reply;

use std::sync::{Arc, Mutex};

use tetrarch_crypto::{Claim, PublicKey, Recent, SignatureScheme, WeakKey};

use crate::{Membership, Message, ReplicaId, Reply, Transaction};
pub(crate) use checkpoint::checkpoint_certificate;
pub(crate) use reply::reply_certificate;

/// Senders of the recent past whose keys are known to be strong, in each of two generations.
const KNOWN_SENDERS: usize = 16_384;

/// Something whose every signature was checked. There is no other way to make one than [`Verifier`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Gives up the mark and returns the value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Verified<Message> {
    /// The supply that the message carries, or the message back if it is another.
    ///
    /// # Errors
    /// The message itself, when it is not a supply.
    #[expect(clippy::result_large_err, reason = "the message goes on its way; it is the common case and no failure")]
    pub fn into_supply(self) -> Result<Verified<crate::Supply>, Self> {
        match self.0 {
            Message::Supply(signed) => Ok(Verified(signed.payload)),
            other => Err(Self(other)),
        }
    }
}

impl Verified<crate::Supply> {
    /// The bodies of a verified supply, each of them verified with it.
    pub fn into_transactions(self) -> Vec<Verified<Transaction>> {
        match self.0 {
            crate::Supply::Transactions(transactions) | crate::Supply::Batch { transactions, .. } => {
                transactions.into_iter().map(Verified).collect()
            }
            crate::Supply::Committed(batches) => {
                batches.into_iter().flat_map(|committed| committed.transactions).map(Verified).collect()
            }
            crate::Supply::Held(_)
            | crate::Supply::State { .. }
            | crate::Supply::NoState { .. }
            | crate::Supply::Stable(_)
            | crate::Supply::Draft { .. } => Vec::new(),
        }
    }
}

/// Why something was not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the sentences say what each means")]
pub enum Rejection {
    #[error("replica {0} is not a member")]
    NotAMember(ReplicaId),
    #[error("a signature does not hold")]
    BadSignature,
    #[error("the sender's key is refused: {0}")]
    WeakKey(WeakKey),
    #[error("the transaction names another chain")]
    WrongChain,
    #[error("the command is too large")]
    TooLarge,
    #[error("the batch is not the one whose digest is signed")]
    WrongDigest,
    #[error("the batch names a transaction twice or more transactions than allowed")]
    BadBatch,
    #[error("the bodies are not those that the batch names")]
    WrongBodies,
    #[error("votes are not of distinct members in ascending order")]
    UnorderedVotes,
    #[error("{have} votes where {need} are needed")]
    TooFewVotes { have: usize, need: usize },
    #[error("the replica is not the primary of that view, or votes where the primary must not")]
    WrongPrimary,
    #[error("a certificate lies outside what its message may carry")]
    MisplacedCertificate,
    #[error("a list is longer than its bound")]
    TooMany,
    #[error("a place named is none of the state tree")]
    BadPlace,
    #[error("a result's path does not lead to the signed root")]
    WrongPath,
}

/// Checks messages and transactions of one membership.
pub struct Verifier {
    membership: Arc<Membership>,
    scheme: Arc<dyn SignatureScheme>,
    /// Keys found strong: a sender's key is examined once, and not with each of its transactions.
    senders: Mutex<Recent<PublicKey>>,
}

impl Verifier {
    /// A verifier for a membership under a signature scheme: [`Ed25519`](tetrarch_crypto::Ed25519), everywhere but in simulations.
    pub fn new(membership: Arc<Membership>, scheme: Arc<dyn SignatureScheme>) -> Self {
        Self { membership, scheme, senders: Mutex::new(Recent::new(KNOWN_SENDERS)) }
    }

    /// The membership it checks for.
    pub const fn membership(&self) -> &Arc<Membership> {
        &self.membership
    }

    /// Checks one message.
    ///
    /// # Errors
    /// The first [`Rejection`] found.
    pub fn message(&self, message: Message) -> Result<Verified<Message>, Rejection> {
        let claims = claims::of_message(&message, &self.membership, self)?;
        self.judge_one(message, &claims)
    }

    /// Checks one transaction.
    ///
    /// # Errors
    /// The first [`Rejection`] found.
    pub fn transaction(&self, transaction: Transaction) -> Result<Verified<Transaction>, Rejection> {
        let claim = claims::of_transaction(&transaction, self.membership.scope(), self)?;
        self.judge_one(transaction, &[claim])
    }

    /// Checks a reply: the path leads to the root that the replica signed.
    ///
    /// # Errors
    /// The first [`Rejection`] found.
    pub fn reply(&self, reply: Reply) -> Result<Verified<Reply>, Rejection> {
        let signer = reply.results.signer();
        let key = *self.membership.key(signer).ok_or(Rejection::NotAMember(signer))?;
        if !reply.is_consistent() {
            return Err(Rejection::WrongPath);
        }
        let claim = reply.results.claim(key, self.membership.scope());
        if self.scheme.accepts(&claim) { Ok(Verified(reply)) } else { Err(Rejection::BadSignature) }
    }

    /// Checks many messages with one batch of signatures; a verdict each, in order. A bad one does not taint its neighbours.
    pub fn messages(&self, messages: Vec<Message>) -> Vec<Result<Verified<Message>, Rejection>> {
        let lists = messages.iter().map(|message| claims::of_message(message, &self.membership, self)).collect();
        self.judge(messages, lists)
    }

    /// Checks many transactions with one batch of signatures; a verdict each, in order.
    pub fn transactions(&self, transactions: Vec<Transaction>) -> Vec<Result<Verified<Transaction>, Rejection>> {
        let lists = transactions
            .iter()
            .map(|transaction| {
                claims::of_transaction(transaction, self.membership.scope(), self).map(|claim| vec![claim])
            })
            .collect();
        self.judge(transactions, lists)
    }

    /// One item, with its claims.
    fn judge_one<T>(&self, item: T, claims: &[Claim]) -> Result<Verified<T>, Rejection> {
        verdict(item, claims.len(), self.scheme.accepts_each(claims))
    }

    /// One signature batch over all claims of all items, then a verdict for each item from its share of the answers.
    fn judge<T>(
        &self,
        items: Vec<T>,
        lists: Vec<Result<Vec<Claim>, Rejection>>,
    ) -> Vec<Result<Verified<T>, Rejection>> {
        let mut all = Vec::new();
        let counts: Vec<Result<usize, Rejection>> = lists
            .into_iter()
            .map(|list| {
                list.map(|claims| {
                    let count = claims.len();
                    all.extend(claims);
                    count
                })
            })
            .collect();
        let mut answers = self.scheme.accepts_each(&all).into_iter();
        items
            .into_iter()
            .zip(counts)
            .map(|(item, count)| {
                let count = count?;
                verdict(item, count, answers.by_ref().take(count))
            })
            .collect()
    }

    /// Refuses weak sender keys. The verdict depends on the key alone; it is remembered because it costs more than a signature.
    fn check_sender(&self, key: &PublicKey) -> Result<(), Rejection> {
        // A poisoned lock means another thread panicked between two cache operations, none of which leaves the cache broken.
        let mut senders = self.senders.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !senders.contains(key) {
            self.scheme.check_key(key).map_err(Rejection::WeakKey)?;
            senders.insert(*key);
        }
        Ok(())
    }
}

/// An item stands or falls with all of its claims. Takes every answer, also behind one that refuses: the next item's follow.
fn verdict<T>(item: T, claims: usize, answers: impl IntoIterator<Item = bool>) -> Result<Verified<T>, Rejection> {
    let accepted = answers.into_iter().filter(|accepted| *accepted).count();
    if accepted == claims { Ok(Verified(item)) } else { Err(Rejection::BadSignature) }
}
