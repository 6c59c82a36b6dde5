//! Every lie is told, in every form, to clusters that bear it.

use std::time::Duration;

use tetrarch_simulator::adversary::Lie;
use tetrarch_simulator::{Counters, Options, Profile, Seed, run};

/// Seeds in which a lie may take its time to be told in all forms.
const PATIENCE: u64 = 60;

fn options(lie: Lie) -> Options {
    let options = Options { n: Some(4), profile: Profile::Byzantine, lies: vec![lie], ..Options::default() };
    match lie {
        // Somebody has to lose a state first, and to ask the liar for it, twice.
        Lie::LieState => Options { profile: Profile::Mixed, faulty_for: Some(Duration::from_secs(12)), ..options },
        _ => options,
    }
}

fn untold(lie: Lie, counters: &Counters) -> Vec<&'static str> {
    let names = lie.forms().iter().copied().chain([lie.name()]);
    names.filter(|name| !counters.contains_key(name)).collect()
}

/// Each lie by itself, seed after seed, until all its forms were told.
fn are_told(lies: &[Lie]) {
    for lie in lies {
        let mut counters = Counters::new();
        for seed in (0..PATIENCE).map(Seed::new) {
            let report = run(seed, &options(*lie));
            assert_eq!(report.failure, None, "{lie} with seed {seed}");
            report.faults.into_iter().for_each(|(fault, times)| *counters.entry(fault).or_default() += times);
            if untold(*lie, &counters).is_empty() {
                break;
            }
        }
        assert_eq!(untold(*lie, &counters), [""; 0], "{lie} was told so often: {counters:?}");
    }
}

/// One list, shared between tests: they run beside each other.
const PARTS: usize = 5;

fn part(number: usize) -> Vec<Lie> {
    Lie::ALL.iter().copied().skip(number).step_by(PARTS).collect()
}

#[test]
fn lies_of_the_first_part_are_told_in_all_forms() {
    are_told(&part(0));
}

#[test]
fn lies_of_the_second_part_are_told_in_all_forms() {
    are_told(&part(1));
}

#[test]
fn lies_of_the_third_part_are_told_in_all_forms() {
    are_told(&part(2));
}

#[test]
fn lies_of_the_fourth_part_are_told_in_all_forms() {
    are_told(&part(3));
}

#[test]
fn lies_of_the_fifth_part_are_told_in_all_forms() {
    are_told(&part(4));
}

#[test]
fn every_form_has_a_name_of_its_own() {
    let mut names: Vec<&str> =
        Lie::ALL.iter().flat_map(|lie| lie.forms().iter().copied().chain([lie.name()])).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    let is_kebab = |name: &&str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    assert!(names.iter().all(is_kebab), "{names:?}");
}
