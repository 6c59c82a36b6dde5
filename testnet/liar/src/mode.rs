//! The ways in which a replica of a testnet can be corrupted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tetrarch_adversary::Lie;
use tetrarch_crypto::NoEntropy;

/// A way in which a replica is corrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// As primary, different batches for one number to different replicas; as backup, two votes for one number.
    Equivocate,
    /// Hears everything and says nothing, to replicas and clients; only how it is, it tells whoever asks.
    Silent,
    /// Numbers, digests, results slightly or entirely wrong, some signed and some not.
    WrongDigest,
    /// Old messages, its own and others', again and again.
    Replay,
    /// Says everything just before the others lose patience.
    Slow,
    /// Takes no notice of half of the clients.
    Censor,
    /// Lies to replicas that recover.
    LieState,
    /// Many messages that look as if they mattered.
    Flood,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Equivocate,
        Self::Silent,
        Self::WrongDigest,
        Self::Replay,
        Self::Slow,
        Self::Censor,
        Self::LieState,
        Self::Flood,
    ];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equivocate => "equivocate",
            Self::Silent => "silent",
            Self::WrongDigest => "wrong-digest",
            Self::Replay => "replay",
            Self::Slow => "slow",
            Self::Censor => "censor",
            Self::LieState => "lie-state",
            Self::Flood => "flood",
        }
    }

    /// What the adversary tells in this mode. The other modes are habits without chance, so that what they cost can be measured.
    pub(crate) const fn lies(self) -> &'static [Lie] {
        match self {
            Self::Equivocate => &[Lie::Equivocate, Lie::DoubleVote],
            Self::WrongDigest => &[Lie::Mutate, Lie::DoubleVote, Lie::WrongReply],
            Self::Replay => &[Lie::Replay],
            Self::LieState => &[Lie::LieState],
            Self::Silent | Self::Slow | Self::Censor | Self::Flood => &[],
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Not the name of a mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no way to corrupt a replica; there are {all}", all = Mode::ALL.map(Mode::name).join(", "))]
pub struct NoMode(String);

impl FromStr for Mode {
    type Err = NoMode;

    fn from_str(text: &str) -> Result<Self, NoMode> {
        Self::ALL.into_iter().find(|mode| mode.name() == text).ok_or_else(|| NoMode(text.to_owned()))
    }
}

/// How a replica is corrupted, and the seed that draws what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corruption {
    /// In which way.
    pub mode: Mode,
    /// What chance draws from.
    pub seed: u64,
}

impl Corruption {
    /// With a seed that nobody chose: 32 bits, so that it can be typed again.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn draw(mode: Mode) -> Result<Self, NoEntropy> {
        let mut seed = [0; 4];
        getrandom::fill(&mut seed)?;
        Ok(Self { mode, seed: u32::from_le_bytes(seed).into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_they_are_written() {
        for mode in Mode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{mode}\""));
        }
        let error = "liar".parse::<Mode>().unwrap_err().to_string();
        assert!(error.contains("\"liar\"") && error.contains("wrong-digest, replay"), "{error}");
    }
}
