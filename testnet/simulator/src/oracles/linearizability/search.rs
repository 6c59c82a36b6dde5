//! Looking for an order that explains the answers.
//!
//! A step takes one operation that was asked before the first answer among those left: it may come next. An answered one must fit its
//! answer. One that was never answered is tried after the answered ones, and only where it changes something that matters to the next
//! answered one: otherwise it can as well come later. Two sorts of steps are taken without looking at others: one that fits and
//! changes nothing, and one that fits and shares no key with anything that could come before it. Whatever explains the rest
//! explains it behind such a step, too. A configuration that was left without success is not entered again.

use std::collections::BTreeSet;

use super::history::{Operation, Partition};
use crate::workload::Sequential;

/// Configurations that may be looked at, for each operation and beyond.
const STEPS_EACH: usize = 16;
const STEPS_BEYOND: usize = 20_000;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// There is such an order.
    Explained,
    /// There is none.
    Contradiction {
        /// How many of the answers the longest attempt explains.
        explained: usize,
        /// An operation that nothing explains after it.
        stuck: String,
    },
    /// It was too hard.
    Undecided,
}

/// Which operations have taken effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Taken {
    /// All answered ones below this place.
    low: usize,
    /// Answered ones from there on.
    ahead: BTreeSet<usize>,
    /// Those never answered.
    open: BTreeSet<usize>,
}

/// What was taken, and the state that this led to.
#[derive(Clone)]
struct Configuration {
    taken: Taken,
    machine: Box<dyn Sequential>,
    /// Those never answered that were taken since the last answered one: they must matter to the next.
    block: Vec<usize>,
}

impl Configuration {
    /// What the machine answers next, as far as it depends on the touched keys alone.
    fn answers(&mut self, operation: &Operation) -> Vec<u8> {
        let result = self.machine.execute(&operation.command);
        self.machine.local(&result)
    }
}

/// Searches within the bounds, from the machine as it is before the first command.
pub(super) fn search(partition: &Partition, machine: &dyn Sequential) -> Finding {
    let steps = STEPS_EACH * (partition.answered.len() + partition.open.len()) + STEPS_BEYOND;
    Search { partition, seen: BTreeSet::new(), furthest: Taken::default() }.run(machine.copy(), steps)
}

struct Search<'a> {
    partition: &'a Partition,
    /// Configurations that were entered.
    seen: BTreeSet<(Taken, Vec<u8>, Vec<usize>)>,
    furthest: Taken,
}

impl Search<'_> {
    fn run(mut self, machine: Box<dyn Sequential>, steps: usize) -> Finding {
        // For every configuration on the way, those behind it that were not tried; the last one is next.
        let mut path = vec![vec![Configuration { taken: Taken::default(), machine, block: Vec::new() }]];
        for _ in 0..steps {
            let Some(untried) = path.last_mut() else { return self.contradiction() };
            let Some(next) = untried.pop() else {
                path.pop();
                continue;
            };
            if next.taken.low == self.partition.answered.len() {
                return Finding::Explained;
            }
            if self.seen.insert((next.taken.clone(), next.machine.fingerprint(), next.block.clone())) {
                if next.taken.count() > self.furthest.count() {
                    self.furthest = next.taken.clone();
                }
                path.push(self.behind(&next));
            }
        }
        Finding::Undecided
    }

    /// The configurations one step further. What was answered first is tried first, and what was never answered last.
    fn behind(&self, from: &Configuration) -> Vec<Configuration> {
        let (answered, open) = self.candidates(&from.taken);
        let before = from.machine.fingerprint();
        let mut steps = Vec::new();
        for which in answered {
            let Some(step) = self.take_answered(from, which) else { continue };
            if step.machine.fingerprint() == before || self.is_apart(&from.taken, which) {
                return vec![step];
            }
            steps.push(step);
        }
        steps.extend(open.into_iter().filter_map(|which| self.take_open(from, which, &before)));
        steps.reverse();
        steps
    }

    /// What may come next, because it was asked before anything that is left was answered: the answered ones by the moment of their
    /// answer, and those never answered, the latest first.
    fn candidates(&self, taken: &Taken) -> (Vec<usize>, Vec<usize>) {
        let mut first_answer = u64::MAX;
        let mut next = Vec::new();
        for (which, operation) in self.left(taken) {
            if operation.asked > first_answer {
                break;
            }
            first_answer = first_answer.min(operation.answered_at());
            next.push((operation.answered_at(), which));
        }
        next.sort_unstable();
        let open = self.left_open(taken).take_while(|(_, operation)| operation.asked < first_answer);
        let mut open: Vec<usize> = open.map(|(which, _)| which).collect();
        open.reverse();
        (next.into_iter().map(|(_, which)| which).collect(), open)
    }

    /// Answered operations that are not taken, by the moment in which they were asked.
    fn left<'t>(&'t self, taken: &'t Taken) -> impl Iterator<Item = (usize, &'t Operation)> {
        let from_low = self.partition.answered.iter().enumerate().skip(taken.low);
        from_low.filter(|(which, _)| !taken.ahead.contains(which))
    }

    fn left_open<'t>(&'t self, taken: &'t Taken) -> impl Iterator<Item = (usize, &'t Operation)> {
        self.partition.open.iter().enumerate().filter(|(which, _)| !taken.open.contains(which))
    }

    /// The step with an answered operation, if it fits.
    fn take_answered(&self, from: &Configuration, which: usize) -> Option<Configuration> {
        let operation = self.partition.answered.get(which)?;
        let (_, due) = operation.answer.as_ref()?;
        let mut step = Configuration { block: Vec::new(), ..from.clone() };
        let fits = self.matters(&from.block, operation) && step.answers(operation) == *due;
        step.taken.take(which);
        fits.then_some(step)
    }

    /// The step with one that was never answered. Without effect it may as well never have come; and of two in a row that do not see
    /// each other, one order is enough.
    fn take_open(&self, from: &Configuration, which: usize, before: &[u8]) -> Option<Configuration> {
        let operation = self.partition.open.get(which)?;
        let last = from.block.last().and_then(|last| Some((last, self.partition.open.get(*last)?)));
        if last.is_some_and(|(last, it)| *last > which && !it.sees(&operation.touches)) {
            return None;
        }
        let mut step = from.clone();
        step.machine.execute(&operation.command);
        step.taken.open.insert(which);
        step.block.push(which);
        (step.machine.fingerprint() != before).then_some(step)
    }

    /// Whether each of a block matters to the operation behind it, directly or through others of the block.
    fn matters(&self, block: &[usize], next: &Operation) -> bool {
        let mut seen = next.touches.clone();
        block.iter().rev().filter_map(|which| self.partition.open.get(*which)).all(|operation| {
            let sees = operation.sees(&seen);
            seen.extend(operation.touches.iter().cloned());
            sees
        })
    }

    /// Whether an answered operation shares no key with anything that could come before it.
    fn is_apart(&self, taken: &Taken, which: usize) -> bool {
        let Some(operation) = self.partition.answered.get(which) else { return false };
        let until = operation.answered_at();
        let before = |(_, other): &(usize, &Operation)| other.asked < until;
        let others = self.left(taken).take_while(before).filter(|(other, _)| *other != which);
        !others.chain(self.left_open(taken).take_while(before)).any(|(_, other)| other.sees(&operation.touches))
    }

    fn contradiction(&self) -> Finding {
        let left = self.left(&self.furthest).min_by_key(|(_, operation)| operation.answered_at());
        let stuck = left.map_or_else(String::new, |(_, operation)| operation.id.to_string());
        Finding::Contradiction { explained: self.furthest.count(), stuck }
    }
}

impl Taken {
    fn count(&self) -> usize {
        self.low + self.ahead.len()
    }

    fn take(&mut self, which: usize) {
        self.ahead.insert(which);
        while self.ahead.remove(&self.low) {
            self.low += 1;
        }
    }
}
