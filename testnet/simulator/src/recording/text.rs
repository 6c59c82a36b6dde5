//! Entries as lines.

use std::fmt;

use super::{Cut, Entry, Fate, Party, Passage, What};

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>10.3} ms  ", self.at.as_micros() as f64 / 1_000.0)?;
        match &self.what {
            What::Message(passage) => passage.fmt(f),
            What::Mark { text, .. } => f.write_str(text),
            What::Cut(cut) => cut.fmt(f),
            What::Healed => f.write_str("faults end"),
            What::Failed(failure) => write!(f, "the oracle {:?} says: {}", failure.oracle, failure.what),
        }
    }
}

impl fmt::Display for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, label, .. } = self;
        let arrow = if matches!(self.fate, Fate::Arrived(_)) { "→" } else { "⇥" };
        let fate = match self.fate {
            Fate::Arrived(_) => "",
            Fate::UnderWay(_) => "still under way: ",
            Fate::Lost => "lost: ",
            Fate::Cut => "cut off: ",
            Fate::Withheld => "withheld: ",
        };
        let lie = if self.is_lie { " (a lie)" } else { "" };
        write!(f, "{from} {arrow} {to}  {fate}{}{lie}", label.text)
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(client) => write!(f, "client {client}"),
            Self::Node(node) => node.fmt(f),
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: nothing passes for {:?} on", self.fault, self.lasting)?;
        self.links.iter().try_for_each(|(from, to)| write!(f, " {from}→{to}"))
    }
}
