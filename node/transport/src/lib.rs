//! QUIC between replicas and from clients: identities, streams, limits.
