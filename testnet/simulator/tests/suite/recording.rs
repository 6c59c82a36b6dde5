//! What is recorded for readers: every message once, with its fate, in order of time.

use std::time::Duration;

use tetrarch_simulator::adversary::Lie;
use tetrarch_simulator::recording::{Entry, Fate, Mark, Party, Passage, What};
use tetrarch_simulator::{Options, Profile, Report, Seed, run};
use tetrarch_types::Time;

fn recorded(profile: Profile, seed: u64) -> Report {
    let options = Options { profile, trace: true, faulty_for: Some(Duration::from_millis(800)), ..Options::default() };
    run(Seed::new(seed), &options)
}

fn passages(report: &Report) -> impl Iterator<Item = (&Entry, &Passage)> {
    report.trace.iter().filter_map(|entry| match &entry.what {
        What::Message(passage) => Some((entry, passage)),
        _ => None,
    })
}

fn marks(report: &Report) -> impl Iterator<Item = (Time, Party, Mark)> {
    report.trace.iter().filter_map(|entry| match &entry.what {
        What::Mark { at, mark, .. } => Some((entry.at, *at, *mark)),
        _ => None,
    })
}

#[test]
fn what_arrives_is_what_was_delivered() {
    for profile in Profile::ALL {
        let report = recorded(profile, 11);
        let arrived = passages(&report).filter(|(_, passage)| matches!(passage.fate, Fate::Arrived(_))).count();
        // What is due at the very moment of the end may still be in the queue.
        let at_the_end = passages(&report).filter(|(entry, _)| entry.at.since(Time::ZERO) == report.simulated).count();
        let delivered = usize::try_from(report.delivered).unwrap();
        assert!(delivered <= arrived && arrived <= delivered + at_the_end, "{profile}: {arrived} of {delivered}");
    }
}

#[test]
fn entries_are_in_order_and_no_message_arrives_before_it_leaves() {
    let report = recorded(Profile::Mixed, 12);
    assert!(report.trace.is_sorted_by_key(|entry| entry.at));
    assert!(passages(&report).all(|(entry, passage)| passage.left <= entry.at));
    let end = Time::ZERO.after(report.simulated);
    assert!(report.trace.iter().all(|entry| entry.at <= end));
}

#[test]
fn every_fate_comes_up() {
    let options = Options { trace: true, lies: vec![Lie::Silence], ..Options::default() };
    let reports: Vec<Report> = (0..12).map(|seed| run(Seed::new(seed), &options)).collect();
    let fates: Vec<Fate> = reports.iter().flat_map(|it| passages(it).map(|(_, passage)| passage.fate)).collect();
    for fate in [Fate::Lost, Fate::Cut, Fate::Withheld] {
        assert!(fates.contains(&fate), "{fate:?}");
    }
    assert!(fates.iter().any(|fate| matches!(fate, Fate::UnderWay(_))));
}

#[test]
fn only_liars_lie_and_they_do() {
    let reports: Vec<Report> = (0..6).map(|seed| recorded(Profile::Byzantine, seed)).collect();
    for report in &reports {
        for (entry, passage) in passages(report).filter(|(_, passage)| passage.is_lie) {
            let Party::Node(liar) = passage.from else { panic!("{entry}") };
            assert!(report.drawn.liars.iter().any(|(it, _)| *it == liar), "{entry}");
        }
    }
    assert!(reports.iter().flat_map(passages).any(|(_, passage)| passage.is_lie));
}

#[test]
fn executions_crashes_and_answers_are_marked_as_often_as_they_are_counted() {
    let report = recorded(Profile::Crashes, 13);
    let count = |wanted: fn(&Mark) -> bool| marks(&report).filter(|(_, _, mark)| wanted(mark)).count() as u64;
    assert_eq!(count(|mark| matches!(mark, Mark::Executed(_))), report.batches);
    assert_eq!(count(|mark| matches!(mark, Mark::Told(_))), report.answered);
    let struck: u64 = report.faults.iter().filter(|(fault, _)| is_of_a_node(fault)).map(|(_, times)| times).sum();
    assert_eq!(count(|mark| matches!(mark, Mark::Fault(_))), struck);
    assert!(struck > 0 && count(|mark| matches!(mark, Mark::Down)) >= count(|mark| matches!(mark, Mark::Up)));
}

fn is_of_a_node(fault: &str) -> bool {
    use tetrarch_simulator::faults::NodeTrouble as N;
    let links = [N::Partition, N::OneWay, N::Bridge, N::Ring, N::IsolatePrimary, N::StarvedLink];
    // Counted with each fsync, not with each strike.
    let is_marked = |trouble| trouble != N::SlowDisk && !links.contains(&trouble);
    N::ALL.into_iter().any(|trouble| trouble.name() == fault && is_marked(trouble))
}

#[test]
fn a_failure_is_the_last_entry() {
    let hasty = Options { trace: true, heal_within: Some(Duration::ZERO), ..Options::default() };
    let report = (0..20).map(|seed| run(Seed::new(seed), &hasty)).find(|report| report.failure.is_some()).unwrap();
    assert_eq!(report.trace.last().map(|entry| &entry.what), report.failure.clone().map(What::Failed).as_ref());
}

#[test]
fn a_line_tells_who_said_what_to_whom() {
    let report = recorded(Profile::Calm, 1);
    let lines: Vec<String> = report.trace.iter().map(ToString::to_string).collect();
    assert!(lines.iter().any(|line| line.contains(" ms  0 → 1  ") || line.contains(" ms  1 → 0  ")), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains('\n')));
}
