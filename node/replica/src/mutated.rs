//! Where a deliberate bug stands in this crate, for the harness to catch (the crate tetrarch-mutants; `specs/testing.md`).

/// Whether this bug is switched on. Never, and known to the compiler as never, without the feature `mutants`.
#[cfg(feature = "mutants")]
macro_rules! mutated {
    ($bug:ident) => {
        tetrarch_mutants::is(tetrarch_mutants::Mutant::$bug)
    };
}

#[cfg(not(feature = "mutants"))]
macro_rules! mutated {
    ($bug:ident) => {
        false
    };
}

pub(crate) use mutated;
