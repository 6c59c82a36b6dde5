//! A state of one row under a root that a quorum signed.

use std::convert::Infallible;

use tetrarch_crypto::state_tree::{Branch, Page, Path, Prefix, TreeProof, value_digest};
use tetrarch_crypto::{Digest, SigningKey};
use tetrarch_types::{Checkpoint, CheckpointCertificate, Membership, ReplicaId, SeqNum, Signed, StateProof};

pub(crate) const TABLE: &str = "kv.records";
pub(crate) const KEY: &[u8] = b"greeting";

/// How many rows stand beside the one that is proven.
const OTHERS: u32 = 40;

/// The proof that `KEY` has this value at a checkpoint, or none, signed by a quorum.
pub(crate) fn proof(membership: &Membership, seq: u64, value: Option<&[u8]>) -> StateProof {
    let mut leaves: Vec<(Path, Digest)> =
        (0..OTHERS).map(|row| (Path::of(TABLE, &row.to_be_bytes()), value_digest(b"other"))).collect();
    let path = Path::of(TABLE, KEY);
    leaves.extend(value.map(|value| (path, value_digest(value))));
    leaves.sort_unstable();
    let page = |depth| {
        let place = Prefix::new((0..depth).map(|at| path.nibble(at)).collect()).unwrap();
        let below = |child: Prefix| -> Vec<_> { leaves.iter().filter(|(it, _)| child.contains(it)).copied().collect() };
        let mut page = Page::default();
        (0..16).for_each(|nibble| page.set(nibble, Branch::over(&below(place.child(nibble)), (depth + 1) * 4)));
        Ok::<_, Infallible>(page)
    };
    StateProof {
        certificate: certificate(membership, seq, Branch::over(&leaves, 0).digest()),
        table: TABLE.into(),
        key: KEY.to_vec(),
        value: value.map(<[u8]>::to_vec),
        proof: TreeProof::build(&path, page).unwrap(),
    }
}

fn certificate(membership: &Membership, seq: u64, state_root: Digest) -> CheckpointCertificate {
    let seq = SeqNum::new(seq);
    let vote = |replica: ReplicaId| {
        let key: SigningKey = super::key(replica.index());
        (replica, Signed::new(Checkpoint { seq, state_root }, replica, membership.scope(), &key).signature)
    };
    let votes = membership.ids().take(membership.quorum()).map(vote).collect();
    CheckpointCertificate { seq, state_root, votes }
}
