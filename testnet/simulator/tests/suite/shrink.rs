//! What can be left out, and a search for how much of it.

use std::time::Duration;

use tetrarch_simulator::shrink::{Limits, Shrunk, shrink};
use tetrarch_simulator::{Drawn, Options, Profile, Report, Seed, Trouble, replay_line, run};

const LIMITS: Limits = Limits { runs: 120, any_oracle: false };

/// Nobody is well at once: a failure that every build has.
fn hasty(profile: Profile) -> Options {
    Options { profile, heal_within: Some(Duration::ZERO), ..Options::default() }
}

fn failing(options: &Options) -> Seed {
    (0..50).map(Seed::new).find(|seed| run(*seed, options).failure.is_some()).unwrap()
}

fn shrunk(profile: Profile) -> (Seed, Shrunk) {
    let options = hasty(profile);
    let seed = failing(&options);
    (seed, shrink(seed, &options, LIMITS, &mut |_| {}).unwrap())
}

fn oracle(report: &Report) -> Option<&'static str> {
    report.failure.as_ref().map(|failure| failure.oracle)
}

#[test]
fn a_failing_run_gets_smaller_and_fails_alike() {
    let (seed, Shrunk { before, options, after, runs }) = shrunk(Profile::Mixed);
    assert_eq!((run(seed, &options), oracle(&after)), (after.clone(), oracle(&before)));
    assert!(after.events < before.events && runs <= LIMITS.runs);
    assert!(after.drawn.faulty_for < before.drawn.faulty_for);
    assert!(Trouble::of(&after.drawn).len() < Trouble::of(&before.drawn).len());
    assert!((after.drawn.n, after.drawn.clients, after.drawn.depth) <= (before.drawn.n, before.drawn.clients, 3));
}

#[test]
fn the_search_is_the_same_each_time_and_tells_of_each_run() {
    let options = hasty(Profile::Byzantine);
    let (seed, mut told) = (failing(&options), Vec::new());
    let limits = Limits { runs: 40, ..LIMITS };
    let first = shrink(seed, &options, limits, &mut |step| told.push((step.runs, step.is_kept))).unwrap();
    let second = shrink(seed, &options, limits, &mut |_| {}).unwrap();
    assert_eq!(first, second);
    assert_eq!(told.last().map(|(runs, _)| *runs), Some(first.runs));
    assert_eq!(told.len() as u32, first.runs - 1);
}

#[test]
fn runs_are_bounded() {
    let options = hasty(Profile::Mixed);
    let few = Limits { runs: 3, ..LIMITS };
    assert_eq!(shrink(failing(&options), &options, few, &mut |_| {}).unwrap().runs, 3);
}

#[test]
fn a_run_that_does_not_fail_is_no_run_to_shrink() {
    let healthy = shrink(Seed::new(1), &Options::default(), LIMITS, &mut |_| panic!("one run shows it")).unwrap_err();
    assert_eq!(healthy.failure, None);
}

#[test]
fn what_is_left_out_does_not_happen_and_the_rest_is_drawn_alike() {
    for seed in (0..30).map(Seed::new) {
        let drawn = Drawn::new(seed.get(), &Options::default());
        for trouble in Trouble::of(&drawn) {
            let options = Options { without: vec![trouble], ..Options::default() };
            let less = Drawn::new(seed.get(), &options);
            assert!(!Trouble::of(&less).contains(&trouble), "seed {seed} without {trouble}");
            assert!(Trouble::of(&less).iter().all(|left| Trouble::of(&drawn).contains(left)));
            assert_eq!((less.n, less.latency, less.base_timeout), (drawn.n, drawn.latency, drawn.base_timeout));
        }
        let nothing =
            Options { without: Trouble::all().chain((0..10).map(Trouble::Twin)).collect(), ..Options::default() };
        assert_eq!(Trouble::of(&Drawn::new(seed.get(), &nothing)), []);
    }
}

#[test]
fn another_course_is_another_run_of_the_same_draw() {
    let on = |schedule| run(Seed::new(6), &Options { schedule, ..Options::default() });
    assert_eq!((on(1).drawn, on(1).trace_hash == on(2).trace_hash), (on(0).drawn, false));
    assert_eq!(on(1), on(1));
}

#[test]
fn a_run_without_any_trouble_counts_none() {
    let options = Options { without: Trouble::all().collect(), ..Options::default() };
    let report = run(Seed::new(5), &options);
    let fired: Vec<Trouble> = report.faults.keys().filter_map(|name| name.parse().ok()).collect();
    assert_eq!((report.failure, fired), (None, vec![]));
}

#[test]
fn troubles_have_names_that_are_read_back() {
    for trouble in Trouble::all().chain([Trouble::Liar(3)]) {
        assert_eq!(trouble.to_string().parse(), Ok(trouble));
    }
    let refused = "losses".parse::<Trouble>().unwrap_err().to_string();
    assert!(refused.contains("\"losses\"") && refused.contains("loss, duplication") && refused.contains("liar-K"));
    assert!("liar-".parse::<Trouble>().is_err() && "liar-x".parse::<Trouble>().is_err());
}

#[test]
fn the_line_that_replays_has_everything_that_is_fixed() {
    let options = Options {
        n: Some(5),
        clients: Some(1),
        depth: Some(2),
        heal_within: Some(Duration::ZERO),
        schedule: 9,
        without: vec!["loss".parse().unwrap(), Trouble::Liar(2)],
        ..Options::default()
    };
    let line = "tetrarch sim run --seed 7 --profile mixed --n 5 --clients 1 --depth 2 --heal-within 0 --schedule 9 --without loss,liar-2";
    assert_eq!(replay_line(Seed::new(7), &options), line);
}

/// A real bug: what is left is what the bug needs to show.
#[cfg(feature = "mutants")]
#[test]
fn a_bug_that_a_lie_brings_out_is_shrunk_to_that_lie() {
    use tetrarch_simulator::adversary::Lie;
    let options = Options {
        mutant: Some(tetrarch_mutants::Mutant::ReproposalsNotRecomputed),
        lies: vec![Lie::WrongReproposals],
        ..Options::default()
    };
    let seed = (0..400).map(Seed::new).find(|seed| run(*seed, &options).failure.is_some()).unwrap();
    let Shrunk { before, after, .. } = shrink(seed, &options, LIMITS, &mut |_| {}).unwrap();
    assert!(Trouble::of(&after.drawn).contains(&Trouble::Lie(Lie::WrongReproposals)));
    assert!(Trouble::of(&after.drawn).len() < Trouble::of(&before.drawn).len() && after.events < before.events);
}
