//! Refusals in etcd's words. Clients tell errors by their text, so a text here is etcd's to the letter wherever etcd has one.

use tetrarch_kv::KvError;
use tetrarch_kv_client::BackendError;
use tonic::{Code, Status};

use crate::limits::SNAPSHOT_BOUNDS;
use crate::snapshot::Bounds;

/// What etcd's servers put before every text.
const PREFIX: &str = "etcdserver: ";

const TOO_MANY_REQUESTS: &str = "too many requests";

const SNAPSHOT_UNDER_WAY: &str = "a snapshot is under way: ask again when it has ended";

const MOVE_TOOK_TOO_LONG: &str = "request timed out, leader transfer took too long";

const FROM_BROWSER: &str =
    "pages in a browser are not answered: ask from a program of your own, without the header Origin";

const MESSAGE_LATE: &str = "the request did not come within ten seconds: send it whole";

const RANGE_OUTRUN: &str = "the store compacted the revision of the range while it was read, each time: ask again";

const SNAPSHOT_UNREAD: &str =
    "the snapshot was not read in time, and others wait for theirs: ask again, and read 64 KiB a second";

const SNAPSHOT_OUTRUN: &str = "the store compacted the snapshot's revision while it was read: ask again";

/// Why a call has no response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The store refuses it.
    Store(KvError),
    /// The cluster does not answer.
    Backend(BackendError),
    /// It requires a leader, and the cluster has shown none for long.
    NoLeader,
    /// Its message did not come in time.
    MessageLate,
    /// It asks for a user's token, and there are no users.
    AuthNotEnabled,
    /// It asks for a way of sorting that there is not.
    InvalidSort,
    /// It asks for a compare that there is not.
    InvalidCompare,
    /// The store gave up the revision that a range was read at before all of it was read, as often as it was begun.
    RangeOutrun,
    /// It asks for a snapshot while another is made.
    SnapshotUnderWay,
    /// The store gave up the revision that a snapshot was of before all of it was read.
    SnapshotOutrun,
    /// It read its snapshot so slowly that nobody else could ever have one.
    SnapshotUnread,
    /// There is more in the store than a snapshot holds.
    SnapshotTooLarge,
    /// A page in a browser asks.
    FromBrowser,
    /// A snapshot cannot be put into a file of this machine.
    Spool(String),
    /// It asks for a leader that is no member.
    BadTransferee,
    /// It asks for a leader whose turn is not the next one.
    NotNext {
        /// Whose turn it is.
        name: String,
        /// Its id.
        id: u64,
    },
    /// It asks the primary to give way too soon.
    MovedRecently {
        /// How long it is until then.
        seconds: u64,
    },
    /// The primary was asked to give way, and the next one did not follow in time, or another did.
    MoveTookTooLong,
}

impl From<KvError> for Refusal {
    fn from(error: KvError) -> Self {
        Self::Store(error)
    }
}

impl From<BackendError> for Refusal {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let (code, text) = match refusal {
            Refusal::Store(error) => store(error),
            Refusal::Backend(error) => backend(&error),
            Refusal::NoLeader => (Code::Unavailable, "no leader".to_owned()),
            Refusal::MessageLate => (Code::DeadlineExceeded, MESSAGE_LATE.to_owned()),
            Refusal::AuthNotEnabled => (Code::FailedPrecondition, "authentication is not enabled".to_owned()),
            Refusal::InvalidSort => (Code::InvalidArgument, "invalid sort option".to_owned()),
            Refusal::InvalidCompare => (Code::InvalidArgument, "invalid compare".to_owned()),
            Refusal::RangeOutrun => (Code::Unavailable, RANGE_OUTRUN.to_owned()),
            Refusal::SnapshotUnderWay => (Code::ResourceExhausted, SNAPSHOT_UNDER_WAY.to_owned()),
            Refusal::SnapshotOutrun => (Code::Aborted, SNAPSHOT_OUTRUN.to_owned()),
            Refusal::SnapshotUnread => (Code::DeadlineExceeded, SNAPSHOT_UNREAD.to_owned()),
            Refusal::SnapshotTooLarge => (Code::ResourceExhausted, snapshot_too_large()),
            Refusal::FromBrowser => (Code::PermissionDenied, FROM_BROWSER.to_owned()),
            Refusal::Spool(why) => (Code::ResourceExhausted, format!("the gateway has no file for a snapshot: {why}")),
            Refusal::BadTransferee => (Code::FailedPrecondition, "bad leader transferee".to_owned()),
            Refusal::NotNext { name, id } => (Code::FailedPrecondition, not_next(&name, id)),
            Refusal::MovedRecently { seconds } => (Code::ResourceExhausted, moved_recently(seconds)),
            // etcd has no code for it either.
            Refusal::MoveTookTooLong => (Code::Unknown, MOVE_TOOK_TOO_LONG.to_owned()),
        };
        Self::new(code, format!("{PREFIX}{text}"))
    }
}

fn store(error: KvError) -> (Code, String) {
    let code = match error {
        KvError::Malformed
        | KvError::RequestTooLarge
        | KvError::KeyNotProvided
        | KvError::KeyTooLong
        | KvError::ValueTooLarge
        | KvError::KeyNotFound
        | KvError::ValueProvided
        | KvError::LeaseProvided
        | KvError::DuplicateKey
        | KvError::TooManyOperations => Code::InvalidArgument,
        KvError::Compacted | KvError::FutureRevision | KvError::LeaseTtlTooLarge => Code::OutOfRange,
        KvError::LeaseNotFound => Code::NotFound,
        KvError::LeaseExists => Code::FailedPrecondition,
        KvError::TooManyRequests
        | KvError::LeaseFull
        | KvError::TooMuch
        | KvError::AnswerTooLarge
        | KvError::Crowded
        | KvError::MovedRecently { .. } => Code::ResourceExhausted,
    };
    let said = match error {
        // etcd has one bound for a request, and so one text for whatever is too large in it.
        KvError::ValueTooLarge => KvError::RequestTooLarge.to_string(),
        KvError::Crowded => TOO_MANY_REQUESTS.to_owned(),
        error => error.to_string(),
    };
    (code, said)
}

fn backend(error: &BackendError) -> (Code, String) {
    match error {
        BackendError::Unavailable(_) => (Code::Unavailable, "unhealthy cluster".to_owned()),
        BackendError::TimedOut | BackendError::Disagree => (Code::Unavailable, "request timed out".to_owned()),
        BackendError::Busy => (Code::ResourceExhausted, TOO_MANY_REQUESTS.to_owned()),
        BackendError::Refused(_) => (Code::FailedPrecondition, error.to_string()),
        BackendError::Unreadable(_) => (Code::Internal, error.to_string()),
    }
}

fn not_next(name: &str, id: u64) -> String {
    format!(
        "replicas lead in turn, so that nobody can choose who does: the next is {name} ({id:x}), and no other can follow"
    )
}

fn moved_recently(seconds: u64) -> String {
    format!("the primary was asked to give way less than a minute ago: ask again in {seconds} seconds")
}

fn snapshot_too_large() -> String {
    let Bounds { records, bytes, leases } = SNAPSHOT_BOUNDS;
    let mebibytes = bytes / (1024 * 1024);
    format!("a snapshot holds {records} keys, {mebibytes} MiB and {leases} leases: read what is more range by range")
}

#[cfg(test)]
mod tests;
