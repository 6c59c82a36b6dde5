//! A message that never arrives.

use super::Route;

pub(super) fn befall(route: &mut Route) {
    route.copies.clear();
}
