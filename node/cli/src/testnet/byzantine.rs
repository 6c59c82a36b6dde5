//! `testnet up --byzantine K=MODE`: replicas that lie as soon as the cluster serves.

use std::collections::BTreeSet;
use std::fmt;

use tetrarch_launcher::{Mode, Testnet};

use super::corrupt;
use super::start::TRIED;
use crate::failure::{Class, Failure};
use crate::output::Output;

/// A replica that is to lie, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Byzantine {
    replica: u16,
    mode: Mode,
}

/// Reads K=MODE.
///
/// # Errors
/// What it has to look like.
pub(super) fn parse(text: &str) -> Result<Byzantine, String> {
    let parts = text.split_once('=');
    let parsed = parts.and_then(|(replica, mode)| Some((replica.parse().ok()?, mode.parse().ok()?)));
    parsed.map(|(replica, mode)| Byzantine { replica, mode }).ok_or_else(|| {
        let modes = Mode::ALL.map(Mode::name).join(", ");
        format!("it is K=MODE, for example 3=equivocate: K is a replica's id, and MODE one of {modes}")
    })
}

impl fmt::Display for Byzantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.replica, self.mode)
    }
}

/// That each of them is one of n replicas, and named once.
pub(super) fn check(n: u16, liars: &[Byzantine]) -> Result<(), Failure> {
    let refused = |happened| Err(Failure::new(Class::Usage, TRIED, happened, "name each liar once, by its id"));
    if let Some(Byzantine { replica, .. }) = liars.iter().find(|liar| liar.replica >= n) {
        return refused(format!("there is no replica {replica}: they are 0 to {}", n - 1));
    }
    let named: BTreeSet<u16> = liars.iter().map(|liar| liar.replica).collect();
    if named.len() < liars.len() {
        return refused("--byzantine names a replica twice".to_owned());
    }
    Ok(())
}

/// A testnet that runs already is not asked for anything: there is another command for that.
pub(super) fn check_running(liars: &[Byzantine]) -> Result<(), Failure> {
    let Some(Byzantine { replica, mode }) = liars.first() else { return Ok(()) };
    let advice = format!("use `tetrarch testnet corrupt {replica} --mode {mode}`");
    Err(Failure::new(Class::Usage, TRIED, "it runs already, so nobody is made a liar at its start", advice))
}

/// Makes them lie, with seeds that are drawn and printed.
pub(super) async fn begin(testnet: &Testnet, liars: &[Byzantine], output: &Output) -> Result<(), Failure> {
    for Byzantine { replica, mode } in liars.iter().copied() {
        let corruption = corrupt::order(testnet, replica, mode, None, TRIED).await?;
        output.note(&corrupt::told(replica, corruption));
    }
    corrupt::warn(testnet, output).await;
    Ok(())
}
