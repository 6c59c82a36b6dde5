//! Looking for an order that explains the answers.
//!
//! A step takes one operation that was asked before the first answer among those left: it may come next. An answered one must fit its
//! answer; one that was never answered is tried only where it changes something, and after the answered ones. A configuration that
//! was left without success is not entered again.

use std::collections::BTreeSet;

use super::history::{Operation, Partition};
use crate::sequential::Sequential;

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

#[derive(Clone, Copy, Debug)]
enum Choice {
    Answered(usize),
    Open(usize),
}

/// A configuration, and what has not been tried from it.
struct Level<M> {
    taken: Taken,
    machine: M,
    /// The last is tried first.
    choices: Vec<Choice>,
}

/// Searches within the bounds.
pub(super) fn search<M: Sequential>(partition: &Partition) -> Finding {
    let steps = STEPS_EACH * (partition.answered.len() + partition.open.len()) + STEPS_BEYOND;
    Search { partition, seen: BTreeSet::new(), furthest: Taken::default() }.run(M::default(), steps)
}

struct Search<'a> {
    partition: &'a Partition,
    /// Configurations that were entered.
    seen: BTreeSet<(Taken, Vec<u8>)>,
    furthest: Taken,
}

impl Search<'_> {
    fn run<M: Sequential>(mut self, machine: M, steps: usize) -> Finding {
        let mut path = vec![self.level(Taken::default(), machine)];
        for _ in 0..steps {
            let Some(level) = path.last_mut() else { return self.contradiction() };
            if level.taken.low == self.partition.answered.len() {
                return Finding::Explained;
            }
            let Some(choice) = level.choices.pop() else {
                path.pop();
                continue;
            };
            if let Some((taken, machine)) = self.step(level, choice)
                && self.seen.insert((taken.clone(), machine.fingerprint()))
            {
                path.push(self.level(taken, machine));
            }
        }
        Finding::Undecided
    }

    /// The configuration after a choice, if it fits.
    fn step<M: Sequential>(&self, level: &Level<M>, choice: Choice) -> Option<(Taken, M)> {
        let (mut taken, mut machine) = (level.taken.clone(), level.machine.clone());
        match choice {
            Choice::Answered(which) => {
                let operation = self.partition.answered.get(which)?;
                let (_, due) = operation.answer.as_ref()?;
                if M::local(&machine.execute(&operation.command)) != *due {
                    return None;
                }
                taken.take(which);
            }
            Choice::Open(which) => {
                machine.execute(&self.partition.open.get(which)?.command);
                // Without effect it may as well never have come.
                if machine.fingerprint() == level.machine.fingerprint() {
                    return None;
                }
                taken.open.insert(which);
            }
        }
        Some((taken, machine))
    }

    fn level<M>(&mut self, taken: Taken, machine: M) -> Level<M> {
        if taken.count() > self.furthest.count() {
            self.furthest = taken.clone();
        }
        let choices = self.choices(&taken);
        Level { taken, machine, choices }
    }

    /// What may come next: what was asked before anything that is left was answered. What was answered first is tried first, and what
    /// was never answered last, the latest of it first.
    fn choices(&self, taken: &Taken) -> Vec<Choice> {
        let mut first_answer = u64::MAX;
        let mut next = Vec::new();
        for (which, operation) in self.partition.answered.iter().enumerate().skip(taken.low) {
            if operation.asked > first_answer {
                break;
            }
            if !taken.ahead.contains(&which) {
                let answered = answered_at(operation);
                first_answer = first_answer.min(answered);
                next.push((answered, which));
            }
        }
        next.sort_unstable_by(|one, other| other.cmp(one));
        let open = self.partition.open.iter().enumerate().take_while(|(_, operation)| operation.asked < first_answer);
        let open = open.map(|(which, _)| which).filter(|which| !taken.open.contains(which)).map(Choice::Open);
        open.chain(next.into_iter().map(|(_, which)| Choice::Answered(which))).collect()
    }

    fn contradiction(&self) -> Finding {
        let left = self.choices(&self.furthest).into_iter().rev().find_map(|choice| match choice {
            Choice::Answered(which) => self.partition.answered.get(which),
            Choice::Open(_) => None,
        });
        let stuck = left.map_or_else(String::new, |operation| operation.id.to_string());
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

fn answered_at(operation: &Operation) -> u64 {
    operation.answer.as_ref().map_or(u64::MAX, |(at, _)| *at)
}
