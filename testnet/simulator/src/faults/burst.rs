//! A message that waits until the next full tick of a slow clock, and arrives together with all others that did.

use std::time::Duration;

use super::Route;

const TICK_MICROS: u64 = 50_000;

pub(super) fn befall(route: &mut Route) {
    for copy in &mut route.copies {
        let arrival = route.departs.after(*copy).as_micros();
        *copy += Duration::from_micros(arrival.next_multiple_of(TICK_MICROS) - arrival);
    }
}
