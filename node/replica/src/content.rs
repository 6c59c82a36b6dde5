//! A batch in a slot, with as many of its bodies as are held.

use std::sync::Arc;

use tetrarch_types::{Batch, Transaction, TransactionId, limits};

/// A batch and as many of its bodies as are held.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) batch: Batch,
    /// Where the batch names what, by id: peers ask for a thousand bodies at once, and a batch has as many.
    places: Arc<[usize]>,
    bodies: Vec<Option<Transaction>>,
    missing: usize,
    /// What the bodies held count for.
    bytes: usize,
}

impl Content {
    pub(crate) fn new(batch: Batch) -> Self {
        let missing = batch.transactions.len();
        Self { places: places(&batch), batch, bodies: vec![None; missing], missing, bytes: 0 }
    }

    pub(crate) fn complete(batch: Batch, transactions: Vec<Transaction>) -> Self {
        let bytes = transactions.iter().map(Transaction::cost).sum();
        let bodies = transactions.into_iter().map(Some).collect();
        Self { places: places(&batch), batch, bodies, missing: 0, bytes }
    }

    /// Takes a body if the batch names it and lacks it. Bodies that are larger together than a batch may be are let go of: it is never
    /// complete then, and whoever named them must not fill the memory with them.
    pub(crate) fn supply(&mut self, id: &TransactionId, body: &Transaction) {
        let Some(index) = self.place(id) else { return };
        let Some(place @ None) = self.bodies.get_mut(index) else { return };
        *place = Some(body.clone());
        self.missing -= 1;
        self.bytes += body.cost();
        if self.is_oversize() {
            (self.bodies, self.missing) = (Vec::new(), self.batch.transactions.len());
        }
    }

    /// Whether more bytes of bodies were met than a batch may have.
    pub(crate) const fn is_oversize(&self) -> bool {
        self.bytes > limits::MAX_BATCH_BYTES
    }

    /// The bytes of the bodies that are held, as they count against limits.
    pub(crate) fn bytes(&self) -> usize {
        if self.bodies.is_empty() { 0 } else { self.bytes }
    }

    pub(crate) const fn is_complete(&self) -> bool {
        self.missing == 0
    }

    pub(crate) fn missing(&self) -> impl Iterator<Item = TransactionId> + '_ {
        self.batch.transactions.iter().zip(&self.bodies).filter(|(_, body)| body.is_none()).map(|(id, _)| *id)
    }

    /// The bodies that are held, in the batch's order.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = &Transaction> {
        self.bodies.iter().flatten()
    }

    pub(crate) fn body(&self, id: &TransactionId) -> Option<&Transaction> {
        self.bodies.get(self.place(id)?)?.as_ref()
    }

    /// Where the batch names a transaction first.
    fn place(&self, id: &TransactionId) -> Option<usize> {
        let named = |place: &usize| self.batch.transactions.get(*place);
        let first = self.places.partition_point(|place| named(place) < Some(id));
        self.places.get(first).copied().filter(|place| named(place) == Some(id))
    }
}

/// The places in a batch in the order of the ids there, and of one id in their own.
fn places(batch: &Batch) -> Arc<[usize]> {
    let mut places: Vec<usize> = (0..batch.transactions.len()).collect();
    places.sort_by_key(|place| batch.transactions.get(*place));
    places.into()
}

#[cfg(test)]
mod tests {
    use tetrarch_crypto::{Digest, PublicKey, Signature};
    use tetrarch_types::{Timestamp, TransactionBody};

    use super::*;

    fn large(nonce: u64) -> Transaction {
        let sender = PublicKey::from_bytes([1; PublicKey::LEN]);
        let command = vec![0; limits::MAX_COMMAND_BYTES];
        let body = TransactionBody { chain: Digest::ZERO, sender, nonce, valid_until: Timestamp::ZERO, command };
        Transaction { body, signature: Signature::from_bytes([0; Signature::LEN]) }
    }

    #[test]
    fn a_body_is_found_by_its_id_and_at_its_first_place() {
        let bodies: Vec<Transaction> = (0..9).map(large).collect();
        let mut ids: Vec<_> = bodies.iter().map(Transaction::id).collect();
        ids.push(ids[3]);
        let mut content = Content::new(Batch { timestamp: Timestamp::ZERO, transactions: ids.clone() });
        assert_eq!(content.missing().collect::<Vec<_>>(), ids);
        content.supply(&ids[3], &bodies[3]);
        content.supply(&large(99).id(), &large(99));
        assert_eq!(content.body(&ids[3]), Some(&bodies[3]));
        assert_eq!((content.body(&ids[4]), content.body(&large(99).id())), (None, None));
        assert_eq!(content.missing().position(|id| id == ids[3]), Some(8), "named twice, and given once");
    }

    /// A primary that names a thousand transactions of the largest size must not make a backup hold them all.
    #[test]
    fn bodies_beyond_a_batch_are_not_held() {
        let bodies: Vec<Transaction> = (0..4).map(large).collect();
        let ids = bodies.iter().map(Transaction::id).collect();
        let mut content = Content::new(Batch { timestamp: Timestamp::ZERO, transactions: ids });
        for body in &bodies {
            content.supply(&body.id(), body);
            assert!(content.bytes() <= limits::MAX_BATCH_BYTES);
        }
        assert!(content.is_oversize() && !content.is_complete());
        assert_eq!((content.bytes(), content.bodies().count()), (0, 0));
    }
}
