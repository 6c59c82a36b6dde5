//! A picture of a run.

use std::fmt::Display;

use plotters::coord::Shift;
use plotters::prelude::{
    BLACK, ChartBuilder, DrawingArea, IntoDrawingArea, IntoLogRange, LineSeries, RGBColor, SVGBackend, Text, WHITE,
};

use crate::measured::Measured;

const SIZE: (u32, u32) = (960, 720);
const LINE: RGBColor = RGBColor(0x1f, 0x5f, 0xa8);
const FAULT: RGBColor = RGBColor(0xb0, 0x2a, 0x30);
const FONT: (&str, i32) = ("sans-serif", 14);

/// Nothing takes less than this, in milliseconds: an axis has to begin somewhere.
const LEAST_MS: f64 = 0.01;

/// A picture cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the plot cannot be drawn: {0}")]
pub struct PlotError(String);

impl PlotError {
    fn of(error: impl Display) -> Self {
        Self(error.to_string())
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// An SVG of two charts: how much was answered over time, with what was done to the cluster then (seconds from the start, and a word for it), and for
/// each share of the operations how long they took at most.
///
/// # Errors
/// [`PlotError`] with the reason.
pub fn plot(measured: &Measured, title: &str, faults: &[(f64, String)]) -> Result<String, PlotError> {
    let mut svg = String::new();
    {
        let whole = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        whole.fill(&WHITE).map_err(PlotError::of)?;
        let (top, bottom) = whole.split_vertically(SIZE.1 / 2);
        course(&top, measured, title, faults)?;
        distribution(&bottom, measured)?;
        whole.present().map_err(PlotError::of)?;
    }
    Ok(svg)
}

fn course(area: &Area<'_>, measured: &Measured, title: &str, faults: &[(f64, String)]) -> Result<(), PlotError> {
    let step = Measured::STEP.as_secs_f64();
    let rates: Vec<(f64, f64)> =
        (0..).zip(&measured.answered).map(|(at, count)| (f64::from(at) * step, *count as f64 / step)).collect();
    let end = rates.last().map_or(step, |(at, _)| at + step);
    let highest = rates.iter().map(|(_, rate)| *rate).fold(1.0, f64::max) * 1.1;
    let mut chart = ChartBuilder::on(area)
        .caption(title, FONT)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..end, 0.0..highest)
        .map_err(PlotError::of)?;
    chart
        .configure_mesh()
        .x_desc("seconds")
        .y_desc("operations a second")
        .y_label_formatter(&|rate| format!("{rate:.0}"))
        .max_light_lines(1)
        .label_style(FONT)
        .draw()
        .map_err(PlotError::of)?;
    chart.draw_series(LineSeries::new(rates, &LINE)).map_err(PlotError::of)?;
    for (at, word) in faults {
        chart.draw_series(LineSeries::new([(*at, 0.0), (*at, highest)], &FAULT)).map_err(PlotError::of)?;
        let label = Text::new(word.clone(), (*at, highest * 0.97), FONT);
        chart.draw_series([label]).map_err(PlotError::of)?;
    }
    Ok(())
}

/// The share is drawn so that each nine takes as much room as the one before it.
fn distribution(area: &Area<'_>, measured: &Measured) -> Result<(), PlotError> {
    let points: Vec<(f64, f64)> = measured
        .distribution
        .iter()
        .filter(|(share, _)| *share < 1.0)
        .map(|(share, latency)| (nines(*share), latency.max(LEAST_MS)))
        .collect();
    let last = points.last().map_or(1.0, |(nines, _)| nines.max(1.0));
    let lowest = points.first().map_or(LEAST_MS, |(_, latency)| latency * 0.8);
    let highest = points.last().map_or(1.0, |(_, latency)| latency * 1.25);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(72)
        .build_cartesian_2d(0.0..last, (lowest..highest).log_scale())
        .map_err(PlotError::of)?;
    chart
        .configure_mesh()
        .x_desc("share of the operations")
        .y_desc("milliseconds")
        .x_label_formatter(&share)
        .max_light_lines(1)
        .label_style(FONT)
        .draw()
        .map_err(PlotError::of)?;
    chart.draw_series(LineSeries::new(points, &BLACK)).map_err(PlotError::of)?;
    Ok(())
}

fn nines(share: f64) -> f64 {
    -(1.0 - share).log10()
}

/// `nines` as a share in per cent.
fn share(nines: &f64) -> String {
    let per_cent = 100.0 * (1.0 - 10.0_f64.powf(-nines));
    let digits = if *nines > 2.0 { (*nines).ceil() as usize - 2 } else { 0 };
    format!("{per_cent:.digits$} %")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::recording::Recording;

    fn measured(answers: u64) -> Measured {
        let (from, span) = (Instant::now(), Duration::from_secs(2));
        let recording = Recording::new(from, span);
        for at in 0..answers {
            let now = from + Duration::from_millis(at * 2);
            recording.answered(now - Duration::from_micros(100 + at * at), now, 1, Ok(()));
        }
        Measured::of(recording.finish(), span)
    }

    #[test]
    fn it_is_a_picture_with_both_charts() {
        let svg = plot(&measured(900), "put <256>", &[(1.0, "kill-primary".to_owned())]).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let text: String = document.descendants().filter_map(|node| node.text()).collect();
        for word in ["operations a second", "milliseconds", "put <256>", "kill-primary", "99 %"] {
            assert!(text.contains(word), "{word} in {text}");
        }
        let lines = document.descendants().filter(|node| node.has_tag_name("polyline"));
        assert!(lines.filter(|line| line.attribute("points").unwrap().len() > 100).count() >= 2);
    }

    #[test]
    fn a_run_without_an_answer_has_one_too() {
        assert!(plot(&measured(0), "nothing", &[]).is_ok());
        assert!(plot(&measured(1), "one", &[]).is_ok());
    }

    #[test]
    fn shares_are_written_with_as_many_nines_as_they_have() {
        for (nines, written) in [(0.0, "0 %"), (1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (4.0, "99.99 %")] {
            assert_eq!(share(&nines), written);
        }
    }
}
