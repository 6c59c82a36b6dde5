//! How often what happened.

use std::collections::BTreeMap;

/// How often each fault and each lie happened.
pub type Counters = BTreeMap<&'static str, u64>;
