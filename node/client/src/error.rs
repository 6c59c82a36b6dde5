//! Why a call did not succeed, in sentences that name replicas and say what to do next.

use std::fmt;
use std::time::Duration;

use tetrarch_crypto::Digest;
use tetrarch_transport::{RequestError, TransportError};
use tetrarch_types::{GenesisError, Refusal, Rejection, ReplicaId, Response, TransactionId};

/// Why one replica's word did not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It could not be reached, or the connection broke.
    #[error("{0}")]
    Connection(String),
    /// It was asked and said nothing in time.
    #[error("no answer")]
    Silent,
    /// It refused.
    #[error("{0}")]
    Refused(Refusal),
    /// It answered something that does not hold.
    #[error("its answer does not hold: {0}")]
    Invalid(String),
}

impl Trouble {
    /// What is wrong with an answer that is not of the expected kind.
    pub fn of(answer: Result<Response, Self>) -> Self {
        match answer {
            Ok(Response::Refused(refusal)) => Self::Refused(refusal),
            Ok(_) => Self::Invalid("it answers another question".into()),
            Err(trouble) => trouble,
        }
    }

    /// Whether the replica itself said it, so that it is alive.
    pub(crate) const fn is_its_word(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Invalid(_))
    }

    /// The refusal that `need` or more give alike, if there is one.
    pub(crate) fn common_refusal<'a>(troubles: impl Iterator<Item = &'a Self> + Clone, need: usize) -> Option<Refusal> {
        let refusals =
            troubles.filter_map(|trouble| if let Self::Refused(refusal) = trouble { Some(refusal) } else { None });
        refusals.clone().find(|one| refusals.clone().filter(|other| one == other).count() >= need).cloned()
    }

    /// Whether waiting will not change a refusal.
    pub(crate) const fn is_final(refusal: &Refusal) -> bool {
        !matches!(refusal, Refusal::Busy | Refusal::NotServing(_) | Refusal::Unknown | Refusal::NonceContested { .. })
    }
}

/// Only the reason: which replica it is stands beside it, and what to do about all of them together behind it.
impl From<RequestError> for Trouble {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Unreachable { address, reason, .. } => Self::Connection(format!("{reason} ({address})")),
            RequestError::Closed { reason, .. } => Self::Connection(format!("the connection ended: {reason}")),
            RequestError::Malformed { reason, .. } => Self::Invalid(reason),
            other => Self::Connection(other.to_string()),
        }
    }
}

/// Fewer replicas agreed than were needed, when the time was up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoQuorum {
    /// How many matching answers were needed.
    pub needed: usize,
    /// n.
    pub n: usize,
    /// Who is alive: gave an answer that counts, or its status when asked for it at the end.
    pub answered: Vec<ReplicaId>,
    /// What became of the others.
    pub troubles: Vec<(ReplicaId, Trouble)>,
    /// How long was waited.
    pub waited: Duration,
    /// The transaction that was waited for. It may still execute.
    pub transaction: Option<TransactionId>,
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not one replica could be reached.
    #[error("no replica can be reached ({}); start the cluster, or check the addresses in the genesis file", troubles(.0))]
    Unreachable(Vec<(ReplicaId, Trouble)>),
    /// Too few replicas answered, or too few agreed, in time.
    #[error("{0}")]
    NoQuorum(Box<NoQuorum>),
    /// f + 1 replicas refused for the same reason.
    #[error("{0}")]
    Refused(Refusal),
    /// The replicas gave different answers to a read, again and again. Ordered as a transaction, it has one answer.
    #[error("no {needed} replicas gave the same answer to this read in {attempts} attempts; order it as a transaction")]
    Disagree {
        /// How many identical answers were needed.
        needed: usize,
        /// How often all replicas were asked.
        attempts: u32,
    },
    /// Replicas gave proofs, and none of them holds.
    #[error(
        "no replica gave a proof that holds ({}); do not rely on any of them, and check that the genesis file is that of this chain",
        troubles(.0)
    )]
    NoProof(Vec<(ReplicaId, Trouble)>),
    /// Every nonce that was tried is used by another transaction of the same sender.
    #[error(
        "{attempts} nonces in a row were already used by other transactions of this key; it is in heavy use elsewhere: try again, \
         or use a key of your own"
    )]
    NonceContention {
        /// How many were tried.
        attempts: usize,
    },
    /// The nonces of the key could not be kept. Nothing was signed.
    #[error(transparent)]
    Nonces(#[from] crate::NonceFileError),
    /// A transaction for another chain was given to submit. It was not sent.
    #[error(
        "the transaction is for chain {theirs}, the cluster's is {ours}; use the genesis file of the transaction's chain"
    )]
    WrongChain {
        /// The chain it names.
        theirs: Digest,
        /// The chain of this client's genesis.
        ours: Digest,
    },
    /// A transaction that no honest replica accepts. It was not sent.
    #[error("the transaction is not acceptable and was not sent: {0}")]
    Unacceptable(Rejection),
    /// The genesis is not usable.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The network could not be set up on this machine.
    #[error(transparent)]
    Network(#[from] TransportError),
}

impl fmt::Display for NoQuorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, n, waited, .. } = self;
        let alive = self.answered.len();
        if alive >= *needed {
            write!(
                f,
                "{alive} of {n} replicas answer, but {needed} matching answers did not come in {:.1} s",
                waited.as_secs_f64()
            )?;
        } else {
            let verb = if alive == 1 { "answers" } else { "answer" };
            write!(f, "{needed} of {n} replicas are needed to decide this and {alive} {verb}")?;
        }
        self.write_details(f)?;
        let advice = if alive >= *needed { "wait and try again" } else { "start the others or wait" };
        write!(f, "; {advice}")?;
        match self.transaction {
            Some(id) => write!(f, ": nothing is lost, the same transaction may still execute, once at most (id {id})"),
            None => Ok(()),
        }
    }
}

impl NoQuorum {
    fn write_details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.answered.is_empty() {
            let ids: Vec<String> = self.answered.iter().map(ToString::to_string).collect();
            parts.push(format!("{} answer{}", ids.join(", "), if ids.len() == 1 { "s" } else { "" }));
        }
        if !self.troubles.is_empty() {
            parts.push(troubles(&self.troubles));
        }
        if parts.is_empty() { Ok(()) } else { write!(f, " ({})", parts.join("; ")) }
    }
}

fn troubles(list: &[(ReplicaId, Trouble)]) -> String {
    let parts: Vec<String> = list.iter().map(|(replica, trouble)| format!("{replica}: {trouble}")).collect();
    parts.join("; ")
}
