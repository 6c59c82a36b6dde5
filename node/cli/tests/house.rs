//! The house rules of the repository, as tests: who may depend on whom, what stays out of the pure crates, what every crate inherits,
//! how long files and functions may grow, that every rule which code cites is written in the specs, and that only testnets can make a node
//! lie.
//!
//! They look at the workspace they are run in, with `cargo metadata` and plain scans of the text, and say file, line and reason.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a check that cannot read the repository has failed")]

mod house {
    mod code;
    mod inheritance;
    mod layering;
    mod purity;
    mod ratchets;
    mod rules;
    mod seam;
    mod workspace;
}
