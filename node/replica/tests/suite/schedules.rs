//! Random schedules: messages are delivered in any order, lost and doubled, clocks jump, replicas fall in the middle of turns and rise
//! again, and in half of the runs a liar holds the first primary's key. In others, up to f replicas come to harm: they lose what they
//! wrote, noticed or not, are set back to an old copy, or cannot use their state.
//!
//! Nobody may disagree, execute out of order, take back a signature, say what its journal does not show, promise anything while it is
//! silent, or take its records for lost when they are not (checked at every turn by `support`). Once the faults end, everything that
//! was asked for executes, and in time every replica votes and is level.

use crate::play::Run;
use crate::play::step::{harmful_step, step};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_is_safe_and_heals(with_liar: bool, steps in prop::collection::vec(step(4), 1..300)) {
        let mut run = Run::new(4, with_liar);
        steps.iter().for_each(|step| run.step(step));
        run.heal();
    }

    #[test]
    fn any_harm_to_one_of_four_heals(steps in prop::collection::vec(harmful_step(4), 1..300)) {
        let mut run = Run::new(4, false);
        steps.iter().for_each(|step| run.step(step));
        run.heal();
        run.recover_fully();
    }

    #[test]
    fn any_harm_to_two_of_seven_heals(with_liar: bool, steps in prop::collection::vec(harmful_step(7), 1..300)) {
        let mut run = Run::new(7, with_liar);
        steps.iter().for_each(|step| run.step(step));
        run.heal();
        run.recover_fully();
    }
}
