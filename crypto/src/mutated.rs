//! Where a deliberate bug stands in shipping code, for the harness to catch (the crate tetrarch-mutants; `specs/testing.md`).
//!
//! It is defined here, at the root of all crates that have such places, and once: their features `mutants` turn this crate's on.

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("the feature `mutants` holds deliberate safety bugs and must not be in a build that ships");

/// Whether this bug is switched on. Never, and known to the compiler as never, without the feature `mutants`.
#[cfg(feature = "mutants")]
#[doc(hidden)]
#[macro_export]
macro_rules! mutated {
    ($bug:ident) => {
        $crate::mutants::is($crate::mutants::Mutant::$bug)
    };
}

/// Whether this bug is switched on: without the feature `mutants` it is not, and the compiler knows.
#[cfg(not(feature = "mutants"))]
#[doc(hidden)]
#[macro_export]
macro_rules! mutated {
    ($bug:ident) => {
        false
    };
}
