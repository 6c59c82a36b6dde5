//! Why a process ended, in its own words.

/// How much of the end is remembered, in bytes.
const MEMORY: usize = 4096;

/// The longest sentence quoted.
const MAX_QUOTE: usize = 400;

/// The last that a process wrote.
#[derive(Debug, Default)]
pub(crate) struct LastWords {
    recent: Vec<u8>,
}

impl LastWords {
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.recent.extend_from_slice(bytes);
        let surplus = self.recent.len().saturating_sub(MEMORY);
        self.recent.drain(..surplus);
    }

    /// The last error that it reported, or else the last line that says something.
    pub(crate) fn quote(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.recent);
        let error = text.lines().rev().find_map(|line| line.strip_prefix("error: "));
        let line = error.or_else(|| text.lines().rev().find(|line| is_telling(line)))?;
        Some(line.trim().chars().take(MAX_QUOTE).collect())
    }
}

/// Not what stands below an error or a panic for the reader's help, nor a line of our own.
fn is_telling(line: &str) -> bool {
    let besides = ["note: ", "what to do: ", "stack backtrace:", "tetrarch-launcher: ", " "];
    !line.trim().is_empty() && !besides.iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(text: &str) -> Option<String> {
        let mut words = LastWords::default();
        words.hear(text.as_bytes());
        words.quote()
    }

    #[test]
    fn silence_is_not_quoted() {
        assert_eq!(quote(""), None);
        assert_eq!(quote("tetrarch-launcher: started as process 7\n\n"), None);
    }

    #[test]
    fn an_error_is_quoted_without_the_advice_below_it() {
        assert_eq!(
            quote("up\nerror: the disk is full\nwhat to do: make room\n\n").as_deref(),
            Some("the disk is full")
        );
    }

    #[test]
    fn a_panic_is_quoted_without_the_note_below_it() {
        let text = "thread 'main' panicked at x.rs:1:2:\nout of range\nnote: run with RUST_BACKTRACE=1\n";
        assert_eq!(quote(text).as_deref(), Some("out of range"));
    }

    #[test]
    fn little_is_remembered() {
        let mut words = LastWords::default();
        (0..1000).for_each(|_| words.hear(&[b'x'; 100]));
        assert_eq!(words.recent.len(), MEMORY);
        assert_eq!(words.quote().map(|quote| quote.len()), Some(MAX_QUOTE));
    }
}
