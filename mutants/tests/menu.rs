//! The menu is whole, and the switch belongs to one thread and one run.
#![cfg(debug_assertions)]

use tetrarch_mutants::{Mutant, NoMutant, is, with};

#[test]
fn the_menu_counts_from_1_to_27() {
    let numbers: Vec<u8> = Mutant::ALL.iter().map(|it| it.number()).collect();
    assert_eq!(numbers, (1..=27).collect::<Vec<u8>>());
}

#[test]
fn names_read_back_and_are_distinct() {
    for mutant in Mutant::ALL {
        assert_eq!(mutant.name().parse(), Ok(*mutant));
        assert!(mutant.name().chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{mutant}");
    }
    assert!("none".parse::<Mutant>().is_err_and(|error: NoMutant| error.to_string().contains("none")));
}

#[test]
fn only_the_one_that_is_switched_on_is_on() {
    for mutant in Mutant::ALL {
        with(Some(*mutant), || {
            let on: Vec<Mutant> = Mutant::ALL.iter().copied().filter(|it| is(*it)).collect();
            assert_eq!(on, [*mutant]);
            with(None, || assert!(!is(*mutant)));
            assert!(is(*mutant));
        });
        assert!(!is(*mutant));
    }
}

#[test]
fn a_run_that_panics_leaves_the_switch_as_it_was() {
    let run = || with(Some(Mutant::GapsNotFilled), || panic!("as a mutant may"));
    assert!(std::panic::catch_unwind(run).is_err());
    assert!(!is(Mutant::GapsNotFilled));
}

#[test]
fn another_thread_has_a_switch_of_its_own() {
    with(Some(Mutant::GapsNotFilled), || {
        let other = std::thread::spawn(|| is(Mutant::GapsNotFilled));
        assert_eq!(other.join().ok(), Some(false));
    });
}
