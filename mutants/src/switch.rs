//! Which bug is switched on.

use std::cell::Cell;

use crate::Mutant;

thread_local! {
    static ON: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// Whether this bug is the one that is switched on in this thread.
pub fn is(mutant: Mutant) -> bool {
    ON.get() == Some(mutant)
}

/// Runs something in this thread with a bug switched on, or with none; then what was before is back, also when it panics.
pub fn with<T>(mutant: Option<Mutant>, run: impl FnOnce() -> T) -> T {
    let _back = Back(ON.replace(mutant));
    run()
}

struct Back(Option<Mutant>);

impl Drop for Back {
    fn drop(&mut self) {
        ON.set(self.0);
    }
}
