//! QUIC between replicas and from clients: identities, streams, limits.
//!
//! ```text
//!   replica A                                             replica B
//!   Peers ── dials, two one-way streams: votes, bulk ───▶ Peers            "tetrarch-peer/1", both prove their keys
//!   Peers ◀── two one-way streams, dialled by B ───────── Peers
//!
//!   client                                                replica
//!   Connector ── dials, one two-way stream ─────────────▶ ClientListener   "tetrarch-client/1", the replica proves its key
//! ```
//!
//! 1. **A connection is a key.** TLS 1.3 with raw Ed25519 public keys (RFC 7250): whoever dials pins one key, a replica lets
//!    in other members only, and which replica a message came from is what TLS proved, never what the message says.
//! 2. **Nothing waits for a peer.** Sending puts a frame into a bounded queue, which forgets its oldest frames when it is full: the
//!    protocol sends again what still matters. A peer that is slow, gone or hostile costs its own queue and nothing else.
//! 3. **Votes do not wait for bulk.** They have a stream of their own with a higher priority, a share of the flow-control
//!    windows that bulk cannot take, and a task and a channel of their own at the other end (rule B-4).
//! 4. **Everything is bounded before it is allocated**: frames by their lane, streams, windows, connections, handshakes in
//!    progress, requests in flight, responses that are not taken. A frame that is not exactly this protocol ends its connection, and so
//!    does one that was begun and does not go on.
//! 5. **A frame is** a length of four bytes, little-endian, and that many bytes: a message in the canonical encoding; or, with
//!    clients, a number of eight bytes, little-endian, chosen by the client, and a request or its response. A lane's stream
//!    begins with one byte, `v` or `b`.
//!
//! What is deliberately absent: signatures of messages (the verifier's work), retransmission (the protocol's), and any memory
//! across restarts. A restarted replica still tells its peers and clients at once that their old connections are gone: its
//! stateless reset key derives from its identity.

mod backoff;
mod close;
mod connector;
mod error;
mod frame;
mod listener;
mod lock;
mod peers;
mod quic;
mod reader;
mod socket;
mod tasks;
mod tls;
mod way;

pub use connector::{Connector, ConnectorConfig};
pub use error::{RequestError, TransportError};
pub use listener::{ClientLimits, ClientListener, Incoming, ListenerConfig, ListenerCounters, Responder};
pub use peers::{Inbound, PeerConfig, PeerCounters, PeerEndpoint, Peers, Received};
