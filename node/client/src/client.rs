//! The client: a key, the cluster's membership, and connections to all of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use tetrarch_crypto::{Digest, Ed25519, PublicKey, Remembering, Signer, SigningKey};
use tetrarch_transport::{Connector, ConnectorConfig};
use tetrarch_types::{
    Genesis, Membership, Refusal, Request, Timestamp, Transaction, TransactionBody, Verifier, View, limits,
};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::asks::Survey;
use crate::nonces::Nonces;
use crate::{ClientError, ClientOptions, NonceFile, NonceFileError, Submitted};

/// How many nonces are tried for one command before the key counts as too busy elsewhere.
const NONCE_ATTEMPTS: usize = 5;

/// Bounds for the wait for one connection.
const SHORTEST_CONNECT: Duration = Duration::from_millis(200);
const LONGEST_CONNECT: Duration = Duration::from_secs(2);

/// A client of one cluster. Its methods may be called at the same time from many tasks; connections are shared, made when first
/// needed and made anew when they break.
///
/// At most 4096 transactions of one key should be in flight at once: the window of nonces that replicas remember is that wide.
pub struct Client {
    pub(crate) connector: Arc<Connector>,
    pub(crate) membership: Arc<Membership>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) options: ClientOptions,
    /// The view that a quorum named last: its primary orders what is asked, and so is asked first.
    pub(crate) view: Arc<AtomicU64>,
    key: SigningKey,
    nonces: Mutex<Kept>,
}

/// The count of the key's nonces, and the file that knows of it, if there is one.
#[derive(Default)]
struct Kept {
    count: Nonces,
    /// Shared with the thread that writes it, which goes on when nobody waits for it any more.
    file: Option<Arc<std::sync::Mutex<NonceFile>>>,
}

impl Client {
    /// A client that signs with `key`. Nothing is sent yet.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If the genesis is not usable or no UDP socket can be had.
    pub fn new(genesis: &Genesis, key: SigningKey, options: ClientOptions) -> Result<Self, ClientError> {
        genesis.check()?;
        let connector = Arc::new(Connector::new(replicas(genesis), connector_config(&options))?);
        let membership = Arc::new(genesis.membership());
        let verifier = Arc::new(Verifier::new(Arc::clone(&membership), Arc::new(Remembering::new(Ed25519))));
        Ok(Self { connector, membership, verifier, options, view: Arc::default(), key, nonces: Mutex::default() })
    }

    /// A client that signs with another key, and shares this one's connections and what it knows of signatures.
    #[must_use]
    pub fn with_key(&self, key: SigningKey) -> Self {
        let (connector, membership) = (Arc::clone(&self.connector), Arc::clone(&self.membership));
        let (verifier, options, view) = (Arc::clone(&self.verifier), self.options, Arc::clone(&self.view));
        Self { connector, membership, verifier, options, view, key, nonces: Mutex::default() }
    }

    /// The same, but over a socket and connections of its own. What it knows of signatures it shares with the one it came from.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If no UDP socket can be had.
    pub fn with_own_connections(mut self) -> Result<Self, ClientError> {
        self.connector = Arc::new(self.connector.another()?);
        Ok(self)
    }

    /// The same, but each nonce is set aside on disk before it is used: whatever becomes of this process, the next one with this key goes on above.
    #[must_use]
    pub fn keeping_nonces(mut self, file: NonceFile) -> Self {
        self.nonces.get_mut().file = Some(Arc::new(std::sync::Mutex::new(file)));
        self
    }

    /// The cluster's replicas.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// The chain's identity.
    pub fn chain(&self) -> Digest {
        self.membership.scope().genesis
    }

    /// The key that transactions are signed for.
    pub fn public_key(&self) -> PublicKey {
        self.key.public_key()
    }

    /// Signs a command with the next nonce. The first time, the replicas are asked which nonces are used.
    ///
    /// # Errors
    /// If the command is too large, or too few replicas say which nonces are used.
    pub async fn sign(&self, command: Vec<u8>) -> Result<Transaction, ClientError> {
        self.sign_until(command, self.deadline()).await
    }

    /// Signs a command with this nonce, without asking anyone.
    ///
    /// # Errors
    /// If the command is too large.
    pub fn sign_with_nonce(&self, command: Vec<u8>, nonce: u64) -> Result<Transaction, ClientError> {
        check_size(&command)?;
        let body = TransactionBody {
            chain: self.chain(),
            sender: self.public_key(),
            nonce,
            valid_until: wall_clock().plus(self.options.validity.min(limits::MAX_VALIDITY)),
            command,
        };
        Ok(body.sign(self.membership.scope(), &self.key))
    }

    /// Signs a command, sends it to every replica and waits until q of them state the same result.
    ///
    /// # Errors
    /// If the command is refused, or too few replicas agree in time. In the latter case it may still execute: submit the
    /// transaction that the error names again, or look it up, before signing the command anew.
    pub async fn submit(&self, command: Vec<u8>) -> Result<Submitted, ClientError> {
        let deadline = self.deadline();
        for _ in 0..NONCE_ATTEMPTS {
            let transaction = self.sign_until(command.clone(), deadline).await?;
            match self.gather(&transaction, deadline).await {
                Err(ClientError::Refused(Refusal::NonceSpent { nonce })) if nonce == transaction.body.nonce => {
                    self.skip_nonce(nonce, deadline).await?;
                }
                settled => return settled,
            }
        }
        Err(ClientError::NonceContention { attempts: NONCE_ATTEMPTS })
    }

    /// Sends a signed transaction to every replica and waits until q of them state the same result. Submitting it again is
    /// harmless: it executes once, and every time the answer is the same.
    ///
    /// # Errors
    /// If it is for another chain, its signature does not hold, it is refused, or too few replicas agree in time.
    pub async fn submit_signed(&self, transaction: Transaction) -> Result<Submitted, ClientError> {
        let (theirs, ours) = (transaction.body.chain, self.chain());
        if theirs != ours {
            return Err(ClientError::WrongChain { theirs, ours });
        }
        let transaction = self.verifier.transaction(transaction).map_err(ClientError::Unacceptable)?;
        self.gather(&transaction, self.deadline()).await
    }

    /// Ends all connections and waits until the replicas are told.
    pub async fn close(&self) {
        self.connector.close().await;
    }

    pub(crate) fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.options.timeout).unwrap_or_else(|| now + Duration::from_secs(86_400))
    }

    pub(crate) fn survey(&self, request: &Request) -> Survey {
        let primary = self.membership.primary(View::new(self.view.load(Ordering::Relaxed)));
        Survey::new(&self.connector, &self.membership, primary, request, self.options.retransmit_interval)
    }

    async fn sign_until(&self, command: Vec<u8>, deadline: Instant) -> Result<Transaction, ClientError> {
        check_size(&command)?;
        let nonce = self.next_nonce(deadline).await?;
        self.sign_with_nonce(command, nonce)
    }

    /// Holding the lock over the question keeps a crowd of first callers from asking it all at once.
    async fn next_nonce(&self, deadline: Instant) -> Result<u64, ClientError> {
        let mut nonces = self.nonces.lock().await;
        loop {
            if let Some(nonce) = nonces.count.take() {
                return nonces.keep(nonce).await.map(|()| nonce);
            }
            let highest = self.highest_nonce(self.public_key(), deadline).await?;
            let highest = highest.max(nonces.highest());
            nonces.count.start_above(highest, random_byte());
        }
    }

    /// Another process used this nonce: asks again how far the key is, and goes on above.
    async fn skip_nonce(&self, spent: u64, deadline: Instant) -> Result<(), ClientError> {
        let highest = self.highest_nonce(self.public_key(), deadline).await?;
        self.nonces.lock().await.count.start_above(highest.max(Some(spent)), random_byte());
        Ok(())
    }
}

impl Kept {
    /// Makes sure that a nonce is set aside; on a thread of its own when that takes a write to the disk.
    async fn keep(&self, nonce: u64) -> Result<(), ClientError> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        if file.try_lock().is_ok_and(|file| file.highest() >= Some(nonce)) {
            return Ok(());
        }
        let reserved = spawn_blocking(move || file.lock().unwrap_or_else(PoisonError::into_inner).reserve(nonce)).await;
        Ok(reserved.unwrap_or(Err(NonceFileError::Interrupted))?)
    }

    /// What may have been used without the replicas' knowing.
    fn highest(&self) -> Option<u64> {
        self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).highest()
    }
}

fn check_size(command: &[u8]) -> Result<(), ClientError> {
    let (actual, limit) = (command.len() as u64, limits::MAX_COMMAND_BYTES as u64);
    if actual > limit { Err(ClientError::Refused(Refusal::TooLarge { actual, limit })) } else { Ok(()) }
}

fn replicas(genesis: &Genesis) -> Vec<(PublicKey, SocketAddr)> {
    genesis.replicas.iter().map(|member| (member.public_key, member.client_address)).collect()
}

/// A replica that is down is to be known as such well before a call's time is up.
fn connector_config(options: &ClientOptions) -> ConnectorConfig {
    let third = u64::try_from(options.timeout.as_millis() / 3).unwrap_or(u64::MAX);
    let connect_timeout = Duration::from_millis(third).clamp(SHORTEST_CONNECT, LONGEST_CONNECT);
    ConnectorConfig { connect_timeout, ..ConnectorConfig::default() }
}

/// Without randomness two processes with one key may meet more often; nothing else depends on it.
fn random_byte() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).map_or(0, |()| byte[0])
}

/// This machine's clock.
pub fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
