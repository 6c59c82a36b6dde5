//! Whatever can go wrong in a run, by the name that it is counted and left out under.

use std::fmt;
use std::str::FromStr;

use crate::adversary::Lie;
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
}

/// Not a trouble's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fault and no lie; there are {names}, liar-K for all that replica K lies, twin-K for its running twice", names = names())]
pub struct NoTrouble(String);

const LIAR: &str = "liar-";
const TWIN: &str = "twin-";

impl Trouble {
    /// All of them but those of single replicas.
    pub fn all() -> impl Iterator<Item = Self> {
        let messages = MessageTrouble::ALL.into_iter().map(Self::Message);
        messages.chain(NodeTrouble::ALL.into_iter().map(Self::Node)).chain(Lie::ALL.iter().copied().map(Self::Lie))
    }

    /// What a run drew, liars one by one behind the lies.
    pub fn of(drawn: &Drawn) -> Vec<Self> {
        let messages = drawn.message_troubles.iter().map(|(trouble, _)| Self::Message(*trouble));
        let nodes = drawn.node_troubles.iter().map(|(trouble, _)| Self::Node(*trouble));
        let mut lies: Vec<Lie> = drawn.liars.iter().flat_map(|(_, lies)| lies).copied().collect();
        lies.sort_unstable();
        lies.dedup();
        let liars = drawn.liars.iter().map(|(liar, _)| Self::Liar(*liar));
        messages
            .chain(nodes)
            .chain(lies.into_iter().map(Self::Lie))
            .chain(liars)
            .chain(drawn.twins.iter().copied().map(Self::Twin))
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
        }
    }
}

impl FromStr for Trouble {
    type Err = NoTrouble;

    fn from_str(text: &str) -> Result<Self, NoTrouble> {
        let named = || Self::all().find(|trouble| trouble.to_string() == text);
        let numbered = |prefix| text.strip_prefix(prefix).and_then(|number| number.parse().ok());
        let one = numbered(LIAR).map(Self::Liar).or_else(|| numbered(TWIN).map(Self::Twin));
        one.or_else(named).ok_or_else(|| NoTrouble(text.to_owned()))
    }
}

fn names() -> String {
    Trouble::all().map(|trouble| trouble.to_string()).collect::<Vec<_>>().join(", ")
}
