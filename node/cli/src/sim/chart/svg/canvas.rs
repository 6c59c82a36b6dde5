//! Writes SVG, element by element. Everything that is text is escaped here and nowhere else.

use std::fmt::Write;

/// x and y, in pixels from the upper left corner.
pub(super) type Point = (f64, f64);

/// A picture being written.
pub(super) struct Canvas {
    text: String,
    depth: usize,
}

impl Canvas {
    /// An empty white sheet.
    pub(super) fn new(width: f64, height: f64, css: &str) -> Self {
        let mut canvas = Self { text: String::new(), depth: 1 };
        canvas.text += "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        let (width, height) = (number(width), number(height));
        canvas.text += "<svg xmlns=\"http://www.w3.org/2000/svg\" ";
        canvas.push(format_args!("width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"));
        canvas.push(format_args!("<style>{}</style>\n", escaped(css)));
        canvas.push(format_args!("<rect class=\"sheet\" width=\"{width}\" height=\"{height}\"/>\n"));
        canvas
    }

    /// What the picture is, for those who do not see it.
    pub(super) fn describe(&mut self, title: &str, description: &str) {
        self.title(title);
        self.push(format_args!("<desc>{}</desc>\n", escaped(description)));
    }

    /// The whole text.
    pub(super) fn finish(mut self) -> String {
        self.text += "</svg>\n";
        self.text
    }

    /// Things that belong together, with a text that shows when one points at them, unless it is empty.
    pub(super) fn group(&mut self, class: &str, title: &str, draw: impl FnOnce(&mut Self)) {
        self.push(format_args!("<g class=\"{}\">\n", escaped(class)));
        self.depth += 1;
        if !title.is_empty() {
            self.title(title);
        }
        draw(self);
        self.depth -= 1;
        self.push(format_args!("</g>\n"));
    }

    fn title(&mut self, title: &str) {
        self.push(format_args!("<title>{}</title>\n", escaped(title)));
    }

    pub(super) fn line(&mut self, class: &str, from: Point, to: Point) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(number);
        self.push(format_args!("<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>\n"));
    }

    /// A closed shape.
    pub(super) fn polygon(&mut self, class: &str, points: &[Point]) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", number(*x), number(*y))).collect();
        self.push(format_args!("<polygon class=\"{class}\" points=\"{}\"/>\n", points.join(" ")));
    }

    /// A rectangle by its upper left and its lower right corner.
    pub(super) fn rect(&mut self, class: &str, from: Point, to: Point) {
        let [x, y, width, height] = [from.0, from.1, to.0 - from.0, to.1 - from.1].map(number);
        let place = format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"");
        self.push(format_args!("<rect class=\"{class}\" {place}/>\n"));
    }

    pub(super) fn circle(&mut self, class: &str, centre: Point, radius: f64) {
        let [x, y, r] = [centre.0, centre.1, radius].map(number);
        self.push(format_args!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>\n"));
    }

    /// Words on a base line that begins, ends or has its middle at a point, as the class says.
    pub(super) fn words(&mut self, class: &str, at: Point, words: &str) {
        let [x, y] = [at.0, at.1].map(number);
        self.push(format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>\n", escaped(words)));
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.text.extend(std::iter::repeat_n(' ', self.depth));
        // Writing into a string does not fail.
        let _ = self.text.write_fmt(text);
    }
}

/// A tenth of a pixel is enough.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// As text in XML: characters that mean something there are written otherwise, those that may not be there are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' | '\t' => escaped.push(character),
            other if other.is_control() || matches!(other, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{escaped, number};

    #[test]
    fn text_cannot_break_out_of_its_element() {
        assert_eq!(escaped("a<b> & \"c\"\u{1b}[\n"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}[\n");
    }

    #[test]
    fn numbers_have_at_most_one_digit_behind_the_point() {
        assert_eq!([1.0, 1.25, -3.04, 0.0].map(number), ["1", "1.2", "-3", "0"]);
    }
}
