//! The hash chain through the events (rule H-3): two replicas with one chain at a revision have told the same story up to it.

use tetrarch_crypto::{Digest, Domain};

/// The chain before anything happened, up to revision 1.
pub fn start() -> Digest {
    Digest::of(Domain::KvChain, &[])
}

/// The chain up to a revision, from the one up to the revision before and the digests of its events, in order.
pub fn next(before: &Digest, revision: u64, events: &[Digest]) -> Digest {
    let revision = revision.to_be_bytes();
    let mut parts: Vec<&[u8]> = vec![before.as_bytes(), &revision];
    parts.extend(events.iter().map(|event| event.as_bytes().as_slice()));
    Digest::of(Domain::KvChain, &parts)
}

/// The digest of an event: the key, what it was put to, if it was not deleted, and what was there before, if anything was.
pub fn event(key: &[u8], put: Option<&Digest>, previous: Option<&Digest>) -> Digest {
    let or_nothing = |digest: Option<&Digest>| digest.map_or_else(Vec::new, |digest| digest.as_bytes().to_vec());
    Digest::of(Domain::KvEvent, &[key, &or_nothing(put), &or_nothing(previous)])
}
