//! Sequences of inputs to a whole replica: what liars, clients, clocks and power failures can do to it, in any order.

use super::Reach;
use crate::chain::id;
use crate::choices::Choices;
use crate::play::{Machine, Node, Stage, Step};

/// Steps of one input at most.
const STEPS: usize = 200;

/// What the others answer first, most of the time: the replica has said nothing before, and votes.
const WELCOME: Step = Step::Held { voters: u8::MAX, stable: 0, leaves: 0 };

pub(super) fn run(data: &[u8]) -> Reach {
    let mut choices = Choices::new(data);
    let size = choices.one_of(&[4, 4, 5, 7]);
    let own = id(choices.below(size));
    let node = Node::new(size, own, Machine::default(), Vec::new()).expect("an empty journal is no riddle");
    let mut stage = Stage::new(node);
    stage.node.turn(vec![tetrarch_replica::Input::Start]);
    if !choices.rarely(10) {
        stage.play(WELCOME);
    }
    play(&mut stage, choices)
}

/// Plays all steps that are left of an input.
pub(super) fn play(stage: &mut Stage, mut choices: Choices<'_>) -> Reach {
    let mut steps = 0;
    while let Some(step) = choices.any().filter(|_| steps < STEPS) {
        stage.play(step);
        steps += 1;
    }
    match (steps, stage.node.progress + stage.node.witness.votes) {
        (0, _) => Reach::Unread,
        (_, done) => Reach::of(done > 0),
    }
}

/// Any bytes are steps; these are many of them.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    (1..=8_u8).map(|factor| (0..=255_u8).map(|byte| byte.wrapping_mul(factor * 2 + 1)).collect()).collect()
}
