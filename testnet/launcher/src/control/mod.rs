//! How a supervisor is told what to do: one JSON object a line over `control.sock`, each answered by one line.

mod client;
pub(crate) mod socket;

pub use client::send;
