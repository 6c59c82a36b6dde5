//! The whole run on one line: how much was said when, what went wrong, and which part is shown.

use tetrarch_simulator::recording::{Entry, Mark, What};
use tetrarch_types::Time;

use super::canvas::{Canvas, Point};
use crate::sim::chart::scene::Scene;
use crate::sim::chart::window::{millis, passages};

/// The room that it takes.
pub(super) const HEIGHT: f64 = 62.0;
const STRIP: f64 = 34.0;
const BINS: usize = 240;

pub(super) fn draw(canvas: &mut Canvas, scene: &Scene<'_>, (left, top): Point, width: f64) {
    let report = scene.report;
    let whole = (report.simulated.as_micros() as f64).max(1.0);
    let x = |at: Time| left + width * (at.as_micros() as f64 / whole).min(1.0);
    canvas.rect("strip", (left, top), (left + width, top + STRIP));
    for (bin, share) in density(scene, whole).into_iter().enumerate() {
        let from = left + width * bin as f64 / BINS as f64;
        let height = share * (STRIP - 12.0);
        if height > 0.0 {
            canvas.rect("dense", (from, top + STRIP - height), (from + width / BINS as f64 - 0.5, top + STRIP));
        }
    }
    for entry in &report.trace {
        let Some(class) = tick(entry) else { continue };
        canvas.line(class, (x(entry.at), top), (x(entry.at), top + 9.0));
    }
    if let Some(healed) = scene.history.healed {
        canvas.line("healed", (x(healed), top), (x(healed), top + STRIP));
        canvas.words("good end", (x(healed) - 4.0, top + STRIP + 14.0), "faults end");
    }
    if let Some(failure) = &report.failure {
        canvas.line("failed", (x(failure.at), top), (x(failure.at), top + STRIP));
    }
    let (from, to) = (x(scene.window.from), x(scene.window.to));
    canvas.rect("shown", (from, top - 3.0), (to.max(from + 3.0), top + STRIP + 3.0));
    canvas.words("dim", (left, top + STRIP + 14.0), "0 ms");
    let end = format!("{:.0} ms", millis(Time::ZERO.after(report.simulated)));
    canvas.words("dim end", (left + width, top + STRIP + 14.0), &end);
}

/// How much is said in each part of the run, where the busiest has 1.
fn density(scene: &Scene<'_>, whole: f64) -> Vec<f64> {
    let mut counts = vec![0_u32; BINS];
    for passage in passages(scene.report) {
        let bin = (passage.left.as_micros() as f64 / whole * BINS as f64) as usize;
        if let Some(count) = counts.get_mut(bin.min(BINS - 1)) {
            *count += 1;
        }
    }
    let most = f64::from(counts.iter().copied().max().unwrap_or(0).max(1));
    counts.into_iter().map(|count| f64::from(count) / most).collect()
}

/// Faults, and views that are entered.
const fn tick(entry: &Entry) -> Option<&'static str> {
    match &entry.what {
        What::Cut(_) | What::Mark { mark: Mark::Fault(_), .. } => Some("tick-fault"),
        What::Mark { mark: Mark::Entered(_), .. } => Some("tick-view"),
        _ => None,
    }
}
