//! What a message costs before it is looked into: signatures to check, bytes to hold.

use tetrarch_types::{CommittedBatch, Held, Message, Signed, StatePart, StateRow, Supply, Transaction, ViewChange};

/// A vote's bytes, and the floor for every message.
const SMALL_BYTES: usize = 256;
/// A member's id and signature inside a certificate.
const VOTE_BYTES: usize = 72;
/// A transaction's id inside a batch.
const ID_BYTES: usize = 32;

/// A page of the state tree, at most.
const PAGE_BYTES: usize = 16 * 65;

/// An estimate, for queues and chunks. Nothing is refused because of it.
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
            Message::PrePrepare(proposal) => Self::signed(1, ID_BYTES * proposal.batch.transactions.len()),
            Message::ViewChange(signed) => Self::of_view_change(signed),
            Message::NewView(signed) => {
                let own = Self::signed(1 + signed.payload.proposals.len(), 0);
                signed.payload.view_changes.iter().map(Self::of_view_change).fold(own, Self::plus)
            }
            Message::Supply(signed) => Self::of_supply(&signed.payload),
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

    fn of_supply(supply: &Supply) -> Self {
        let own = Self::signed(1, 0);
        match supply {
            Supply::Transactions(transactions) | Supply::Batch { transactions, .. } => {
                own.plus(Self::of_bodies(transactions))
            }
            Supply::Committed(batches) => batches.iter().map(Self::of_committed).fold(own, Self::plus),
            Supply::Held(held) => own.plus(Self::of_held(held)),
            Supply::State { parts, .. } => parts.iter().map(|(_, part)| Self::of_part(part)).fold(own, Self::plus),
            Supply::NoState { .. } => own,
            Supply::Draft { batch, .. } => own.plus(Self::signed(0, ID_BYTES * batch.transactions.len())),
            Supply::Stable(certificate) => own.plus(Self::signed(certificate.votes.len(), 0)),
        }
    }

    fn of_held(held: &Held) -> Self {
        let own = Self::signed(held.votes.len() + held.stable.votes.len(), 0);
        held.view_change.as_deref().map(Self::of_view_change).into_iter().fold(own, Self::plus)
    }

    fn of_part(part: &StatePart) -> Self {
        match part {
            StatePart::Page(_) => Self { signatures: 0, bytes: PAGE_BYTES },
            StatePart::Rows(rows) => Self { signatures: 0, bytes: rows.iter().map(StateRow::cost).sum() },
        }
    }

    fn of_committed(committed: &CommittedBatch) -> Self {
        Self::signed(committed.certificate.commits.len(), 0).plus(Self::of_bodies(&committed.transactions))
    }

    fn of_bodies(bodies: &[Transaction]) -> Self {
        bodies.iter().map(Self::of_transaction).fold(Self::default(), Self::plus)
    }

    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { signatures: self.signatures + other.signatures, bytes: self.bytes + other.bytes }
    }
}
