//! Bytes to every decoder there is (rule W-1).

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};
use tetrarch_client::{
    proof_from_json, proof_to_json, receipt_from_json, receipt_to_json, transaction_from_json, transaction_to_json,
};
use tetrarch_replica::Record;
use tetrarch_simulator::scheme::FakeScheme;
use tetrarch_types::{
    CommittedBatch, DecodeError, Evidence, Genesis, Held, Message, Payload, Reply, ReplyCertificate, Request, Response,
    Sender, StatePart, StateProof, StateRow, Transaction, decode, encode, limits,
};

use super::Reach;
use crate::chain::Chain;
use crate::specimens;

/// What a decoder is handed first, and says before all else.
const FIXED: u64 = 16 * 1024;

/// Bytes of memory for each byte read. The worst that the types allow: a list of empty lists takes one byte for each of them on the wire,
/// and in memory room for a large element, while it grows for two or three of them.
const FOR_EACH: u64 = 1_024;

/// A decoder, by the first byte of an input.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    judge: fn(&[u8]) -> Reach,
}

macro_rules! binary {
    ($($kind:ty => $limit:expr),* $(,)?) => { [$(Kind { name: stringify!($kind), judge: |it| binary::<$kind>(it, $limit) }),*] };
}

/// Everything that is read from a connection, a database or a journal, with the limit under which it is.
static BINARY: [Kind; 20] = binary![
    Message => limits::MAX_BULK_BYTES,
    Request => limits::MAX_CLIENT_FRAME_BYTES,
    Response => limits::MAX_CLIENT_FRAME_BYTES,
    Record => limits::MAX_BULK_BYTES,
    Transaction => limits::MAX_CLIENT_FRAME_BYTES,
    Reply => limits::MAX_CLIENT_FRAME_BYTES,
    ReplyCertificate => limits::MAX_CLIENT_FRAME_BYTES,
    StateProof => limits::MAX_CLIENT_FRAME_BYTES,
    CommittedBatch => limits::MAX_BULK_BYTES,
    Evidence => limits::MAX_BULK_BYTES,
    Payload => limits::MAX_BULK_BYTES,
    Held => limits::MAX_BULK_BYTES,
    StatePart => limits::MAX_BULK_BYTES,
    StateRow => limits::MAX_BULK_BYTES,
    Sender => limits::MAX_BULK_BYTES,
    Genesis => limits::MAX_BULK_BYTES,
    tetrarch_kv::Command => limits::MAX_COMMAND_BYTES,
    tetrarch_kv::CommandResult => limits::MAX_RESULT_BYTES,
    tetrarch_kv::KvQuery => limits::MAX_COMMAND_BYTES,
    tetrarch_kv::QueryResult => limits::MAX_RESULT_BYTES,
];

/// Files that people hand to each other: JSON.
static DOCUMENTS: [Kind; 4] = [
    Kind { name: "genesis.json", judge: genesis_file },
    Kind { name: "transaction.json", judge: transaction_file },
    Kind { name: "receipt.json", judge: receipt_file },
    Kind { name: "proof.json", judge: proof_file },
];

pub(super) fn run(data: &[u8]) -> Reach {
    let Some((first, bytes)) = data.split_first() else { return Reach::Unread };
    let kinds: Vec<&Kind> = kinds().collect();
    (kinds[usize::from(*first) % kinds.len()].judge)(bytes)
}

/// A specimen of everything, behind the byte that names its decoder.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let place = |name: &str| kinds().position(|kind| kind.name == name).expect("specimens name decoders");
    let seed = |(name, bytes): (&str, Vec<u8>)| [vec![place(name) as u8], bytes].concat();
    specimens::all().into_iter().map(seed).collect()
}

fn kinds() -> impl Iterator<Item = &'static Kind> {
    BINARY.iter().chain(&DOCUMENTS)
}

/// Reads within what the input allows of memory.
fn read<T>(bytes: &[u8], reader: impl FnOnce() -> T) -> T {
    let mut read = None;
    let peak = allocation_counter::measure(|| read = Some(reader())).bytes_max;
    let allowance = FIXED + FOR_EACH * bytes.len() as u64;
    assert!(peak <= allowance, "{peak} bytes of memory to read {} bytes", bytes.len());
    read.expect("it was measured")
}

fn binary<T: Serialize + DeserializeOwned + PartialEq + Debug + Judged>(bytes: &[u8], limit: usize) -> Reach {
    let Ok(value) = read(bytes, || decode::<T>(bytes, limit)) else { return Reach::Unread };
    assert_eq!(encode(&value), bytes, "what decodes encodes to the same bytes: {value:?}");
    // One reading only: no cut and no longer text is a value too, and the limit counts.
    assert_eq!(decode::<T>(&[bytes, &[0]].concat(), limit), Err(DecodeError::TrailingBytes));
    if let Some((last, shorter)) = bytes.split_last() {
        assert_eq!(decode::<T>(shorter, limit), Err(DecodeError::Malformed), "without its last byte, {last}");
        let (actual, limit) = (bytes.len(), shorter.len());
        assert_eq!(decode::<T>(bytes, limit), Err(DecodeError::TooLarge { actual, limit }));
    }
    Reach::of(value.holds())
}

/// What is done first with a value that was read. None of it may panic.
trait Judged: Sized {
    /// Whether it is believed.
    fn holds(self) -> bool {
        true
    }
}

macro_rules! taken_as_they_are {
    ($($kind:ty),*) => { $(impl Judged for $kind {})* };
}

taken_as_they_are!(Response, Record, Payload, Held, StatePart, StateRow, Sender, tetrarch_kv::CommandResult);
taken_as_they_are!(tetrarch_kv::KvQuery, tetrarch_kv::QueryResult);

impl Judged for tetrarch_kv::Command {
    fn holds(self) -> bool {
        self.requests.iter().all(|request| request.check().is_ok())
    }
}

impl Judged for Message {
    fn holds(self) -> bool {
        let (kind, lane) = (self.kind(), self.lane());
        let verdict = Chain::new(specimens::SIZE).verifier.message(self);
        verdict.is_ok_and(|verified| verified.kind() == kind && verified.lane() == lane)
    }
}

impl Judged for Request {
    fn holds(self) -> bool {
        match self {
            Self::Submit(transaction) => transaction.holds(),
            Self::Query(_) => true,
        }
    }
}

impl Judged for Transaction {
    fn holds(self) -> bool {
        Chain::new(specimens::SIZE).verifier.transaction(self).is_ok()
    }
}

impl Judged for Reply {
    fn holds(self) -> bool {
        Chain::new(specimens::SIZE).verifier.reply(self).is_ok()
    }
}

impl Judged for ReplyCertificate {
    fn holds(self) -> bool {
        self.check(&Chain::new(specimens::SIZE).membership, &FakeScheme).is_ok()
    }
}

impl Judged for StateProof {
    fn holds(self) -> bool {
        self.verify(&Chain::new(specimens::SIZE).membership, &FakeScheme).is_ok()
    }
}

impl Judged for Evidence {
    fn holds(self) -> bool {
        Self::holds(&self, &Chain::new(specimens::SIZE).membership, &FakeScheme)
    }
}

impl Judged for CommittedBatch {
    fn holds(self) -> bool {
        self.cost() > 0
    }
}

impl Judged for Genesis {
    fn holds(self) -> bool {
        self.check().is_ok()
    }
}

/// A text is read; what is read is written and read again, and is the same.
fn file<T: PartialEq + Debug, E>(
    bytes: &[u8],
    from: impl Fn(&str) -> Result<T, E>,
    to: impl Fn(&T) -> String,
) -> Reach {
    let Ok(text) = std::str::from_utf8(bytes) else { return Reach::Unread };
    let Ok(value) = read(bytes, || from(text)) else { return Reach::Unread };
    let written = to(&value);
    let again = from(&written).ok().expect("what was written can be read");
    assert_eq!(again, value, "{written}");
    assert_eq!(to(&again), written);
    Reach::Accepted
}

fn genesis_file(bytes: &[u8]) -> Reach {
    file(bytes, Genesis::from_json, |genesis| {
        assert_eq!(genesis.check(), Ok(()));
        genesis.to_json()
    })
}

fn transaction_file(bytes: &[u8]) -> Reach {
    file(bytes, transaction_from_json, transaction_to_json)
}

fn receipt_file(bytes: &[u8]) -> Reach {
    file(bytes, receipt_from_json, receipt_to_json)
}

fn proof_file(bytes: &[u8]) -> Reach {
    file(bytes, proof_from_json, |(chain, proof)| proof_to_json(chain, proof))
}
