//! Transactions and receipts as files that people and scripts can read: JSON with hexadecimal strings. Field names and forms are
//! stable. Unknown fields are refused, so that nothing in a file goes unread.

use serde::{Deserialize, Serialize};
use tetrarch_crypto::{Digest, MerklePath, PublicKey, Signature};
use tetrarch_types::{
    Outcome, ReplicaId, ReplyCertificate, SeqNum, TentativeVotes, Timestamp, Transaction, TransactionBody,
    TransactionId, View, Votes,
};

/// Why a text is no transaction, receipt or proof. Signatures are not judged here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not JSON of the expected form.
    #[error("not JSON of the expected form: {0}")]
    Malformed(String),
    /// A format or version that this program does not know.
    #[error("its format is {found:?} where {expected:?} is expected")]
    Format {
        /// What it says it is.
        found: String,
        /// What is read here.
        expected: &'static str,
    },
    /// The file was changed: its id is not that of its contents.
    #[error("it says that its id is {stated}, but its contents have the id {actual}")]
    WrongId {
        /// What it says.
        stated: Digest,
        /// What its contents give.
        actual: Digest,
    },
    /// A command or result that is not hexadecimal.
    #[error("{field} is not a hexadecimal string")]
    NotHex {
        /// Which field.
        field: &'static str,
    },
    /// Bytes that are not in base64, or not in its one proper form.
    #[error("{field} is not base64")]
    NotBase64 {
        /// Which field.
        field: &'static str,
    },
    /// The text beside some bytes is not what they say.
    #[error("{field} has a text that is not the text of its bytes")]
    WrongText {
        /// Which field.
        field: &'static str,
    },
}

const TRANSACTION: &str = "tetrarch-transaction/1";
const RECEIPT: &str = "tetrarch-receipt/1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TransactionFile {
    format: String,
    id: Digest,
    chain: Digest,
    sender: PublicKey,
    nonce: u64,
    valid_until_micros: u64,
    command: String,
    signature: Signature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiptFile {
    format: String,
    chain: Digest,
    transaction: TransactionFile,
    outcome: OutcomeField,
    sequence: u64,
    path: PathField,
    signatures: Vec<Vote>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tentative: Option<TentativeField>,
}

/// Signatures that were given when the batch was prepared, before it was decided.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TentativeField {
    view: u64,
    signatures: Vec<Vote>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OutcomeField {
    Executed(String),
    Expired,
    ValidTooLong,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PathField {
    index: u32,
    leaves: u32,
    siblings: Vec<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vote {
    replica: u16,
    signature: Signature,
}

impl Vote {
    /// Votes as they stand in a file.
    pub(crate) fn write(votes: &Votes) -> Vec<Self> {
        votes.iter().map(|(replica, signature)| Self { replica: replica.get(), signature: *signature }).collect()
    }

    /// Votes as they stood in a file, in that order.
    pub(crate) fn read(votes: &[Self]) -> Votes {
        votes.iter().map(|vote| (ReplicaId::new(vote.replica), vote.signature)).collect()
    }
}

/// A transaction's file.
pub fn transaction_to_json(transaction: &Transaction) -> String {
    pretty(&transaction_file(transaction))
}

/// Reads a transaction's file. Its signature is not checked.
///
/// # Errors
/// If the text is not such a file, or its id is not that of its contents.
pub fn transaction_from_json(text: &str) -> Result<Transaction, DocumentError> {
    transaction(parse(text)?)
}

/// A receipt's file.
pub fn receipt_to_json(certificate: &ReplyCertificate) -> String {
    let outcome = match &certificate.outcome {
        Outcome::Executed(result) => OutcomeField::Executed(hex::encode(result)),
        Outcome::Expired => OutcomeField::Expired,
        Outcome::ValidTooLong => OutcomeField::ValidTooLong,
    };
    let MerklePath { index, leaves, siblings } = certificate.path.clone();
    pretty(&ReceiptFile {
        format: RECEIPT.into(),
        chain: certificate.transaction.body.chain,
        transaction: transaction_file(&certificate.transaction),
        outcome,
        sequence: certificate.seq.get(),
        path: PathField { index, leaves, siblings },
        signatures: Vote::write(&certificate.votes),
        tentative: certificate
            .tentative
            .as_ref()
            .map(|TentativeVotes { view, votes }| TentativeField { view: view.get(), signatures: Vote::write(votes) }),
    })
}

/// Reads a receipt's file. Nothing in it is proven before [`ReplyCertificate::check`] says so.
///
/// # Errors
/// If the text is not such a file, or an id in it is not that of the contents.
pub fn receipt_from_json(text: &str) -> Result<ReplyCertificate, DocumentError> {
    let file: ReceiptFile = parse(text)?;
    check_format(&file.format, RECEIPT)?;
    let transaction = transaction(file.transaction)?;
    if file.chain != transaction.body.chain {
        let (found, chain) = (file.chain, transaction.body.chain);
        return Err(DocumentError::Malformed(format!("chain {found} with a transaction for chain {chain}")));
    }
    let outcome = match file.outcome {
        OutcomeField::Executed(result) => Outcome::Executed(unhex(&result, "outcome")?),
        OutcomeField::Expired => Outcome::Expired,
        OutcomeField::ValidTooLong => Outcome::ValidTooLong,
    };
    let PathField { index, leaves, siblings } = file.path;
    Ok(ReplyCertificate {
        transaction,
        outcome,
        seq: SeqNum::new(file.sequence),
        path: MerklePath { index, leaves, siblings },
        votes: Vote::read(&file.signatures),
        tentative: file.tentative.map(|TentativeField { view, signatures }| TentativeVotes {
            view: View::new(view),
            votes: Vote::read(&signatures),
        }),
    })
}

fn transaction_file(transaction: &Transaction) -> TransactionFile {
    let body = &transaction.body;
    TransactionFile {
        format: TRANSACTION.into(),
        id: *transaction.id().digest(),
        chain: body.chain,
        sender: body.sender,
        nonce: body.nonce,
        valid_until_micros: body.valid_until.as_micros(),
        command: hex::encode(&body.command),
        signature: transaction.signature,
    }
}

fn transaction(file: TransactionFile) -> Result<Transaction, DocumentError> {
    check_format(&file.format, TRANSACTION)?;
    let body = TransactionBody {
        chain: file.chain,
        sender: file.sender,
        nonce: file.nonce,
        valid_until: Timestamp::from_micros(file.valid_until_micros),
        command: unhex(&file.command, "command")?,
    };
    let (stated, actual) = (TransactionId::new(file.id), body.id());
    if stated != actual {
        return Err(DocumentError::WrongId { stated: *stated.digest(), actual: *actual.digest() });
    }
    Ok(Transaction { body, signature: file.signature })
}

pub(crate) fn check_format(found: &str, expected: &'static str) -> Result<(), DocumentError> {
    if found == expected { Ok(()) } else { Err(DocumentError::Format { found: found.into(), expected }) }
}

pub(crate) fn parse<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, DocumentError> {
    serde_json::from_str(text).map_err(|error| DocumentError::Malformed(error.to_string()))
}

fn unhex(text: &str, field: &'static str) -> Result<Vec<u8>, DocumentError> {
    hex::decode(text).map_err(|_| DocumentError::NotHex { field })
}

/// These types have nothing that JSON cannot hold.
pub(crate) fn pretty<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
