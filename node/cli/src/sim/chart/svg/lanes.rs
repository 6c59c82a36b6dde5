//! Life lines with their names, and what lies on them: when a node was down or stood still. Beside them, which links were cut.

use tetrarch_simulator::recording::Party;
use tetrarch_types::Time;

use super::canvas::Canvas;
use super::plan::{CUTS, LINE, Plan};
use super::style::width;
use crate::sim::chart::history::{Severed, Span};
use crate::sim::chart::scene::{Lane, Scene};
use crate::sim::chart::window::millis;

/// How often a life line says whose it is.
const NAMED_EVERY: f64 = 620.0;
/// Cuts that stand beside each other.
const COLUMNS: usize = 4;

pub(super) fn draw(canvas: &mut Canvas, scene: &Scene<'_>, plan: &Plan) {
    for lane in &scene.lanes {
        let Some(x) = plan.x(lane.party) else { continue };
        canvas.line(&format!("lane{}", class(lane)), (x, plan.top), (x, plan.bottom));
    }
    let spans = scene.history.spans.iter().filter(|span| is_shown(scene, span.from, span.to));
    spans.for_each(|span| idle(canvas, plan, span));
    cuts(canvas, scene, plan);
}

/// At both ends of each life line, and in between for those who have scrolled down.
pub(super) fn draw_names(canvas: &mut Canvas, scene: &Scene<'_>, plan: &Plan) {
    for lane in &scene.lanes {
        let Some(x) = plan.x(lane.party) else { continue };
        name(canvas, lane, (x, plan.top - 34.0));
        name(canvas, lane, (x, plan.bottom + 28.0));
        let mut y = plan.top + NAMED_EVERY;
        while y < plan.bottom - NAMED_EVERY / 4.0 {
            canvas.words("dim halo middle", (x, y), &lane.name);
            y += NAMED_EVERY;
        }
    }
}

fn class(lane: &Lane) -> &'static str {
    match lane.party {
        Party::Client(_) => " client",
        Party::Node(_) if !lane.lies.is_empty() => " liar",
        Party::Node(_) => "",
    }
}

fn name(canvas: &mut Canvas, lane: &Lane, (x, y): (f64, f64)) {
    let (class, lies) = (class(lane), lane.lies.join(", "));
    let half = (width(&lane.name) / 2.0 + 16.0).max(36.0);
    canvas.rect(&format!("box{class}"), (x - half, y - 13.0), (x + half, y + 7.0));
    canvas.words(&format!("name middle{class}"), (x, y + 1.5), &lane.name);
    if !lies.is_empty() {
        let what = if matches!(lane.party, Party::Client(_)) { "does" } else { "liar" };
        canvas.words("lies halo middle", (x, y + 19.0), &format!("{what}: {lies}"));
    }
}

fn is_shown(scene: &Scene<'_>, from: Time, to: Time) -> bool {
    from <= scene.window.to && scene.window.from <= to
}

fn idle(canvas: &mut Canvas, plan: &Plan, span: &Span) {
    let Some(x) = plan.x(Party::Node(span.node)) else { return };
    let (class, what) = if span.is_down { ("down", "is down") } else { ("still", "stands still") };
    let (from, to) = (millis(span.from), millis(span.to));
    let title = format!("replica {} {what} from {from:.3} ms to {to:.3} ms ({:.3} ms)", span.node, to - from);
    let (above, below) = (plan.y(span.from), plan.y(span.to));
    canvas.group("idle", &title, |canvas| {
        canvas.rect(class, (x - 3.0, above), (x + 3.0, below.max(above + 2.0)));
    });
}

/// Bars beside each other, as many as there is room for; the others share the last place.
fn cuts(canvas: &mut Canvas, scene: &Scene<'_>, plan: &Plan) {
    let shown = scene.history.cuts.iter().filter(|cut| is_shown(scene, cut.from, cut.to));
    let (mut columns, mut named) = ([f64::MIN; COLUMNS], f64::MIN);
    for severed in shown {
        let (above, below) = (plan.y(severed.from), plan.y(severed.to));
        let column = columns.iter().position(|end| *end <= above).unwrap_or(COLUMNS - 1);
        if let Some(end) = columns.get_mut(column) {
            *end = end.max(below + 1.0);
        }
        let x = CUTS + column as f64 * 6.0;
        canvas.group("cuts", &title(severed), |canvas| {
            canvas.rect("cut", (x, above), (x + 4.0, below.max(above + 2.0)));
            if scene.window.has(severed.from) && above >= named + LINE {
                canvas.words("fault halo", (CUTS + COLUMNS as f64 * 6.0 + 3.0, above + 8.0), severed.cut.fault);
                named = above;
            }
        });
    }
}

fn title(severed: &Severed<'_>) -> String {
    let links = severed.cut.links.iter().map(|(from, to)| format!("{from}→{to}")).collect::<Vec<_>>().join(" ");
    let (from, to) = (millis(severed.from), millis(severed.to));
    format!("{}: nothing passes from {from:.3} ms to {to:.3} ms on {links}", severed.cut.fault)
}
