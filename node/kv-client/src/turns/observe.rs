//! Watching who has the turn.

use tetrarch_kv::KeyRange;
use tetrarch_kv::store::Pair;

use super::queue::read;
use super::{Changes, Queue, TurnError, TurnStore};
use crate::watch::{Change, Happened};

/// Who has the turn, and at which revision that was so.
pub type Observed = (Pair, u64);

/// Says who has the turn, and again whenever its value changes or somebody else has it. A turn that is over before it is looked at is left out.
pub struct Observer<'s, S: TurnStore> {
    store: &'s S,
    queue: Queue,
    watched: Option<Watched<S::Changes>>,
}

/// The key of whoever has the turn; the whole queue while nobody has.
struct Watched<C> {
    is_one: bool,
    changes: C,
}

impl<'s, S: TurnStore> Observer<'s, S> {
    /// Nobody is asked yet.
    pub const fn new(store: &'s S, queue: Queue) -> Self {
        Self { store, queue, watched: None }
    }

    /// Waits until there is something new.
    ///
    /// # Errors
    /// What the store says.
    pub async fn next(&mut self) -> Result<Observed, TurnError<S::Error>> {
        loop {
            let observed = match &mut self.watched {
                None => self.look().await?,
                Some(watched) => {
                    let happened = watched.changes.next().await.map_err(TurnError::Store)?;
                    self.on_changes(happened).await?
                }
            };
            if let Some(observed) = observed {
                return Ok(observed);
            }
        }
    }

    async fn look(&mut self) -> Result<Option<Observed>, TurnError<S::Error>> {
        let (revision, found) = read(self.store, self.queue.oldest()).await?;
        let first = found.into_iter().next();
        let range = first.as_ref().map_or_else(|| self.queue.range(), |(key, _)| KeyRange::one(key.clone()));
        self.watch(range, revision + 1).await?;
        Ok(first.map(|first| (first, revision)))
    }

    /// Of one key there is one change a revision; of an empty queue the first newcomer counts.
    async fn on_changes(&mut self, happened: Happened) -> Result<Option<Observed>, TurnError<S::Error>> {
        let Happened { revision, changes } = happened;
        let Some(Change { key, put, .. }) = changes.into_iter().next() else { return Ok(None) };
        let Some(record) = put else {
            self.watched = None;
            return Ok(None);
        };
        if self.watched.as_ref().is_some_and(|watched| !watched.is_one) {
            self.watch(KeyRange::one(key.clone()), revision + 1).await?;
        }
        Ok(Some(((key, record), revision)))
    }

    async fn watch(&mut self, range: KeyRange, from: u64) -> Result<(), TurnError<S::Error>> {
        let is_one = range.is_one();
        let changes = self.store.watch(range, from).await.map_err(TurnError::Store)?;
        self.watched = Some(Watched { is_one, changes });
        Ok(())
    }
}
