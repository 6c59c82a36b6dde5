//! COMMITs that come too late to matter.
//!
//! q COMMITs decide a batch, and n are said: the others are about what this replica has decided already, with q of them in its hands. Checking
//! a signature is most of what a vote costs, so those are let go of unread.
//!
//! Nothing rests on them. Whoever says one and forgets it is told of it by those who decided with it (rule A-1); where nobody did, q others are
//! prepared. Evidence against a liar needs two votes of one phase, and the second of them is not to what is decided.

use std::collections::BTreeMap;

use tetrarch_crypto::Digest;
use tetrarch_types::{CommitCertificate, Message, SeqNum, View};

/// Decisions that are remembered: more than there are in a default window, so that COMMITs are late by fewer.
const REMEMBERED: usize = 512;

/// What a replica decided lately, and in which view: kept by whoever carries messages to it, from the batches that it gives out for execution.
#[derive(Debug, Default)]
pub struct Decided(BTreeMap<SeqNum, (View, Digest)>);

impl Decided {
    /// A batch is decided. Of more than 512 the lowest are forgotten.
    pub fn note(&mut self, certificate: &CommitCertificate) {
        self.0.insert(certificate.seq, (certificate.view, certificate.digest));
        if self.0.len() > REMEMBERED {
            self.0.pop_first();
        }
    }

    /// Whether a message is a COMMIT to what is decided, in the view in which it was. Any other vote may be of use: PREPAREs let this replica say
    /// its own COMMIT, for others to decide; so do the votes of later views; and a vote for another batch is evidence.
    pub fn is_said_by(&self, message: &Message) -> bool {
        let Message::Commit(signed) = message else { return false };
        let commit = &signed.payload;
        self.0.get(&commit.seq) == Some(&(commit.view, commit.digest))
    }
}

#[cfg(test)]
mod tests {
    use tetrarch_crypto::Signature;
    use tetrarch_types::{Commit, Prepare, ReplicaId, Signed, Votes};

    use super::*;

    fn certificate(seq: u64) -> CommitCertificate {
        let (view, digest, commits) = (View::new(2), Digest::from_bytes([7; 32]), Votes::default());
        CommitCertificate { view, seq: SeqNum::new(seq), digest, commits }
    }

    fn signed<P>(payload: P) -> Signed<P> {
        Signed { payload, signer: ReplicaId::new(3), signature: Signature::from_bytes([0; 64]) }
    }

    fn commit(to: &CommitCertificate) -> Message {
        Message::Commit(signed(Commit { view: to.view, seq: to.seq, digest: to.digest }))
    }

    #[test]
    fn a_commit_to_what_is_decided_in_that_view_is_late() {
        let mut decided = Decided::default();
        let nine = certificate(9);
        assert!(!decided.is_said_by(&commit(&nine)), "nothing is decided");
        decided.note(&nine);
        assert!(decided.is_said_by(&commit(&nine)));
    }

    #[test]
    fn every_other_vote_is_looked_at() {
        let mut decided = Decided::default();
        let nine = certificate(9);
        decided.note(&nine);
        for other in [
            CommitCertificate { view: View::new(1), ..nine.clone() },
            CommitCertificate { view: View::new(3), ..nine.clone() },
            CommitCertificate { digest: Digest::from_bytes([8; 32]), ..nine.clone() },
            certificate(8),
            certificate(10),
        ] {
            assert!(!decided.is_said_by(&commit(&other)), "{other:?}");
        }
        let prepare = Message::Prepare(signed(Prepare { view: nine.view, seq: nine.seq, digest: nine.digest }));
        assert!(!decided.is_said_by(&prepare));
    }

    #[test]
    fn only_the_latest_decisions_are_remembered() {
        let mut decided = Decided::default();
        let count = REMEMBERED as u64;
        (1..=count + 1).for_each(|seq| decided.note(&certificate(seq)));
        let is_known = |seq| decided.is_said_by(&commit(&certificate(seq)));
        assert_eq!([1, 2, count + 1].map(is_known), [false, true, true]);
    }
}
