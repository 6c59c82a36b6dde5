//! Rule X-4: what an answer has to rest on, so that nobody is told less than somebody was told before.

use tetrarch_types::{Query, SeqNum};

/// What an answer has to rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// What there is: the answer proves itself, or is about this node.
    Anything,
    /// The agreed state, however far that is: the answer says so.
    Agreed,
    /// The agreed state behind this batch. Somebody may have been told what came of it, and whoever asks after that must not be told otherwise.
    Behind(SeqNum),
}

/// How far the state here is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ground {
    /// The last batch executed.
    pub(crate) executed: SeqNum,
    /// The last batch that clients may have been told of; none if the state here is not the agreed one.
    pub(crate) told: Option<SeqNum>,
}

impl Basis {
    /// What an answer to this question has to rest on, as things are when it is asked.
    pub(crate) fn of(query: &Query, Ground { executed, told }: Ground) -> Self {
        let latest = told.map(|told| Self::Behind(told.max(executed)));
        match query {
            Query::Status | Query::Prove { .. } => Self::Anything,
            // They tell how far the state is that is read, and it need not be the latest.
            Query::ReadAfter { .. } | Query::ReadStale(_) => Self::Agreed,
            // Ids and signatures prove what the ledger has, whatever becomes of the state.
            Query::Transaction(_) => latest.unwrap_or(Self::Anything),
            Query::Read(_) | Query::Nonce(_) | Query::Reply(_) => latest.unwrap_or(Self::Agreed),
        }
    }

    /// Whether an answer can be given on this ground; none if it cannot, and waiting for a batch will not change that.
    pub(crate) fn stands_on(self, Ground { executed, told }: Ground) -> Option<bool> {
        match self {
            Self::Anything => Some(true),
            Self::Agreed => told.map(|_| true),
            Self::Behind(seq) => told.map(|_| executed >= seq),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground(executed: u64, told: Option<u64>) -> Ground {
        Ground { executed: SeqNum::new(executed), told: told.map(SeqNum::new) }
    }

    fn behind(seq: u64) -> Basis {
        Basis::Behind(SeqNum::new(seq))
    }

    fn stale() -> [Query; 2] {
        [Query::ReadStale(Vec::new()), Query::ReadAfter { executed: SeqNum::new(9), question: Vec::new() }]
    }

    #[test]
    fn who_asks_for_the_latest_is_told_nothing_before_what_somebody_was_told() {
        let read = Query::Read(Vec::new());
        assert_eq!(Basis::of(&read, ground(4, Some(5))), behind(5));
        assert_eq!(behind(5).stands_on(ground(4, Some(5))), Some(false));
        assert_eq!(behind(5).stands_on(ground(5, Some(5))), Some(true));
        for query in stale() {
            assert_eq!(Basis::of(&query, ground(4, Some(5))), Basis::Agreed);
        }
        assert_eq!(Basis::Agreed.stands_on(ground(4, Some(5))), Some(true));
    }

    #[test]
    fn nor_before_what_was_executed_when_it_was_asked() {
        let basis = Basis::of(&Query::Read(Vec::new()), ground(7, Some(5)));
        assert_eq!(basis, behind(7));
        assert_eq!(
            basis.stands_on(ground(6, Some(5))),
            Some(false),
            "the state was replaced by an older one meanwhile"
        );
    }

    #[test]
    fn of_a_state_that_is_not_the_agreed_one_nothing_is_answered() {
        for query in [Query::Read(Vec::new())].into_iter().chain(stale()) {
            assert_eq!(Basis::of(&query, ground(7, None)).stands_on(ground(7, None)), None, "{query:?}");
            let asked_before = Basis::of(&query, ground(7, Some(7)));
            assert_eq!(asked_before.stands_on(ground(7, None)), None, "it was found while {query:?} waited");
        }
        assert_eq!(Basis::of(&Query::Status, ground(7, None)).stands_on(ground(7, None)), Some(true));
    }
}
