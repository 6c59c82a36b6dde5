//! A seed that failed, for people.

use std::fmt;

use super::advice;
use super::survey::listed;
use crate::report::{Failure, Report};

/// Events that are shown of what happened last.
const LAST: usize = 8;

/// Characters of a line, without what stands in front.
const WIDTH: usize = 104;

/// A seed that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What came of it, with every event, if it can be replayed.
    pub report: Report,
    /// Whether the seed came to the very same when it was run again.
    pub replays: bool,
    /// Seeds before it that did not fail.
    pub passed: u64,
    /// What was called, up to the seeds.
    pub(super) call: &'static str,
}

impl Finding {
    /// The oracle that complains.
    pub fn oracle(&self) -> &'static str {
        self.failure().map_or("nobody", |failure| failure.oracle)
    }

    /// What it says.
    pub fn what(&self) -> &str {
        self.failure().map_or("", |failure| &failure.what)
    }

    const fn failure(&self) -> Option<&Failure> {
        self.report.failure.as_ref()
    }

    fn replay(&self) -> String {
        let (call, seed, profile) = (self.call, self.report.seed, self.report.drawn.profile);
        if self.replays {
            return format!(
                "the same every time: `{call}, [{seed}])`, or `run_with(Seed::new({seed}), &Options {{ profile: \
                 Profile::{profile:?}, trace: true, ..options }}, Arc::new(workload))`, whose report lists every event"
            );
        }
        format!(
            "seed {seed} did not come to the same when it was run again, and it decides all chance that there is in the harness. So the \
             machine, its generator or its model takes some from elsewhere: the order of a HashMap, a clock, randomness, a static. \
             `{call}, [{seed}])`, several times, may show it again"
        )
    }

    fn last_events(&self) -> Vec<String> {
        let skipped = self.report.trace.len().saturating_sub(LAST);
        let lines = self.report.trace.iter().skip(skipped).map(ToString::to_string);
        // What fits keeps its columns.
        lines.flat_map(|line| if line.len() < WIDTH { vec![line] } else { wrapped(&line) }).collect()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { seed, drawn, batches, answered, views, faults, commands, .. } = &self.report;
        let at = self.failure().map_or(0, |failure| failure.at.as_micros()) as f64 / 1_000.0;
        let when = format!("{at:.3} ms into the run; {answered} answers, {batches} batches, highest view {views}");
        writeln!(f, "seed {seed} fails, after {} seeds that passed\n", self.passed)?;
        section(f, "oracle", &[self.oracle().to_owned()])?;
        section(f, "says", &wrapped(self.what()))?;
        section(f, "means", &wrapped(advice(self.oracle())))?;
        section(f, "replay", &wrapped(&self.replay()))?;
        section(f, "when", &wrapped(&when))?;
        section(f, "order", &commands.iter().flat_map(|line| wrapped(line)).collect::<Vec<_>>())?;
        section(f, "faults", &wrapped(&listed(faults)))?;
        section(f, "drawn", &drawn.to_string().lines().flat_map(wrapped).collect::<Vec<_>>())?;
        section(f, "events", &self.last_events())
    }
}

fn section(f: &mut fmt::Formatter<'_>, name: &str, lines: &[String]) -> fmt::Result {
    for (nth, line) in lines.iter().enumerate() {
        writeln!(f, "  {:<8}{line}", if nth == 0 { name } else { "" })?;
    }
    Ok(())
}

/// A text in lines that are not longer than they should be, unless a word is.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut().filter(|line| line.is_empty() || line.len() + word.len() < WIDTH) {
            *line += if line.is_empty() { "" } else { " " };
            *line += word;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
