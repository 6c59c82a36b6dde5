//! What can go wrong, in sentences that say what to do about it.

use std::{io, net::SocketAddr};

use tetrarch_types::ReplicaId;

/// Why an endpoint did not start.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Another socket has the port.
    #[error(
        "UDP port {port} of {address} is already in use; stop the process that has it, or listen on another port",
        port = .address.port()
    )]
    AddressInUse {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The address is none of this machine's, is privileged, or cannot be bound for another reason.
    #[error(
        "cannot listen on UDP {address}: {reason}; choose an address of this machine and a port that this user may open"
    )]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        reason: io::Error,
    },
    /// The configured id is not in the membership.
    #[error(
        "replica {id} is not a member: the membership has replicas 0 to {last}; check the id",
        last = .members.saturating_sub(1)
    )]
    NotAMember {
        /// The configured id.
        id: ReplicaId,
        /// How many members there are.
        members: usize,
    },
    /// The signing key is not the one the membership gives this id.
    #[error(
        "the signing key is not the one that the genesis file names for replica {id}; check the id and the key file"
    )]
    WrongKey {
        /// The configured id.
        id: ReplicaId,
    },
    /// There must be one address for each member.
    #[error("{addresses} peer addresses for {members} members; give one for each replica, in the order of their ids")]
    WrongPeers {
        /// How many addresses were given.
        addresses: usize,
        /// How many members there are.
        members: usize,
    },
    /// The TLS library refused the key or the configuration.
    #[error("TLS cannot be set up: {0}; this is a defect of the program or of its libraries, please report it")]
    Tls(String),
    /// Called outside of a tokio runtime.
    #[error("there is no tokio runtime here; start the transport from within one")]
    NoRuntime,
}

/// Why a request has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No connection came about in time. The request was not sent.
    #[error("replica {replica} at {address} cannot be reached: {reason}; check that it runs and that UDP passes")]
    Unreachable {
        /// Which replica.
        replica: ReplicaId,
        /// Where it should be.
        address: SocketAddr,
        /// What the last attempt ended with.
        reason: String,
    },
    /// The connection ended before the response came. The request may have arrived; it can be sent again, because a transaction is
    /// executed once however often it is sent.
    #[error("replica {replica} at {address} went away before it answered: {reason}; send the request again")]
    Closed {
        /// Which replica.
        replica: ReplicaId,
        /// Where it was.
        address: SocketAddr,
        /// How the connection ended.
        reason: String,
    },
    /// The replica sent something that is no response of this protocol.
    #[error("replica {replica} at {address} does not speak this protocol: {reason}; check its version")]
    Malformed {
        /// Which replica.
        replica: ReplicaId,
        /// Where it is.
        address: SocketAddr,
        /// What was wrong.
        reason: String,
    },
    /// The request is larger than a replica accepts. It was not sent.
    #[error("the request has {actual} bytes, more than the limit of {limit}; make it smaller")]
    TooLarge {
        /// Its bytes.
        actual: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// The connector was given no replica with this id.
    #[error("there is no replica {replica} among the {known} configured ones; check the genesis file")]
    UnknownReplica {
        /// The id asked for.
        replica: ReplicaId,
        /// How many replicas the connector knows.
        known: usize,
    },
    /// [`Connector::close`](crate::Connector::close) was called.
    #[error("the connector is closed; make a new one")]
    ConnectorClosed,
}
