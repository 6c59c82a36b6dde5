//! A link that is much slower than its neighbours.

use std::time::Duration;

use super::Route;

const SLOWER_BY: Duration = Duration::from_millis(120);

pub(super) fn befall(route: &mut Route) {
    // Which links are slow does not change within a run, nor between runs: one in five.
    if (route.from * 7 + route.to * 13) % 5 == 2 {
        for copy in &mut route.copies {
            *copy += SLOWER_BY;
        }
    }
}
