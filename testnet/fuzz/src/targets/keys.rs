//! Keys, signatures, paths and proofs (rules W-4, R-5, S-3).

use std::io::Write;

use tetrarch_crypto::state_tree::{Path, TreeProof};
use tetrarch_crypto::{
    Claim, Digest, Domain, Ed25519, MerklePath, MerkleTree, PublicKey, Scope, Signature, SignatureScheme, Signer,
    SigningKey,
};
use tetrarch_types::decode;

use super::Reach;
use crate::choices::Choices;

/// Claims in a batch at most.
const CLAIMS: usize = 6;

/// Points of small order and unreduced spellings: what is worth trying as a key or as half of a signature.
const POINTS: [&str; 6] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

const FILE: &[u8] = b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";

pub(super) fn run(data: &[u8]) -> Reach {
    let Some((kind, rest)) = data.split_first() else { return Reach::Unread };
    match kind % 5 {
        0 => signatures(Choices::new(rest)),
        1 => texts(rest),
        2 => merkle(Choices::new(rest)),
        3 => tree_proof(rest),
        _ => key_file(rest),
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let hex = |domain| format!("{:?}{domain}", Digest::ZERO);
    let key = SigningKey::from_seed([3; 32]).public_key();
    let texts = [key.to_string().into_bytes(), key.to_spki_der(), hex(1).into_bytes()];
    let behind = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    let mut seeds: Vec<Vec<u8>> = texts.iter().map(|text| behind(1, text)).collect();
    seeds.extend((0..8).map(|byte| behind(0, &[byte * 31; 24])));
    seeds.extend((0..8).map(|byte| behind(2, &[byte * 29; 24])));
    let proof = tetrarch_types::encode(&(vec![Digest::from_bytes([1; 32])], None::<(Path, Digest)>));
    seeds.extend([behind(3, &proof), behind(4, FILE)]);
    seeds
}

/// One verdict for a claim, alone and beside any others; an honest one is accepted.
fn signatures(mut choices: Choices<'_>) -> Reach {
    let mut claims = Vec::new();
    let mut honest = Vec::new();
    for _ in 0..1 + choices.below(CLAIMS) {
        let (claim, altered) = claim(&mut choices);
        claims.push(claim);
        honest.push(!altered);
    }
    let together = Ed25519.accepts_each(&claims);
    let alone: Vec<bool> = claims.iter().map(|claim| Ed25519.accepts(claim)).collect();
    assert_eq!(together, alone, "{claims:?}");
    for ((claim, accepted), honest) in claims.iter().zip(&alone).zip(honest) {
        assert!(*accepted || !honest, "{claim:?}");
        assert_eq!(Ed25519.check_key(&claim.key), claim.key.check());
    }
    Reach::of(alone.contains(&true))
}

fn point(choices: &mut Choices<'_>) -> [u8; 32] {
    let text = choices.one_of(&POINTS);
    text.parse::<PublicKey>().map(|key| *key.as_bytes()).unwrap_or_default()
}

/// A claim, and whether it was altered.
fn claim(choices: &mut Choices<'_>) -> (Claim, bool) {
    let signer = SigningKey::from_seed([choices.byte() % 4; 32]);
    let domain = choices.one_of(Domain::ALL);
    let scope = Scope { genesis: Digest::from_bytes([choices.byte() % 2; 32]), epoch: choices.number() };
    let message = domain.signing_bytes(&scope, &[choices.byte()]);
    let (key, signature) = (signer.public_key(), signer.sign(&message));
    let mut claim = Claim { key, message, signature };
    let mut bytes = *signature.as_bytes();
    match choices.below(8) {
        0..=2 => return (claim, false),
        3 => bytes[choices.below(64)] ^= 1 << choices.below(8),
        4 => bytes[..32].copy_from_slice(&point(choices)),
        5 => bytes[32..].copy_from_slice(&[choices.one_of(&[0, 1, 0xff]); 32]),
        6 => claim.key = PublicKey::from_bytes(point(choices)),
        _ => claim.message.push(0),
    }
    if choices.rarely(4) {
        // A key of small order, and a signature that satisfies the equation with it: anybody's.
        claim.key = PublicKey::from_bytes(point(choices));
        bytes[..32].copy_from_slice(&point(choices));
        bytes[32..].fill(0);
    }
    claim.signature = Signature::from_bytes(bytes);
    (claim, true)
}

/// What reads is written as it was read, but for the case of its letters.
fn texts(bytes: &[u8]) -> Reach {
    if let Some(key) = PublicKey::from_spki_der(bytes) {
        assert_eq!(key.to_spki_der(), bytes);
        return Reach::of(key.check().is_ok());
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Reach::Unread };
    if let Ok(key) = text.parse::<PublicKey>() {
        assert_eq!(key.to_string(), text.to_lowercase());
        return Reach::of(key.check().is_ok());
    }
    match text.parse::<Signature>() {
        Ok(signature) => {
            assert_eq!(signature.to_string(), text.to_lowercase());
            Reach::Accepted
        }
        Err(_) => Reach::Unread,
    }
}

/// A path leads from its own leaf at its own place to the root, and from nowhere else.
fn merkle(mut choices: Choices<'_>) -> Reach {
    let leaf = |number: usize| Digest::from_bytes([u8::try_from(number).unwrap_or(u8::MAX); 32]);
    let count = 1 + choices.below(40);
    let tree = MerkleTree::new((0..count).map(leaf).collect());
    let index = choices.below(count);
    let honest = tree.path(index).expect("there is such a leaf");
    assert_eq!(honest.root_from(leaf(index)), Some(tree.root()));
    let (mut path, mut from) = (honest.clone(), leaf(index));
    for _ in 0..1 + choices.below(2) {
        alter_path(&mut choices, &mut path, &mut from, count);
    }
    let is_same = path == honest && from == leaf(index);
    assert_eq!(path.root_from(from) == Some(tree.root()), is_same, "{path:?}");
    Reach::of(is_same)
}

fn alter_path(choices: &mut Choices<'_>, path: &mut MerklePath, from: &mut Digest, count: usize) {
    let at = choices.below(path.siblings.len());
    let number = choices.number() as u32;
    match choices.below(8) {
        0 => path.index = number,
        1 => path.leaves = number,
        2 if at < path.siblings.len() => path.siblings[at] = Digest::from_bytes([choices.byte(); 32]),
        3 if at < path.siblings.len() => drop(path.siblings.remove(at)),
        4 => path.siblings.insert(at, Digest::ZERO),
        5 => *from = Digest::from_bytes([u8::try_from(choices.below(count)).unwrap_or_default(); 32]),
        6 => path.siblings.extend([Digest::ZERO; 40]),
        _ => {}
    }
}

/// Whatever reads as a proof is judged without a panic, and under a root that nobody made it proves nothing.
fn tree_proof(bytes: &[u8]) -> Reach {
    let Ok(proof) = decode::<TreeProof>(bytes, 64 * 1024) else { return Reach::Unread };
    let path = Path::from_bytes([bytes.first().copied().unwrap_or_default(); 32]);
    assert!(proof.verify(&Digest::from_bytes([0xab; 32]), &path).is_err());
    // The empty state's root is that of no rows: only the empty proof leads there, and it shows that the row is missing.
    Reach::of(proof.verify(&Digest::ZERO, &path).is_ok_and(|found| found.is_none()))
}

/// A key file is read without a passphrase: none that needs one is.
fn key_file(bytes: &[u8]) -> Reach {
    let mut file = tempfile::NamedTempFile::new().expect("there is a place for temporary files");
    file.write_all(bytes).expect("it takes some kilobytes");
    let Ok(key) = SigningKey::load(file.path(), None) else { return Reach::Refused };
    let (key, message) = (key, b"message".to_vec());
    let signature = key.sign(&message);
    assert!(Ed25519.accepts(&Claim { key: key.public_key(), message, signature }));
    Reach::Accepted
}
