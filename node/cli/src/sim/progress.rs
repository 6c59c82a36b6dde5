//! The bar on a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// How far a command is that runs many. Nothing is drawn where stderr is no terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(count: u64, what: &str) -> Self {
        let target =
            if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template(&format!(
            "{{bar:40}} {{pos}}/{{len}} {what}, {{msg}}, {{per_sec}}, {{eta}} left"
        ));
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::with_draw_target(Some(count), target).with_style(style).with_message("none failed"))
    }

    /// One more is done.
    pub(super) fn advance(&self, failed: usize) {
        if failed > 0 {
            self.0.set_message(format!("{failed} failed"));
        }
        self.0.inc(1);
    }

    /// Says something above the bar.
    pub(super) fn say(&self, output: &Output, text: &str) {
        self.0.suspend(|| output.note(text));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
