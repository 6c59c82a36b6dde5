//! What is to be done.

use std::time::Duration;

use crate::operation::Operation;

/// A load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// What the operations are.
    pub operation: Operation,
    /// Operations a second, of all clients together; without, each client goes on as soon as it is answered.
    pub rate: Option<f64>,
    /// How long it is measured.
    pub span: Duration,
    /// How long it goes on before that, unmeasured.
    pub warm_up: Duration,
    /// Bytes of a value.
    pub value_bytes: usize,
    /// Keys in all. One is a key that everybody writes.
    pub keys: u64,
    /// Puts under one signature. Each counts.
    pub bundle: usize,
}

/// One step of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Puts, together.
    Put(Vec<(String, Vec<u8>)>),
    /// A transaction that puts.
    Txn(String, Vec<u8>),
    /// A read.
    Get(String),
    /// A put of the client's own key, and the wait for its event.
    Watched(Vec<u8>),
}

impl Work {
    /// How many operations it counts as.
    pub(crate) const fn count(&self) -> u64 {
        match self {
            Self::Put(puts) => puts.len() as u64,
            Self::Txn(..) | Self::Get(_) | Self::Watched(_) => 1,
        }
    }
}

impl Plan {
    /// The step of that number: all clients' steps together are numbered.
    pub(crate) fn work(&self, number: u64) -> Work {
        let put = || {
            let bundle = self.bundle.max(1) as u64;
            Work::Put((number * bundle..(number + 1) * bundle).map(|at| (self.key(at), self.value(at))).collect())
        };
        match self.operation {
            Operation::Put => put(),
            Operation::Txn => Work::Txn(self.key(number), self.value(number)),
            Operation::Get => Work::Get(self.key(number)),
            Operation::Mixed if number.is_multiple_of(2) => put(),
            Operation::Mixed => Work::Get(self.key(number)),
            Operation::Watch => Work::Watched(self.value(number)),
        }
    }

    /// What has to be there before it can be read.
    pub(crate) fn preparation(&self) -> impl Iterator<Item = Work> + '_ {
        let reads = matches!(self.operation, Operation::Get | Operation::Mixed);
        let last = if reads { self.keys } else { 0 };
        (0..last.div_ceil(TOGETHER)).map(move |part| {
            let keys = part * TOGETHER..((part + 1) * TOGETHER).min(last);
            Work::Put(keys.map(|at| (self.key(at), self.value(at))).collect())
        })
    }

    /// All keys in turn, in an order that has no run in it.
    fn key(&self, at: u64) -> String {
        let keys = u128::from(self.keys.max(1));
        format!("bench/{:08}", u128::from(at) * STRIDE % keys)
    }

    /// Bytes that do not compress, and differ from one to the next.
    fn value(&self, at: u64) -> Vec<u8> {
        let mut state = at.wrapping_add(1).wrapping_mul(MIX);
        let mut value = Vec::with_capacity(self.value_bytes + 8);
        while value.len() < self.value_bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            value.extend(state.to_le_bytes());
        }
        value.truncate(self.value_bytes);
        value
    }
}

/// Keys that are put together before they are read.
const TOGETHER: u64 = 64;

/// A prime: whatever number of keys there is, and not a multiple of it, its multiples come by all of them.
const STRIDE: u128 = 2_654_435_761;

/// An odd number whose multiples differ in all bits.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PLAN: Plan = Plan {
        operation: Operation::Mixed,
        rate: None,
        span: Duration::from_secs(1),
        warm_up: Duration::ZERO,
        value_bytes: 300,
        keys: 100,
        bundle: 3,
    };

    #[test]
    fn reads_find_what_was_prepared() {
        let prepared: BTreeSet<String> = PLAN.preparation().flat_map(|work| keys(&work)).collect();
        let wanted: BTreeSet<String> = (0..1_000).flat_map(|number| keys(&PLAN.work(number))).collect();
        assert_eq!(prepared.len(), 100);
        assert!(wanted.is_subset(&prepared));
        assert_eq!(Plan { operation: Operation::Put, ..PLAN }.preparation().count(), 0);
    }

    #[test]
    fn a_bundle_counts_as_so_many() {
        let Work::Put(puts) = PLAN.work(8) else { panic!("every second one is a put") };
        assert_eq!((PLAN.work(8).count(), PLAN.work(9).count()), (3, 1));
        assert!(puts.iter().all(|(_, value)| value.len() == 300));
        assert!(puts[0].1 != puts[1].1, "values differ");
        let keys: BTreeSet<_> = puts.iter().map(|(key, _)| key).collect();
        assert_eq!(keys.len(), 3, "keys come in turn");
    }

    #[test]
    fn one_key_is_one() {
        let one = Plan { keys: 1, bundle: 1, operation: Operation::Put, ..PLAN };
        assert_eq!(keys(&one.work(5)), keys(&one.work(6)));
    }

    fn keys(work: &Work) -> Vec<String> {
        match work {
            Work::Put(puts) => puts.iter().map(|(key, _)| key.clone()).collect(),
            Work::Txn(key, _) | Work::Get(key) => vec![key.clone()],
            Work::Watched(_) => Vec::new(),
        }
    }
}
