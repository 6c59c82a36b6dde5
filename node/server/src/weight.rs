//! What a message costs before it is looked into: signatures to check, bytes to hold.

use tetrarch_types::{Batch, CommittedBatch, Fetch, Held, Message, Signed, Supply, Transaction, ViewChange};

/// A vote's bytes, and the floor for every message.
const SMALL_BYTES: usize = 256;
/// A member's id and signature inside a certificate.
const VOTE_BYTES: usize = 72;
/// A transaction's id inside a batch.
const ID_BYTES: usize = 32;
/// A place of the state tree that is asked for.
const PLACE_BYTES: usize = 64;

/// An estimate, for queues and chunks. Nothing is refused because of it. Of every list each member has its bytes, or a list without end of what
/// takes next to none would be as light as a vote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Signatures, nested ones included.
    pub(crate) signatures: usize,
    /// Bytes, roughly those of the encoding.
    pub(crate) bytes: usize,
}

impl Weight {
    pub(crate) fn of(message: &Message) -> Self {
        match message {
            Message::PrePrepare(proposal) => Self::signed(1, ids_of(&proposal.batch)),
            Message::ViewChange(signed) => Self::of_view_change(signed),
            Message::NewView(signed) => {
                let own = Self::signed(1 + signed.payload.proposals.len(), 0);
                signed.payload.view_changes.iter().map(Self::of_view_change).fold(own, Self::plus)
            }
            Message::Supply(signed) => Self::of_supply(&signed.payload),
            Message::Fetch(signed) => Self::of_fetch(&signed.payload),
            _ => Self::signed(1, 0),
        }
    }

    pub(crate) fn of_transaction(transaction: &Transaction) -> Self {
        Self { signatures: 1, bytes: transaction.cost() }
    }

    const fn signed(signatures: usize, bytes: usize) -> Self {
        Self { signatures, bytes: SMALL_BYTES + VOTE_BYTES * signatures + bytes }
    }

    fn of_view_change(signed: &Signed<ViewChange>) -> Self {
        let prepared: usize = signed.payload.prepared.iter().map(|certificate| 1 + certificate.prepares.len()).sum();
        Self::signed(1 + prepared + signed.payload.stable.votes.len(), 0)
    }

    fn of_fetch(fetch: &Fetch) -> Self {
        Self::signed(
            1,
            match fetch {
                Fetch::Transactions(ids) => ID_BYTES * ids.len(),
                Fetch::State { parts, .. } => parts.iter().map(|place| PLACE_BYTES + place.len()).sum(),
                Fetch::Batch(_) | Fetch::Committed { .. } | Fetch::Held { .. } => 0,
            },
        )
    }

    fn of_supply(supply: &Supply) -> Self {
        let own = Self::signed(1, 0);
        match supply {
            Supply::Transactions(transactions) => own.plus(Self::of_bodies(transactions)),
            Supply::Batch { batch, transactions } => {
                own.plus(Self::signed(0, ids_of(batch))).plus(Self::of_bodies(transactions))
            }
            Supply::Committed(batches) => batches.iter().map(Self::of_committed).fold(own, Self::plus),
            Supply::Held(held) => own.plus(Self::of_held(held)),
            Supply::State { parts, .. } => {
                let bytes = parts.iter().map(|(place, part)| place.len() + part.cost()).sum();
                own.plus(Self { signatures: 0, bytes })
            }
            Supply::NoState { .. } => own,
            Supply::Draft { batch, .. } => own.plus(Self::signed(0, ids_of(batch))),
            Supply::Stable(certificate) => own.plus(Self::signed(certificate.votes.len(), 0)),
        }
    }

    fn of_held(held: &Held) -> Self {
        let own = Self::signed(held.votes.len() + held.stable.votes.len(), 0);
        held.view_change.as_deref().map(Self::of_view_change).into_iter().fold(own, Self::plus)
    }

    fn of_committed(committed: &CommittedBatch) -> Self {
        let own = Self::signed(committed.certificate.commits.len(), ids_of(&committed.batch));
        own.plus(Self::of_bodies(&committed.transactions))
    }

    fn of_bodies(bodies: &[Transaction]) -> Self {
        bodies.iter().map(Self::of_transaction).fold(Self::default(), Self::plus)
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { signatures: self.signatures + other.signatures, bytes: self.bytes + other.bytes }
    }
}

/// The bytes of a batch's ids.
const fn ids_of(batch: &Batch) -> usize {
    ID_BYTES * batch.transactions.len()
}

#[cfg(test)]
mod tests {
    use tetrarch_crypto::state_tree::Prefix;
    use tetrarch_crypto::{Digest, Signature};
    use tetrarch_types::{ReplicaId, SeqNum, StatePart, TransactionId, decode, encode};

    use super::*;

    fn signed<P>(payload: P) -> Signed<P> {
        Signed { payload, signer: ReplicaId::new(1), signature: Signature::from_bytes([0; 64]) }
    }

    /// Lists of what is smallest, as long as a frame takes them.
    #[test]
    fn nothing_large_is_light() {
        let ids = vec![TransactionId::new(Digest::ZERO); 100_000];
        let long: Prefix = decode(&encode(&vec![0_u8; 1_000_000]), 2_000_000).unwrap();
        let parts = vec![(Prefix::ROOT, StatePart::Rows(Vec::new())); 100_000];
        let messages = [
            Message::Fetch(signed(Fetch::Transactions(ids))),
            Message::Fetch(signed(Fetch::State { checkpoint: SeqNum::ZERO, parts: vec![long], rows_up_to: 0 })),
            Message::Supply(signed(Supply::State { checkpoint: SeqNum::ZERO, parts })),
        ];
        for message in messages {
            assert!(Weight::of(&message).bytes >= encode(&message).len(), "{:?}", message.kind());
        }
    }
}
