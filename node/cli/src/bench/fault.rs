//! What is done to the testnet while it is measured.

use std::fmt;
use std::time::{Duration, Instant};

use serde::{Serialize, Serializer};
use tetrarch_launcher::{Command, LaunchError, Observer, Testnet, TestnetStatus, Whom, send};
use tokio::sync::oneshot;
use tokio::time::sleep_until;

use super::TRIED;
use crate::cluster::ClusterArguments;
use crate::duration;
use crate::failure::{Class, Failure};

/// How long the supervisor may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Something that is done to one replica, so long after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    verb: Verb,
    whom: Place,
    pub(super) at: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Kill,
    Pause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Primary,
    /// The one that would be primary last.
    Backup,
}

const VERBS: [(&str, Verb); 2] = [("kill", Verb::Kill), ("pause", Verb::Pause)];
const WHO: [(&str, Place); 2] = [("primary", Place::Primary), ("backup", Place::Backup)];

/// Reads one, as in `kill-primary@10s`.
pub(super) fn parse(text: &str) -> Result<Fault, String> {
    let unknown =
        || format!("{text:?} is no fault; write kill or pause, -primary or -backup, and when, as in kill-primary@10s");
    let (what, at) = text.split_once('@').ok_or_else(unknown)?;
    let (verb, whom) = what.split_once('-').ok_or_else(unknown)?;
    let verb = VERBS.iter().find(|(name, _)| *name == verb).ok_or_else(unknown)?.1;
    let whom = WHO.iter().find(|(name, _)| *name == whom).ok_or_else(unknown)?.1;
    Ok(Fault { verb, whom, at: duration::parse(at)? })
}

impl Fault {
    fn word(self) -> String {
        let verb = VERBS.iter().find(|(_, verb)| *verb == self.verb).map_or("", |(name, _)| name);
        let whom = WHO.iter().find(|(_, whom)| *whom == self.whom).map_or("", |(name, _)| name);
        format!("{verb}-{whom}")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}ms", self.word(), self.at.as_millis())
    }
}

/// What was done.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Done {
    /// What, to whom by its place.
    pub(super) fault: String,
    /// To whom.
    pub(super) replica: u16,
    /// When, in seconds from the start.
    #[serde(serialize_with = "seconds")]
    pub(super) at_s: Duration,
    #[serde(skip)]
    verb: Verb,
}

fn seconds<S: Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(at.as_secs_f64())
}

/// What is to be done, and what it takes to do it.
pub(super) struct Faults {
    due: Vec<Fault>,
    place: Option<(Testnet, Observer)>,
}

impl Faults {
    /// Looks for the testnet, if anything is to be done to one.
    pub(super) fn new(due: &[Fault], cluster: &ClusterArguments) -> Result<Self, Failure> {
        let mut due = due.to_vec();
        due.sort_by_key(|fault| fault.at);
        if due.is_empty() {
            return Ok(Self { due, place: None });
        }
        if cluster.place.genesis.is_some() {
            let happened = "only a testnet can be broken, and it is named by its directory";
            return Err(Failure::usage(TRIED, happened, "leave --fault or --genesis out"));
        }
        let testnet = Testnet::open(&cluster.place.dir)
            .map_err(|error| Failure::sentence(Class::Usage, TRIED, &error.to_string()))?;
        let observer = Observer::new(&testnet, cluster.timeout)
            .map_err(|error| Failure::sentence(Class::Failed, TRIED, &error.to_string()))?;
        Ok(Self { due, place: Some((testnet, observer)) })
    }

    /// Does it all, each when it is due after `begun`, and mends it when the load has had its time.
    pub(super) async fn carry_out(
        self,
        begun: oneshot::Receiver<Instant>,
        span: Duration,
    ) -> Result<Vec<Done>, Failure> {
        let (Some((testnet, observer)), Ok(from)) = (self.place, begun.await) else { return Ok(Vec::new()) };
        let mut done = Vec::new();
        for fault in self.due {
            sleep_until((from + fault.at).into()).await;
            let replica = whom(&observer, fault.whom).await?;
            let command = match fault.verb {
                Verb::Kill => Command::Kill { whom: Whom::Replica(replica) },
                Verb::Pause => Command::Pause { whom: Whom::Replica(replica) },
            };
            let at_s = from.elapsed();
            tell(&testnet, command).await?;
            done.push(Done { fault: fault.word(), replica, at_s, verb: fault.verb });
        }
        sleep_until((from + span).into()).await;
        for Done { replica, verb, .. } in &done {
            let mend = match verb {
                Verb::Kill => Command::Start { whom: Whom::Replica(*replica) },
                Verb::Pause => Command::Resume { whom: Whom::Replica(*replica) },
            };
            tell(&testnet, mend).await?;
        }
        observer.close().await;
        Ok(done)
    }
}

async fn tell(testnet: &Testnet, command: Command) -> Result<(), Failure> {
    let failed = |error: LaunchError| Failure::sentence(Class::Failed, "cannot break the testnet", &error.to_string());
    send(testnet.layout(), &command, PATIENCE).await.map(drop).map_err(failed)
}

/// The primary of the view that f + 1 say they have reached, or the replica before it in turn.
async fn whom(observer: &Observer, whom: Place) -> Result<u16, Failure> {
    let TestnetStatus { primary, replicas, .. } = observer.look().await;
    let primary = primary.ok_or_else(|| {
        let next = "`tetrarch testnet status` says how the replicas are";
        Failure::new(Class::Unreachable, TRIED, "too few replicas say who is primary", next)
    })?;
    let size = replicas.len() as u16;
    Ok(match whom {
        Place::Primary => primary,
        Place::Backup => (primary + size - 1) % size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_a_verb_a_place_and_an_instant() {
        let fault = parse("kill-primary@10s").unwrap();
        assert_eq!((fault.word().as_str(), fault.at), ("kill-primary", Duration::from_secs(10)));
        assert_eq!(parse("pause-backup@500ms").unwrap().to_string(), "pause-backup@500ms");
        for text in ["", "kill", "kill-primary", "kill-primary@", "kill-primary@10", "eat-primary@1s", "kill-all@1s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
