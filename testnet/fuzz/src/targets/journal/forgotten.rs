//! A replica whose directory was wiped, or put back from a copy. What is cut out of a journal in another way, the storage notices. The others tell it all that they hold of it: whatever it says from then on, it
//! contradicts nothing that it said before (rules ).

use tetrarch_replica::{Input, Record};

use crate::Reach;
use crate::chain::id;
use crate::choices::Choices;
use crate::play::{Machine, Node, Stage, Step};
use crate::targets::core::play;

/// Steps before the loss at most.
const STEPS: usize = 60;

pub(super) fn run(mut choices: Choices<'_>) -> Reach {
    let own = id(choices.below(4));
    let node = Node::new(4, own, Machine::default(), Vec::new()).expect("an empty journal is no riddle");
    let mut stage = Stage::new(node);
    stage.node.turn(vec![Input::Start]);
    stage.play(Step::Held { voters: u8::MAX, stable: 0, leaves: 0 });
    let copied_at = choices.below(STEPS);
    let mut copy = stage.node.disk();
    for number in 0..choices.below(STEPS) {
        let Some(step) = choices.any() else { break };
        stage.play(step);
        if number == copied_at {
            copy = stage.node.disk();
        }
    }
    if choices.rarely(3) {
        copy = between_votes(&mut stage, choices.byte());
    }
    let (journal, machine) = match choices.below(5) {
        // Noted as lost, with the state or without it; not noted, because the directory looks new.
        0 => (vec![Record::Lost], stage.node.machine.clone()),
        1 => (vec![Record::Lost], Machine::default()),
        2 => (Vec::new(), Machine::default()),
        // A copy put back: it looks as whole as it was.
        _ => copy,
    };
    stage.node.replace_disk(journal, machine);
    stage.is_truthful = true;
    stage.node.turn(vec![Input::Start]);
    stage.play(Step::Held { voters: u8::MAX, stable: 0, leaves: 0 });
    let temptation = choices.byte();
    if temptation > 0 {
        stage.tempt(temptation);
    }
    match play(&mut stage, choices) {
        Reach::Unread => Reach::Refused,
        other => other,
    }
}

/// A copy made behind a PREPARE and in front of the COMMIT that follows.
fn between_votes(stage: &mut Stage, content: u8) -> (Vec<Record>, Machine) {
    stage.play(Step::Propose { view: 0, seq: 0, content: content % 200 });
    let copy = stage.node.disk();
    stage.play(Step::Prepares { view: 0, seq: 0, content: 0, voters: u8::MAX });
    copy
}
