//! What an oracle said, as it is printed.

use serde::Serialize;

use crate::failure::Failure;

/// What an oracle said.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Complaint {
    pub(super) oracle: &'static str,
    pub(super) what: String,
    pub(super) at_micros: u64,
}

impl Complaint {
    pub(super) fn of(failure: &tetrarch_simulator::Failure) -> Self {
        Self { oracle: failure.oracle, what: failure.what.clone(), at_micros: failure.at.as_micros() }
    }

    /// The command's own failure: exit code 1.
    pub(super) fn failure(&self, replay: &str) -> Failure {
        let Self { oracle, what, at_micros } = self;
        let happened = format!("the oracle {oracle:?} says, {at_micros} µs into the run: {what}");
        Failure::failed("simulating", happened, format!("replay it with `{replay} -v`"))
    }
}
