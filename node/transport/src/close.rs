//! The codes with which a connection is closed, and how an ending reads in a sentence.

use quinn::{Connection, ConnectionError, TransportErrorCode, VarInt};

/// Why one side closed a connection. The numbers are part of the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseCode {
    /// The process stops, or the client is done.
    Goodbye = 0,
    /// The same replica connected again.
    Replaced = 1,
    /// What came over the connection is not this protocol.
    Malformed = 2,
    /// Closed for the former reason a moment ago.
    TooSoon = 3,
    /// The responses are not taken, or a request is begun and not ended.
    Slow = 4,
    /// The client did not open its stream.
    Silent = 5,
    /// The identity at the other end is not one to talk to.
    Identity = 6,
}

impl CloseCode {
    /// The code on the wire.
    pub(crate) const fn code(self) -> VarInt {
        VarInt::from_u32(self as u32)
    }

    /// Closes a connection for this reason.
    pub(crate) fn close(self, connection: &Connection, reason: &str) {
        connection.close(self.code(), reason.as_bytes());
    }
}

/// How a connection ended, for errors and logs.
pub(crate) fn describe(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            format!("the other side closed the connection: {}", String::from_utf8_lossy(&close.reason))
        }
        ConnectionError::ConnectionClosed(close) if close.error_code == TransportErrorCode::CONNECTION_REFUSED => {
            "it refused the connection, because too many are open or it shuts down".to_owned()
        }
        ConnectionError::TimedOut => "it no longer answers".to_owned(),
        ConnectionError::Reset => "it restarted".to_owned(),
        ConnectionError::LocallyClosed => "the connection was closed on this side".to_owned(),
        other => other.to_string(),
    }
}
