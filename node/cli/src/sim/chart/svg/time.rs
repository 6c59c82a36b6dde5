//! The times on the left, and the silences that are cut short.

use super::canvas::Canvas;
use super::plan::{LEFT, Plan};
use crate::sim::chart::window::millis;

/// Between two times that are written.
const APART: f64 = 26.0;
/// Where the numbers end.
const NUMBERS: f64 = LEFT + 66.0;

pub(super) fn draw(canvas: &mut Canvas, plan: &Plan) {
    let mut last = plan.top - APART;
    for (at, y) in &plan.moments {
        if y - last >= APART {
            canvas.line("grid", (NUMBERS + 6.0, *y), (plan.width - LEFT, *y));
            canvas.words("dim end mono", (NUMBERS, y + 3.5), &format!("{:.3}", millis(*at)));
            last = *y;
        }
    }
    canvas.words("dim end", (NUMBERS, plan.top - 14.0), "ms");
    for pair in plan.moments.windows(2) {
        let [(before, above), (after, below)] = pair else { continue };
        if plan.is_cut_short(*before, *after) && below - above > APART * 1.6 {
            let middle = (above + below) / 2.0;
            canvas.line("gap", (LEFT, middle), (plan.width - LEFT, middle));
            let silence = millis(*after) - millis(*before);
            canvas.words("dim halo end", (NUMBERS, middle + 3.5), &format!("… {silence:.1} ms …"));
        }
    }
}
