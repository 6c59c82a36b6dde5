//! What bounds a watch. All of it is for one watch; a revision counts with its records and with what was there before.

use std::time::Duration;

/// The bytes of one revision. The store moves at most 32 MiB to the history for one command, so a revision has at most so much that was
/// there before, and as much again where puts keep their values; the rest is keys and a command's own bytes.
pub(super) const MAX_REVISION_BYTES: usize = 72 * 1024 * 1024;

/// The bytes that were told or believed and not taken yet, beyond which nothing more is asked for. One page may come beyond it.
pub(super) const TALE_BYTES: usize = 2 * 1024 * 1024;

/// The bytes that are handed over together, as far as there are more revisions than one.
pub(super) const HANDED_BYTES: usize = 1024 * 1024;

/// The revisions that were told and are not believed yet.
pub(super) const TALE_REVISIONS: usize = 4_096;

/// The chains of one replica that are kept.
pub(super) const MAX_CHAINS: usize = 4_096;

/// So many revisions a replica's chain is asked for at once; where more is missing, the chain at one revision does.
pub(super) const NEAR: u64 = 256;

/// How long a replica has to answer at once.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a replica has to answer if it may wait ten seconds for something to happen.
pub(super) const PARKED_TIMEOUT: Duration = Duration::from_secs(20);

/// The pause after an answer that told nothing new: it keeps a replica that answers too soon from keeping anybody busy.
pub(super) const IDLE_PAUSE: Duration = Duration::from_millis(5);

/// The pause after a first answer that was none. It doubles with each.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long a teller may owe all that others are known to have, before another is asked. It doubles each time that was too short, so that any honest
/// replica has time enough in the end, and halves again in a minute.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The longest patience; and in so long it halves.
pub(super) const LONGEST_PATIENCE: Duration = Duration::from_secs(60);
