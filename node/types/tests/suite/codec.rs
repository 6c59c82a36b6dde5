//! The one encoding (rule W-1): a value has exactly one, and nothing else is read of what others send.

use std::fmt::Debug;

use crate::support::{Chain, arbitrary, arbitrary_state};
use proptest::collection::vec;
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use tetrarch_crypto::state_tree::Branch;
use tetrarch_types::{
    CommittedBatch, DecodeError, Evidence, Fetch, Genesis, HeldVote, Message, NodeMode, Payload, Query, Refusal, Reply,
    ReplyCertificate, Request, Response, Sender, SeqNum, StatePart, StateProof, StateRow, Supply, Transaction, View,
    decode, decode_own, encode,
};

const AMPLE: usize = 1 << 20;

trait Wire: Serialize + DeserializeOwned + PartialEq + Debug {}
impl<T: Serialize + DeserializeOwned + PartialEq + Debug> Wire for T {}

/// All that must hold of one value: it comes back, and no extension, cut or tighter limit is taken.
fn is_canonical<T: Wire>(value: &T) -> Result<(), TestCaseError> {
    let bytes = encode(value);
    for limit in [AMPLE, bytes.len()] {
        let back = decode::<T>(&bytes, limit);
        prop_assert_eq!(back.as_ref(), Ok(value), "limit {}", limit);
    }
    let (actual, limit) = (bytes.len(), bytes.len() - 1);
    prop_assert_eq!(decode::<T>(&bytes, limit), Err(DecodeError::TooLarge { actual, limit }));
    for tail in [0x00, 0x80, 0xff] {
        let longer = [bytes.as_slice(), &[tail]].concat();
        prop_assert_eq!(decode::<T>(&longer, AMPLE), Err(DecodeError::TrailingBytes));
    }
    for cut in cuts(bytes.len()) {
        prop_assert_eq!(decode::<T>(&bytes[..cut], AMPLE), Err(DecodeError::Malformed), "cut at {}", cut);
    }
    Ok(())
}

/// Every cut of short encodings, and a hundred or so of long ones.
fn cuts(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(1 + len / 100)
}

/// Whatever is accepted is the encoding of what was read; nothing panics.
fn is_strict<T: Wire>(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(value) = decode::<T>(bytes, AMPLE) {
        prop_assert_eq!(encode(&value), bytes);
    }
    Ok(())
}

fn is_strict_everywhere(bytes: &[u8]) -> Result<(), TestCaseError> {
    is_strict::<Message>(bytes)?;
    is_strict::<Transaction>(bytes)?;
    is_strict::<Request>(bytes)?;
    is_strict::<Response>(bytes)?;
    is_strict::<ReplyCertificate>(bytes)?;
    is_strict::<CommittedBatch>(bytes)?;
    is_strict::<Evidence>(bytes)?;
    is_strict::<Payload>(bytes)?;
    is_strict::<StateProof>(bytes)?;
    is_strict::<Genesis>(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn messages(value in arbitrary::message()) { is_canonical::<Message>(&value)?; }

    #[test]
    fn payloads(value in arbitrary::payload()) { is_canonical::<Payload>(&value)?; }

    #[test]
    fn transactions(value in arbitrary::transaction()) { is_canonical::<Transaction>(&value)?; }

    #[test]
    fn committed_batches(value in arbitrary::committed_batch()) { is_canonical::<CommittedBatch>(&value)?; }

    #[test]
    fn requests(value in arbitrary::request()) { is_canonical::<Request>(&value)?; }

    #[test]
    fn responses(value in arbitrary::response()) { is_canonical::<Response>(&value)?; }

    #[test]
    fn replies(value in arbitrary::reply()) { is_canonical::<Reply>(&value)?; }

    #[test]
    fn reply_certificates(value in arbitrary::reply_certificate()) { is_canonical::<ReplyCertificate>(&value)?; }

    #[test]
    fn evidence(value in arbitrary::evidence()) { is_canonical::<Evidence>(&value)?; }

    #[test]
    fn state_proofs(value in arbitrary::state_proof()) { is_canonical::<StateProof>(&value)?; }

    #[test]
    fn state_rows(value in arbitrary_state::row()) { is_canonical::<StateRow>(&value)?; }

    #[test]
    fn senders(value in arbitrary::sender()) { is_canonical::<Sender>(&value)?; }

    #[test]
    fn genesis_documents(value in arbitrary::genesis()) { is_canonical::<Genesis>(&value)?; }

    #[test]
    fn random_bytes_are_read_strictly(bytes in vec(any::<u8>(), 0..400)) { is_strict_everywhere(&bytes)?; }

    #[test]
    fn small_random_bytes_are_read_strictly(bytes in vec(0..10_u8, 0..400)) { is_strict_everywhere(&bytes)?; }

    #[test]
    fn a_changed_byte_is_read_strictly(
        value in arbitrary::message(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = encode(&value);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        is_strict_everywhere(&bytes)?;
    }
}

#[test]
fn overlong_varints_are_refused() {
    for (bytes, number) in [([0x80, 0x00].as_slice(), 0), (&[0x81, 0x00], 1), (&[0xff, 0x80, 0x00], 127)] {
        assert_eq!(postcard::from_bytes::<u64>(bytes), Ok(number), "postcard alone takes it");
        assert_eq!(decode::<View>(bytes, AMPLE), Err(DecodeError::NotCanonical));
        assert_eq!(decode::<SeqNum>(bytes, AMPLE), Err(DecodeError::NotCanonical));
    }
}

#[test]
fn an_overlong_varint_is_refused_wherever_it_stands() {
    for (name, message) in Chain::of(4).messages() {
        let bytes = encode(&message);
        // The variant's tag is the first byte of every message, and a varint.
        let overlong = [&[bytes[0] | 0x80, 0x00], &bytes[1..]].concat();
        assert_eq!(decode::<Message>(&overlong, AMPLE), Err(DecodeError::NotCanonical), "{name}");
    }
}

#[test]
fn what_was_encoded_here_is_read_without_looking_for_the_one_form() {
    let bytes = encode(&SeqNum::new(300));
    assert_eq!(decode_own::<SeqNum>(&bytes), Ok(SeqNum::new(300)));
    assert_eq!(decode_own::<SeqNum>(&bytes[..1]), Err(DecodeError::Malformed));
    assert_eq!(decode_own::<SeqNum>(&[bytes.as_slice(), &[0]].concat()), Err(DecodeError::TrailingBytes));
    assert_eq!(decode_own::<SeqNum>(&[0x80, 0x00]), Ok(SeqNum::ZERO), "another form of it");
}

#[test]
fn numbers_beyond_their_type_are_refused() {
    // Ten bytes whose last says more than bit 63, and eleven bytes.
    let beyond = [[0xff; 9].as_slice(), &[0x02]].concat();
    let endless = [[0xff; 10].as_slice(), &[0x01]].concat();
    for bytes in [beyond, endless] {
        assert_eq!(decode::<View>(&bytes, AMPLE), Err(DecodeError::Malformed));
    }
}

#[test]
fn tags_beyond_the_last_variant_are_refused() {
    let tag = |tag: u8, first: &[u8]| [&[tag], first].concat();
    let tail = [0; 400];
    assert_eq!(decode::<Message>(&tag(9, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<Request>(&tag(2, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<Response>(&tag(7, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<Query>(&tag(8, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<Refusal>(&tag(14, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<NodeMode>(&tag(5, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<Fetch>(&tag(5, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<Supply>(&tag(8, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<HeldVote>(&tag(3, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<StatePart>(&tag(2, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<Branch>(&tag(3, &tail), AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<Option<u64>>(&[2, 0], AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<bool>(&[2], AMPLE), Err(DecodeError::Malformed));
}

#[test]
fn a_length_that_promises_too_much_costs_nothing() {
    // A command of 2^63 bytes, of which none is there.
    let mut bytes = encode(&Chain::of(4).body(0));
    bytes.truncate(bytes.len() - 1 - b"put 0".len());
    bytes.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
    assert_eq!(decode::<tetrarch_types::TransactionBody>(&bytes, AMPLE), Err(DecodeError::Malformed));
    assert_eq!(decode::<Vec<u64>>(&[0xff, 0xff, 0xff, 0xff, 0x0f], AMPLE), Err(DecodeError::Malformed));
}

#[test]
fn the_limit_is_judged_before_anything_is_read() {
    let malformed = [0xff; 11];
    assert_eq!(decode::<Message>(&malformed, 10), Err(DecodeError::TooLarge { actual: 11, limit: 10 }));
    assert_eq!(decode::<Message>(&[], 0), Err(DecodeError::Malformed));
}
