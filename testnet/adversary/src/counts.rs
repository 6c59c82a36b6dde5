//! How often what was told.

use std::collections::BTreeMap;

/// How often each lie was told, and each of its forms, by their names.
pub type Counts = BTreeMap<&'static str, u64>;
