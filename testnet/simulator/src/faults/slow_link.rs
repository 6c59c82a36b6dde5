//! A link that is much slower than its neighbours: in each run, one in five.

use std::time::Duration;

use super::Route;

const SLOWER_BY: Duration = Duration::from_millis(120);

pub(super) fn befall(route: &mut Route) {
    if route.is_slow {
        for copy in &mut route.copies {
            *copy += SLOWER_BY;
        }
    }
}
