//! Codes and texts, beside etcd's.

use super::*;

/// etcd's, as its `rpctypes` has them.
const ETCD: &[(KvError, Code, &str)] = &[
    (KvError::KeyNotProvided, Code::InvalidArgument, "etcdserver: key is not provided"),
    (KvError::KeyNotFound, Code::InvalidArgument, "etcdserver: key not found"),
    (KvError::ValueProvided, Code::InvalidArgument, "etcdserver: value is provided"),
    (KvError::LeaseProvided, Code::InvalidArgument, "etcdserver: lease is provided"),
    (KvError::DuplicateKey, Code::InvalidArgument, "etcdserver: duplicate key given in txn request"),
    (KvError::TooManyOperations, Code::InvalidArgument, "etcdserver: too many operations in txn request"),
    (KvError::RequestTooLarge, Code::InvalidArgument, "etcdserver: request is too large"),
    (KvError::ValueTooLarge, Code::InvalidArgument, "etcdserver: request is too large"),
    (KvError::Compacted, Code::OutOfRange, "etcdserver: mvcc: required revision has been compacted"),
    (KvError::FutureRevision, Code::OutOfRange, "etcdserver: mvcc: required revision is a future revision"),
    (KvError::LeaseTtlTooLarge, Code::OutOfRange, "etcdserver: too large lease TTL"),
    (KvError::LeaseNotFound, Code::NotFound, "etcdserver: requested lease not found"),
    (KvError::LeaseExists, Code::FailedPrecondition, "etcdserver: lease already exists"),
    (KvError::Crowded, Code::ResourceExhausted, "etcdserver: too many requests"),
];

#[test]
fn etcds_errors_have_etcds_codes_and_texts() {
    for (error, code, text) in ETCD {
        let status = Status::from(Refusal::from(*error));
        assert_eq!((status.code(), status.message()), (*code, *text), "{error:?}");
    }
}

#[test]
fn errors_of_our_own_say_what_to_do_and_are_no_text_of_etcds() {
    let own = [
        (KvError::Malformed, Code::InvalidArgument),
        (KvError::KeyTooLong, Code::InvalidArgument),
        (KvError::TooManyRequests, Code::ResourceExhausted),
        (KvError::LeaseFull, Code::ResourceExhausted),
        (KvError::TooMuch, Code::ResourceExhausted),
        (KvError::AnswerTooLarge, Code::ResourceExhausted),
    ];
    for (error, code) in own {
        let status = Status::from(Refusal::from(error));
        assert_eq!((status.code(), status.message()), (code, format!("etcdserver: {error}").as_str()));
        assert!(ETCD.iter().all(|(_, _, text)| *text != status.message()), "{error:?}");
    }
}

#[test]
fn snapshots_that_cannot_be_made_say_what_to_do() {
    let told = |refusal| {
        let status = Status::from(refusal);
        assert_eq!(status.code(), Code::ResourceExhausted);
        status.message().to_owned()
    };
    let outrun = Status::from(Refusal::SnapshotOutrun);
    assert!(outrun.code() == Code::Aborted && outrun.message().contains("ask again"));
    assert!(told(Refusal::SnapshotTooLarge).contains(" 4194304 keys, 8192 MiB and 100000 leases"));
    assert!(told(Refusal::SnapshotUnderWay).contains("ask again"));
    assert!(told(Refusal::Spool("no space left".into())).ends_with("no space left"));
}

#[test]
fn a_leader_that_does_not_move_says_why() {
    let told = |refusal| {
        let status = Status::from(refusal);
        (status.code(), status.message().to_owned())
    };
    let etcds = "etcdserver: request timed out, leader transfer took too long";
    assert_eq!(told(Refusal::MoveTookTooLong), (Code::Unknown, etcds.to_owned()));
    let etcds = "etcdserver: bad leader transferee";
    assert_eq!(told(Refusal::BadTransferee), (Code::FailedPrecondition, etcds.to_owned()));
    let (code, text) = told(Refusal::NotNext { name: "replica-2".to_owned(), id: 0xab });
    assert!(code == Code::FailedPrecondition && text.contains("replica-2 (ab)"), "{text}");
    let (code, text) = told(Refusal::MovedRecently { seconds: 7 });
    assert!(code == Code::ResourceExhausted && text.ends_with("in 7 seconds"), "{text}");
}

#[test]
fn a_cluster_that_does_not_answer_is_told_in_etcds_words() {
    let table = [
        (BackendError::Unavailable("one of four".into()), Code::Unavailable, "etcdserver: unhealthy cluster"),
        (BackendError::TimedOut, Code::Unavailable, "etcdserver: request timed out"),
        (BackendError::Disagree, Code::Unavailable, "etcdserver: request timed out"),
        (BackendError::Busy, Code::ResourceExhausted, "etcdserver: too many requests"),
    ];
    for (error, code, text) in table {
        let status = Status::from(Refusal::from(error));
        assert_eq!((status.code(), status.message()), (code, text));
    }
}
