//! An arrow for each copy of a message, and its words where it leaves.

use std::collections::BTreeMap;

use tetrarch_simulator::recording::{Fate, Passage};

use super::canvas::{Canvas, Point};
use super::plan::{LINE, Plan};
use super::style::class;
use crate::sim::chart::scene::Scene;
use crate::sim::chart::speech::Utterance;
use crate::sim::chart::window::millis;

/// How far a message gets that is lost, that is cut off, that is not said at all, or whose other end is out of the picture.
const LOST_AFTER: f64 = 0.55;
const CUT_AFTER: f64 = 0.3;
const WITHHELD_AFTER: f64 = 0.12;
const STUB: f64 = 0.22;

pub(super) fn draw(canvas: &mut Canvas, scene: &Scene<'_>, plan: &Plan) {
    for utterance in &scene.utterances {
        for passage in &utterance.passages {
            message(canvas, scene, plan, passage);
        }
    }
}

fn message(canvas: &mut Canvas, scene: &Scene<'_>, plan: &Plan, passage: &Passage) {
    let (Some(from), Some(to)) = (plan.x(passage.from), plan.x(passage.to)) else { return };
    let lie = if passage.is_lie { " lie" } else { "" };
    canvas.group(&format!("message {}{lie}", class(passage.label.kind)), &title(passage), |canvas| {
        let start = (from, plan.y(passage.left));
        // What does not arrive descends the more, the farther it was to go: so that several do not lie upon each other.
        let part = |share: f64| (from + (to - from) * share, start.1 + (to - from).abs() * share * 0.09 + 3.0);
        match passage.fate {
            Fate::Arrived(at) if !scene.window.has(passage.left) => {
                let end = (to, plan.y(at));
                way(canvas, "way stub", (end.0 + (from - to) * STUB, end.1 - 12.0), end);
                head(canvas, (from, end.1 - 12.0 / STUB), end);
            }
            Fate::Arrived(at) if scene.window.has(at) => {
                let end = (to, plan.y(at));
                way(canvas, "way", start, end);
                if scene.history.is_down(passage.to, at) {
                    cross(canvas, "nobody", before(start, end))
                } else {
                    head(canvas, start, end)
                }
            }
            Fate::Arrived(_) | Fate::UnderWay(_) => way(canvas, "way stub", start, part(STUB)),
            Fate::Lost => {
                way(canvas, "way", start, part(LOST_AFTER));
                cross(canvas, "end-of-it", part(LOST_AFTER));
            }
            Fate::Cut => {
                way(canvas, "way", start, part(CUT_AFTER));
                bar(canvas, start, part(CUT_AFTER));
            }
            Fate::Withheld => {
                way(canvas, "way stub", start, part(WITHHELD_AFTER));
                canvas.circle("way", part(WITHHELD_AFTER), 2.5);
            }
        }
    });
}

/// A thin line, and an invisible thick one that is easier to point at.
fn way(canvas: &mut Canvas, class: &str, from: Point, to: Point) {
    canvas.line("touch", from, to);
    canvas.line(class, from, to);
}

fn head(canvas: &mut Canvas, from: Point, to: Point) {
    let (x, y) = unit(from, to);
    let (back, side) = (7.0, 2.8);
    let tip = (to.0 - x * 1.5, to.1 - y * 1.5);
    let foot = (tip.0 - x * back, tip.1 - y * back);
    canvas.polygon("head", &[tip, (foot.0 - y * side, foot.1 + x * side), (foot.0 + y * side, foot.1 - x * side)]);
}

pub(super) fn cross(canvas: &mut Canvas, class: &str, (x, y): Point) {
    let arm = 3.6;
    canvas.line(class, (x - arm, y - arm), (x + arm, y + arm));
    canvas.line(class, (x - arm, y + arm), (x + arm, y - arm));
}

/// Across the way at its end.
fn bar(canvas: &mut Canvas, from: Point, to: Point) {
    let (x, y) = unit(from, to);
    let arm = 5.0;
    canvas.line("end-of-it", (to.0 - y * arm, to.1 + x * arm), (to.0 + y * arm, to.1 - x * arm));
}

/// Short of the end, where it can be seen beside the bar of a node that is down.
fn before(from: Point, to: Point) -> Point {
    let (x, y) = unit(from, to);
    (to.0 - x * 10.0, to.1 - y * 10.0)
}

/// The direction, of length 1.
fn unit(from: Point, to: Point) -> Point {
    let (x, y) = (to.0 - from.0, to.1 - from.1);
    let length = x.hypot(y).max(0.001);
    (x / length, y / length)
}

fn title(passage: &Passage) -> String {
    let Passage { from, to, left, fate, .. } = passage;
    let left = millis(*left);
    let fate = match fate {
        Fate::Arrived(at) => format!("arrives at {:.3} ms, after {:.3} ms", millis(*at), millis(*at) - left),
        Fate::UnderWay(at) => format!("would arrive at {:.3} ms, after the end", millis(*at)),
        Fate::Lost => "is lost".to_owned(),
        Fate::Cut => "is cut off".to_owned(),
        Fate::Withheld => "is withheld by a liar".to_owned(),
    };
    let lie = if passage.is_lie { "\na lie" } else { "" };
    format!(
        "{} from {from} to {to}\nleaves at {left:.3} ms, {fate}{lie}\n{}",
        passage.label.brief(),
        passage.label.text
    )
}

/// Above everything else, so that no arrow crosses them out.
pub(super) fn draw_words(canvas: &mut Canvas, scene: &Scene<'_>, plan: &Plan) {
    let mut lines = BTreeMap::new();
    for utterance in &scene.utterances {
        if !scene.window.has(utterance.left) || !utterance.is_labelled() {
            continue;
        }
        let line: &mut usize = lines.entry((utterance.left, utterance.from)).or_default();
        words(canvas, plan, utterance, *line as f64 * LINE);
        *line += 1;
    }
}

fn words(canvas: &mut Canvas, plan: &Plan, utterance: &Utterance<'_>, above: f64) {
    let Some((x, y)) = plan.point(utterance.from, utterance.left) else { return };
    canvas.words(&format!("said halo {}", class(utterance.kind)), (x + 6.0, y - 2.5 - above), &utterance.words());
}
