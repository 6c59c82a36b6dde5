//! What happens at a life line, and what happens to all: the end of the faults, and the failure.

use std::collections::BTreeMap;

use tetrarch_simulator::recording::Mark;

use super::canvas::{Canvas, Point};
use super::header::wrapped;
use super::plan::{LEFT, LINE, Plan};
use crate::sim::chart::scene::Scene;
use crate::sim::chart::speech::Remark;
use crate::sim::chart::window::millis;

/// Lines of a complaint that are shown; all of it is in the picture's own words.
const MOST_LINES: usize = 6;
/// Letters in one of them.
const LETTERS: usize = 175;

pub(super) fn draw(canvas: &mut Canvas, scene: &Scene<'_>, plan: &Plan) {
    let mut lines = BTreeMap::new();
    for remark in &scene.remarks {
        let Some((x, y)) = plan.point(remark.party, remark.at) else { continue };
        let line: &mut usize = lines.entry((remark.at, remark.party)).or_default();
        draw_remark(canvas, remark, (x, y - *line as f64 * LINE));
        *line += 1;
    }
}

fn draw_remark(canvas: &mut Canvas, remark: &Remark<'_>, (x, y): Point) {
    let class = class(remark.mark);
    let title = format!("{:.3} ms: {}", millis(remark.at), remark.text);
    canvas.group("remark", &title, |canvas| {
        symbol(canvas, remark.mark, class, (x, y));
        canvas.words(&format!("{class} halo end"), (x - 8.0, y + 3.5), &remark.words().unwrap_or_default());
    });
}

const fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Executed(_) => "executed",
        Mark::LeftFor(_) => "left",
        Mark::Entered(_) => "entered",
        Mark::Stable(_) => "stable",
        Mark::Fault(_) => "fault",
        Mark::Told(_) => "told",
        Mark::Noted(_) | Mark::Up | Mark::Down | Mark::Paused { .. } | Mark::Saw => "noted",
    }
}

/// Shapes that differ, not only colours.
pub(super) fn symbol(canvas: &mut Canvas, mark: Mark, class: &str, (x, y): Point) {
    match mark {
        Mark::Executed(_) => canvas.rect(class, (x - 3.5, y - 3.5), (x + 3.5, y + 3.5)),
        Mark::LeftFor(_) => canvas.polygon(class, &[(x - 4.5, y - 3.5), (x + 4.5, y - 3.5), (x, y + 4.5)]),
        Mark::Entered(_) => canvas.circle(class, (x, y), 4.5),
        Mark::Stable(_) => canvas.rect(class, (x - 6.0, y - 1.8), (x + 6.0, y + 1.8)),
        Mark::Fault(_) => canvas.polygon(class, &bolt((x, y))),
        Mark::Told(_) => canvas.polygon(class, &[(x - 4.5, y), (x, y - 4.5), (x + 4.5, y), (x, y + 4.5)]),
        Mark::Noted(_) | Mark::Up | Mark::Down | Mark::Paused { .. } | Mark::Saw => canvas.circle(class, (x, y), 2.5),
    }
}

fn bolt((x, y): Point) -> [Point; 6] {
    let corners = [(1.0, -7.0), (-4.5, 1.0), (-0.5, 1.0), (-1.0, 7.0), (4.5, -1.5), (0.5, -1.5)];
    corners.map(|(right, down)| (x + right, y + down))
}

/// What happens to all, below the arrows.
pub(super) fn draw_moments(canvas: &mut Canvas, scene: &Scene<'_>, plan: &Plan) {
    if let Some(healed) = scene.history.healed.filter(|at| scene.window.has(*at)) {
        let y = plan.y(healed);
        canvas.line("healed", (LEFT, y), (plan.width - LEFT, y));
        canvas.words("good halo end", (plan.width - LEFT, y - 4.0), "all faults end");
    }
    let Some(failure) = scene.report.failure.as_ref().filter(|failure| scene.window.has(failure.at)) else { return };
    let y = plan.y(failure.at).min(plan.bottom - 6.0);
    canvas.line("failed", (LEFT, y), (plan.width - LEFT, y));
    canvas.words("bad halo end", (plan.width - LEFT, y - 5.0), &format!("{} fails", failure.oracle));
    let below = plan.bottom + 56.0;
    canvas.group("complaint", &failure.what, |canvas| {
        let lines = wrapped(&failure.what, LETTERS, MOST_LINES);
        let height = 26.0 + lines.len() as f64 * 14.0;
        canvas.rect("failure", (LEFT, below), (plan.width - LEFT, below + height));
        let head = format!("the oracle \u{201c}{}\u{201d} at {:.3} ms", failure.oracle, millis(failure.at));
        canvas.words("bad", (LEFT + 10.0, below + 17.0), &head);
        for (nth, line) in lines.iter().enumerate() {
            canvas.words("", (LEFT + 10.0, below + 33.0 + nth as f64 * 14.0), line);
        }
    });
}

/// The room that the complaint needs below the life lines.
pub(super) fn failure_height(scene: &Scene<'_>) -> f64 {
    let failure = scene.report.failure.as_ref().filter(|failure| scene.window.has(failure.at));
    let lines = failure.map_or(0, |failure| wrapped(&failure.what, LETTERS, MOST_LINES).len());
    if lines == 0 { 0.0 } else { 40.0 + lines as f64 * 14.0 }
}
