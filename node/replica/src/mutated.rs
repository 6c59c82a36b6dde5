//! Where a deliberate bug stands in this crate, for the harness to catch (the crate tetrarch-mutants; `specs/testing.md`).

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("the feature `mutants` holds deliberate safety bugs and must not be in a build that ships");

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
