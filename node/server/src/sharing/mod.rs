//! What all clients share, and how no host takes it from the others (rule B-6).
//!
//! - A host may take as many places as it leaves free ([`Taken`](tetrarch_types::Taken), [`Shares`]): alone it gets half of them, and whoever comes finds some, however
//!   many others took theirs.
//! - Hosts take turns ([`Turns`], [`Line`]): who has one thing waiting does not wait behind the thousand of somebody else.
//!
//! Hosts, since connections and keys cost nothing.

mod line;
mod shares;
mod turns;

pub(crate) use line::{Line, Permit};
pub(crate) use shares::{Share, Shares};
pub(crate) use turns::Turns;

/// One of several hosts.
#[cfg(test)]
pub(crate) fn host(number: u8) -> tetrarch_types::Host {
    tetrarch_types::Host::from(std::net::IpAddr::from([10, 0, 0, number]))
}
