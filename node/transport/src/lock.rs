//! Short critical sections.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. What these mutexes guard is whole after every single statement, so a panic elsewhere does not spoil it.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
