//! How much of what happens is written down.

use tetrarch_replica::{Effect, Event};
use tetrarch_types::Payload;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// Every effect.
    All,
    /// Every effect but the rounds of STATUS, and the pooling of requests.
    Effects,
    /// What replicas observe, but for pooled requests and ignored messages.
    Events,
    Nothing,
}

impl Show {
    pub(super) fn of(word: &str) -> Self {
        match word {
            "all" => Self::All,
            "effects" => Self::Effects,
            "events" => Self::Events,
            "nothing" => Self::Nothing,
            _ => panic!("show what? {word}"),
        }
    }

    pub(super) const fn shows(self, effect: &Effect) -> bool {
        let is_chatter =
            matches!(effect, Effect::Observe(Event::Pooled { .. }) | Effect::Send { payload: Payload::Status(_), .. });
        let is_event = match effect {
            Effect::Observe(event) => !matches!(event, Event::Ignored { .. }),
            Effect::Refuse { .. } => true,
            _ => false,
        };
        match self {
            Self::All => true,
            Self::Effects => !is_chatter,
            Self::Events => is_event && !is_chatter,
            Self::Nothing => false,
        }
    }
}
