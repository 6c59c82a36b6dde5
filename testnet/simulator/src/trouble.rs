//! Whatever can go wrong in a run, by the name that it is counted and left out under.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::adversary::Lie;
use crate::client::Mischief;
use crate::draw::Drawn;
use crate::faults::{MessageTrouble, NodeTrouble};

/// Something that can be drawn, and left out of what was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Something that happens to messages.
    Message(MessageTrouble),
    /// Something that happens to nodes and links.
    Node(NodeTrouble),
    /// A way of lying, of all liars.
    Lie(Lie),
    /// All that one replica lies: `liar-3`.
    Liar(usize),
    /// That one replica runs twice: `twin-3`.
    Twin(usize),
    /// A kind of mischief, of all hostile clients.
    Mischief(Mischief),
    /// All that one hostile client does: `hostile-1`.
    Hostile(usize),
}

/// Not a trouble's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fault, no lie and no mischief; there are {names}, liar-K for all that replica K lies, twin-K for its running twice, hostile-K for all that a client does", names = names())]
pub struct NoTrouble(String);

const LIAR: &str = "liar-";
const TWIN: &str = "twin-";
const HOSTILE: &str = "hostile-";

impl Trouble {
    /// All of them but those of single replicas and clients.
    pub fn all() -> impl Iterator<Item = Self> {
        let messages = MessageTrouble::ALL.into_iter().map(Self::Message);
        let nodes = NodeTrouble::ALL.into_iter().map(Self::Node);
        let lies = Lie::ALL.iter().copied().map(Self::Lie);
        messages.chain(nodes).chain(lies).chain(Mischief::ALL.into_iter().map(Self::Mischief))
    }

    /// What a run drew, liars one by one behind the lies, hostile clients behind their mischief.
    pub fn of(drawn: &Drawn) -> Vec<Self> {
        let messages = drawn.message_troubles.iter().map(|(trouble, _)| Self::Message(*trouble));
        let nodes = drawn.node_troubles.iter().map(|(trouble, _)| Self::Node(*trouble));
        let lies: BTreeSet<Lie> = drawn.liars.iter().flat_map(|(_, lies)| lies).copied().collect();
        let liars = drawn.liars.iter().map(|(liar, _)| Self::Liar(*liar));
        let mischief: BTreeSet<Mischief> = drawn.hostile.iter().flat_map(|(_, kinds)| kinds).copied().collect();
        let hostile = drawn.hostile.iter().map(|(client, _)| Self::Hostile(*client));
        let of_replicas = messages.chain(nodes).chain(lies.into_iter().map(Self::Lie)).chain(liars);
        of_replicas
            .chain(drawn.twins.iter().copied().map(Self::Twin))
            .chain(mischief.into_iter().map(Self::Mischief))
            .chain(hostile)
            .collect()
    }

    /// Takes it out of what was drawn. Who has no lies left is honest, and watched like the others.
    pub(crate) fn strike_out(self, drawn: &mut Drawn) {
        match self {
            Self::Message(it) => drawn.message_troubles.retain(|(trouble, _)| *trouble != it),
            Self::Node(it) => drawn.node_troubles.retain(|(trouble, _)| *trouble != it),
            Self::Lie(it) => {
                drawn.liars.iter_mut().for_each(|(_, lies)| lies.retain(|lie| *lie != it));
                drawn.liars.retain(|(_, lies)| !lies.is_empty());
            }
            Self::Liar(it) => drawn.liars.retain(|(liar, _)| *liar != it),
            Self::Twin(it) => drawn.twins.retain(|twin| *twin != it),
            Self::Mischief(it) => {
                drawn.hostile.iter_mut().for_each(|(_, kinds)| kinds.retain(|kind| *kind != it));
                drawn.hostile.retain(|(_, kinds)| !kinds.is_empty());
            }
            Self::Hostile(it) => drawn.hostile.retain(|(client, _)| *client != it),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(trouble) => f.write_str(trouble.name()),
            Self::Node(trouble) => f.write_str(trouble.name()),
            Self::Lie(lie) => f.write_str(lie.name()),
            Self::Liar(liar) => write!(f, "{LIAR}{liar}"),
            Self::Twin(twin) => write!(f, "{TWIN}{twin}"),
            Self::Mischief(kind) => f.write_str(kind.name()),
            Self::Hostile(client) => write!(f, "{HOSTILE}{client}"),
        }
    }
}

impl FromStr for Trouble {
    type Err = NoTrouble;

    fn from_str(text: &str) -> Result<Self, NoTrouble> {
        let named = || Self::all().find(|trouble| trouble.to_string() == text);
        let numbered = |prefix| text.strip_prefix(prefix).and_then(|number| number.parse().ok());
        let replica = numbered(LIAR).map(Self::Liar).or_else(|| numbered(TWIN).map(Self::Twin));
        let one = replica.or_else(|| numbered(HOSTILE).map(Self::Hostile));
        one.or_else(named).ok_or_else(|| NoTrouble(text.to_owned()))
    }
}

fn names() -> String {
    Trouble::all().map(|trouble| trouble.to_string()).collect::<Vec<_>>().join(", ")
}
