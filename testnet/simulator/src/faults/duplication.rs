//! A message that arrives more than once, the later copies perhaps much later.

use std::time::Duration;

use super::Route;
use crate::rng::Rng;

pub(super) fn befall(route: &mut Route, rng: &mut Rng) {
    let Some(first) = route.copies.first().copied() else { return };
    for _ in 0..rng.between(1, 3) {
        let behind = rng.one_of([1, 20, 500]);
        route.copies.push(first + rng.span(Duration::ZERO, Duration::from_millis(behind)));
    }
}
