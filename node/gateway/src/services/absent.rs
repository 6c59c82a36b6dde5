//! What is not there, and why.

use tonic::Status;

/// Services and methods that are not answered; the first that a path begins with counts.
const REASONS: &[(&str, &str)] = &[
    ("/etcdserverpb.Auth/", "a gateway acts for one application, with one key: there are no users or roles in it"),
    ("/etcdserverpb.Cluster/", "the replicas of a Tetrarch cluster are not changed by clients"),
    ("/etcdserverpb.Maintenance/Downgrade", "there is no older version of etcd behind the gateway to go back to"),
    ("/grpc.health.v1.Health/Watch", "health is checked, not watched"),
    ("/grpc.reflection.", "the gateway speaks etcd's API, version 3.5, and does not describe it"),
];

/// Says why a method is not answered.
pub(super) fn refusal(path: &str) -> Status {
    let known = REASONS.iter().find(|(start, _)| path.starts_with(start));
    because(known.map_or("etcd 3.5 has no such method, or none that a gateway answers", |(_, reason)| reason))
}

/// Refuses a part of a method that is answered otherwise.
pub(super) fn because(reason: &str) -> Status {
    Status::unimplemented(format!("tetrarch: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_absent_has_a_sentence() {
        for path in ["/v3lockpb.Lock/Wait", "/etcdserverpb.Auth/UserAdd", "/etcdserverpb.Cluster/MemberAdd", "/x/y"] {
            let status = refusal(path);
            assert_eq!(status.code(), tonic::Code::Unimplemented);
            assert!(status.message().starts_with("tetrarch: "), "{path}: {}", status.message());
        }
        assert_ne!(refusal("/etcdserverpb.Auth/AuthEnable").message(), refusal("/x/y").message());
    }
}
