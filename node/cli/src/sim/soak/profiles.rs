//! One profile, or all of them in turn.

use std::str::FromStr;

use tetrarch_simulator::{NoProfile, Profile, Seed};

/// Which kinds of trouble seeds draw from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profiles {
    /// Each seed another one.
    All,
    /// The same for all seeds.
    One(Profile),
}

impl Profiles {
    /// That of a seed: a seed has the same one in every soak.
    pub(super) fn of(self, seed: Seed) -> Profile {
        match self {
            Self::All => Profile::ALL[(seed.get() % Profile::ALL.len() as u64) as usize],
            Self::One(profile) => profile,
        }
    }
}

/// Neither `all` nor a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoProfiles(NoProfile);

impl std::error::Error for NoProfiles {}

impl std::fmt::Display for NoProfiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, and all for each of them in turn", self.0)
    }
}

impl FromStr for Profiles {
    type Err = NoProfiles;

    fn from_str(text: &str) -> Result<Self, NoProfiles> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::One).map_err(NoProfiles) }
    }
}
