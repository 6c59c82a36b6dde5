//! Printing: data on stdout as a table or as JSON, everything else on stderr.

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

use crate::failure::{Class, Failure};

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON object.
    Json,
}

/// Where a command's output goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
    colour: bool,
}

impl Output {
    /// Prints in this format. Colour only on a terminal, and not where NO_COLOR is set (<https://no-color.org>).
    pub(crate) fn new(format: Format) -> Self {
        Self { format, colour: has_colour() }
    }

    /// Whether JSON is asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints one object as JSON, or the text for people, which is only made then.
    pub(crate) fn data<T: Serialize>(&self, object: &T, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.is_json() { self.json(object) } else { self.text(&text()) }
    }

    /// Prints one JSON object on a line.
    pub(crate) fn json<T: Serialize>(&self, object: &T) -> Result<(), Failure> {
        let mut bytes = serde_json::to_vec(object).map_err(|error| {
            Failure::failed("cannot print the result", error.to_string(), "report this: it is a defect of the program")
        })?;
        bytes.push(b'\n');
        self.bytes(&bytes)
    }

    /// Prints text, and a line's end if it has none.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        self.bytes(text.as_bytes())?;
        if text.is_empty() || text.ends_with('\n') { Ok(()) } else { self.bytes(b"\n") }
    }

    /// Prints these bytes and no others.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Failure::output_closed(),
            _ => Failure::failed("cannot write to stdout", error.to_string(), "check where the output goes"),
        })
    }

    /// Says something on stderr. If nobody listens there, nothing is lost.
    pub(crate) fn note(&self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Says on stderr why the command failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        if matches!(failure.class, Class::OutputClosed | Class::Interrupted) {
            return;
        }
        let (start, end) = if self.colour { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        let Failure { tried, happened, next, .. } = failure;
        let colon = if tried.is_empty() { "" } else { ": " };
        self.note(&format!("{start}error:{end} {tried}{colon}{happened}"));
        if !next.is_empty() {
            self.note(&format!("what to do: {next}"));
        }
    }
}

/// Whether messages on stderr may be coloured.
pub(crate) fn has_colour() -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !forbidden && io::stderr().is_terminal()
}

/// Lines in columns, for people. Control characters, which could play tricks with a terminal, are shown escaped.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = std::iter::once(header.iter().map(ToString::to_string).collect())
        .chain(rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()))
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
    rows.iter().map(|row| line(row, &widths)).collect()
}

/// A row's cells, padded by hand: `format!` knows no width above 65535.
fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, widest) in cells.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', widest.saturating_sub(width(cell)) + 2));
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

/// The beginning of a text that is too long for a cell.
pub(crate) fn abridged(text: &str) -> String {
    match text.char_indices().nth(LONGEST_CELL) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Characters of a cell that is abridged.
const LONGEST_CELL: usize = 80;

/// Text with its control characters escaped.
pub(crate) fn printable(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// Bytes, for people.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20)
}

#[cfg(test)]
mod tests {
    use super::{abridged, printable, table};

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [vec!["a".into(), "1".into()], vec!["long".into(), "2\u{1b}[2J".into()]];
        assert_eq!(table(&["KEY", "VALUE"], &rows), "KEY   VALUE\na     1\nlong  2\\u{1b}[2J\n");
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(printable("ä\n\u{7}b"), "ä\\n\\u{7}b");
    }

    #[test]
    fn a_column_may_be_wider_than_any_terminal() {
        let wide = "x".repeat(70_000);
        let text = table(&["A", "B"], &[vec![wide.clone(), "1".into()]]);
        assert_eq!(text.lines().nth(1), Some(format!("{wide}  1").as_str()));
    }

    #[test]
    fn long_cells_are_cut_between_characters() {
        assert_eq!(abridged("short"), "short");
        assert_eq!(abridged(&"ä".repeat(81)), format!("{}…", "ä".repeat(80)));
    }
}
