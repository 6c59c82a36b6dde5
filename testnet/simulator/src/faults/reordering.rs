//! A message that others overtake.

use std::time::Duration;

use super::Route;
use crate::rng::Rng;

pub(super) fn befall(route: &mut Route, rng: &mut Rng) {
    for copy in &mut route.copies {
        *copy += rng.span(Duration::from_millis(1), Duration::from_millis(80));
    }
}
