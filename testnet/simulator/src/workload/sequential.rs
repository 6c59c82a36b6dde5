//! What a machine is to those who only see its answers.

use std::collections::BTreeSet;

/// A machine that carries out one command after the other, as simply as it can be said, and answers without regard to place and time.
///
/// Its commands touch keys. Two commands without a common key, directly or through others, do not see each other: so a history can be
/// judged for each group of keys alone, on a machine that carries out only the commands about that group.
pub trait Sequential {
    /// Carries out a command. Returns its result's bytes.
    fn execute(&mut self, command: &[u8]) -> Vec<u8>;

    /// What a command reads or writes. A command that may change nothing whatever the state is, and reads nothing, has no keys.
    fn touches(&self, command: &[u8]) -> BTreeSet<Vec<u8>>;

    /// The part of a result that depends on the touched keys alone: what counts all commands together is left out.
    fn local(&self, result: &[u8]) -> Vec<u8>;

    /// The state as bytes, without what counts all commands together: equal for states that answer alike from here on.
    fn fingerprint(&self) -> Vec<u8>;

    /// The same machine in the same state once more.
    fn copy(&self) -> Box<dyn Sequential>;
}

impl Clone for Box<dyn Sequential> {
    fn clone(&self) -> Self {
        self.copy()
    }
}
