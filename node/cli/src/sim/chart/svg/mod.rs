//! A sequence chart as plain SVG: life lines downwards, one a client and replica, and an arrow for each message.
//!
//! ```text
//!   plan: where lanes stand, and which moment is how far down ──▶ header, overview, lanes, arrows, marks ──▶ canvas
//! ```
//!
//! Time is not to scale: moments at which much happens get room, and long silences are cut short and say how long they are.

mod arrows;
mod canvas;
mod header;
mod lanes;
mod legend;
mod marks;
mod overview;
mod plan;
mod style;
mod time;

use self::canvas::Canvas;
use self::plan::Plan;
use super::scene::Scene;

/// The whole picture.
pub(super) fn draw(scene: &Scene<'_>) -> String {
    let header = header::Header::of(scene);
    let plan = Plan::new(scene, header.height());
    let mut canvas = Canvas::new(plan.width, plan.height, style::CSS);
    canvas.describe(&header.title, &header.replay);
    time::draw(&mut canvas, &plan);
    lanes::draw(&mut canvas, scene, &plan);
    marks::draw_moments(&mut canvas, scene, &plan);
    arrows::draw(&mut canvas, scene, &plan);
    marks::draw(&mut canvas, scene, &plan);
    arrows::draw_words(&mut canvas, scene, &plan);
    lanes::draw_names(&mut canvas, scene, &plan);
    header.draw(&mut canvas, scene, &plan);
    canvas.finish()
}
