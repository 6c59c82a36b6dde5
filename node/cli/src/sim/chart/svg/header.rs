//! What the chart is of: the seed, what it drew, the line that replays it, what came of it.

use super::canvas::Canvas;
use super::legend;
use super::overview;
use super::plan::{LEFT, Plan};
use crate::sim::chart::scene::Scene;
use crate::sim::chart::window::millis;

/// Letters in a line of small type: what the narrowest picture has room for.
const LETTERS: usize = 175;
const MOST_LINES: usize = 8;
const TITLE: f64 = 34.0;
const SMALL: f64 = 13.0;

/// What is written above the picture.
pub(super) struct Header {
    pub(super) title: String,
    pub(super) replay: String,
    part: String,
    drawn: Vec<String>,
}

impl Header {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        let report = scene.report;
        let all = millis(tetrarch_types::Time::ZERO.after(report.simulated));
        let (from, to, messages) = (millis(scene.window.from), millis(scene.window.to), scene.messages());
        let left_out = if scene.left_out > 0 { format!(", {} more left out", scene.left_out) } else { String::new() };
        let part =
            format!("{from:.3} ms to {to:.3} ms of {all:.3} ms, {messages} messages{left_out}; time is not to scale");
        let drawn =
            report.drawn.to_string().lines().filter(|line| !line.ends_with("[]")).collect::<Vec<_>>().join(" · ");
        let drawn = wrapped(&drawn, LETTERS, MOST_LINES);
        let title = format!("Seed {}, {}", report.seed, report.drawn.profile);
        Self { title, replay: scene.replay.clone(), part, drawn }
    }

    /// How much room all of it takes.
    pub(super) fn height(&self) -> f64 {
        self.overview() + overview::HEIGHT + 16.0
    }

    fn overview(&self) -> f64 {
        self.legend() + legend::HEIGHT
    }

    fn legend(&self) -> f64 {
        TITLE + 40.0 + self.drawn.len() as f64 * SMALL + 18.0
    }

    pub(super) fn draw(&self, canvas: &mut Canvas, scene: &Scene<'_>, plan: &Plan) {
        canvas.words("title", (LEFT, TITLE), &self.title);
        let beside = LEFT + self.title.chars().count() as f64 * 11.5 + 24.0;
        match &scene.report.failure {
            Some(failure) => canvas.words("title bad", (beside, TITLE), &format!("{} fails", failure.oracle)),
            None => canvas.words("title good", (beside, TITLE), "every oracle is content"),
        }
        canvas.words("mono", (LEFT, TITLE + 20.0), &self.replay);
        canvas.words("dim", (LEFT, TITLE + 35.0), &self.part);
        for (nth, line) in self.drawn.iter().enumerate() {
            canvas.words("dim", (LEFT, TITLE + 52.0 + nth as f64 * SMALL), line);
        }
        legend::draw(canvas, self.legend());
        overview::draw(canvas, scene, (LEFT, self.overview()), plan.width - 2.0 * LEFT);
    }
}

/// A text in lines of at most so many letters, broken between words where it can be, and ended with … where it is too long.
pub(super) fn wrapped(text: &str, letters: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        while !rest.is_empty() {
            let next: String = rest.drain(..rest.len().min(letters)).collect();
            let last = lines.last().map_or(0, |line| line.chars().count());
            match lines.last_mut() {
                Some(line) if last == 0 => line.push_str(&next),
                Some(line) if last + 1 + next.chars().count() <= letters => {
                    line.push(' ');
                    line.push_str(&next);
                }
                _ => lines.push(next),
            }
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        lines.iter_mut().last().into_iter().for_each(|line| line.push_str(" …"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_break_between_words_and_inside_those_that_are_too_long() {
        assert_eq!(wrapped("one two three", 8, 9), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij k", 4, 9), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrapped("a b c d", 1, 2), ["a", "b …"]);
        assert_eq!(wrapped("", 4, 2), [""]);
    }
}
