//! The simulator at the command line: seeds, soaks, charts, shrinking.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::common::{Ran, run, signal, tetrarch, until_it_heeds_interrupts};
use serde_json::Value;

fn sim(arguments: &str) -> Ran {
    sim_in(Path::new("/"), arguments)
}

fn sim_in(dir: &Path, arguments: &str) -> Ran {
    run(dir, ["sim"].into_iter().chain(arguments.split_whitespace()))
}

fn json(arguments: &str, code: i32) -> Value {
    sim(&format!("{arguments} --output json")).expect(code).json()
}

/// Nobody is well at once: so every build has a run that fails.
const FAILING: &str = "--profile mixed --heal-within 0";
const FAILING_SEED: u64 = 3;

#[test]
fn what_cannot_be_is_refused_with_a_sentence() {
    let mistakes = [
        ("run --seed x", "\"x\" is no seed"),
        ("run --seed 1 --n 3", "3 is not in 4..=100"),
        ("run --seed 1 --profile wild", "there are calm, crashes, byzantine, mixed and overrun"),
        ("run --seed 1 --without gravity", "\"gravity\" is no fault, no lie and no mischief"),
        ("run --seed 1 --clients 0", "0 is not in 1..=16"),
        ("soak --seeds 0", "0 is not in 1.."),
        ("soak --seeds 1 --profile wild", "and all for each of them in turn"),
        ("chart 1 --kinds gossip", "invalid value 'gossip'"),
        ("chart 1 --from -1", "unexpected argument '-1'"),
        ("chart 1 --from soon", "\"soon\" is no number of milliseconds"),
        ("chart 1 --profile calm --from 20 --to 10", "20 ms is not before 10 ms"),
        ("chart 1 --profile calm --n 4 --replicas 4", "there is no replica 4: this seed has 4"),
        ("shrink 1 --runs 0", "0 is not in 1.."),
        ("twins --rounds 16", "16 is not in 1..=15"),
        ("twins --rounds 1 --from 64", "all 64 scenarios that are asked for come before --from 64"),
        ("twins --rounds 1 --scenario 64", "there is no scenario 64: of 1 rounds there are 64"),
    ];
    for (arguments, sentence) in mistakes {
        let ran = sim(arguments).expect(2);
        assert!(ran.stderr.contains(sentence) && ran.stdout.is_empty(), "{arguments}: {}", ran.stderr);
    }
}

#[test]
fn a_record_that_cannot_be_written_is_a_failure_before_anything_is_run() {
    let ran = sim("soak --seeds 1000000 --record /nowhere/record").expect(1);
    assert!(ran.stderr.contains("cannot open the record /nowhere/record"), "{}", ran.stderr);
}

#[test]
fn the_line_that_replays_replays() {
    let first = json(&format!("run --seed {FAILING_SEED} {FAILING} --clients 2 --without loss,crash"), 1);
    let line = first["replay"].as_str().unwrap().strip_prefix("tetrarch sim ").unwrap();
    let again = json(&format!("{line} -v"), 1);
    assert_eq!(first["trace_hash"], again["trace_hash"]);
    assert!(first.get("trace").is_none() && !again["trace"].as_array().unwrap().is_empty());
}

#[test]
fn twins_say_how_many_there_are_and_what_came_of_them() {
    let some = json("twins --rounds 3 --sample 6", 0);
    assert_eq!((&some["scenarios"], &some["of"], &some["exhaustive"]), (&6.into(), &16_384.into(), &false.into()));
    assert!(some["failed"].as_array().unwrap().is_empty() && some["delivered_per_cpu_s"].as_u64().unwrap() > 0);
    let rest = json("twins --rounds 3 --sample 6 --from 4", 0);
    assert_eq!((&some["from"], &some["next"]), (&0.into(), &6.into()));
    assert_eq!((&rest["from"], &rest["next"], &rest["scenarios"]), (&4.into(), &6.into(), &2.into()));
    assert!(rest["delivered"].as_u64().unwrap() < some["delivered"].as_u64().unwrap(), "what is done is not run again");
    let one = sim("twins --rounds 1 --scenario 5").expect(0).stdout;
    assert!(one.contains("scenario 5 of 64: replica 1 runs twice; 0 2 3 1' | 1\n"), "{one}");
}

#[test]
fn a_soak_says_what_scripts_rely_on() {
    let soak = json("soak --seeds 10 --from 40 --profile all", 0);
    assert_eq!((&soak["seeds"], &soak["failed"], &soak["next_seed"]), (&10.into(), &Value::Array(vec![]), &50.into()));
    for number in ["events_per_s", "delivered_per_s", "delivered_per_cpu_s", "simulated_hours"] {
        assert!(soak[number].as_f64().unwrap() > 0.0, "{number}: {soak}");
    }
    assert!(soak["faults"].as_object().unwrap().values().all(Value::is_u64));
    let profiles = soak["profiles"].as_object().unwrap();
    assert_eq!(profiles.keys().collect::<Vec<_>>(), ["byzantine", "calm", "crashes", "mixed", "overrun"]);
    for (profile, of) in profiles {
        let recovery = &of["recovery_ms"];
        let [p50, p99, max] = ["p50", "p99", "max"].map(|name| recovery[name].as_u64().unwrap());
        assert!(of["seeds"] == 2 && p50 <= p99 && p99 <= max, "{profile}: {of}");
    }
}

#[test]
fn a_soak_that_fails_names_every_seed_and_records_it() {
    let dir = tempfile::tempdir().unwrap();
    let soak = format!("soak --seeds 4 {FAILING} --record record --output json");
    let summary = sim_in(dir.path(), &soak).expect(1).json();
    let failed = summary["failed"].as_array().unwrap();
    assert!(failed.contains(&FAILING_SEED.into()));
    let lines: Vec<Value> = lines(&dir.path().join("record"));
    let (last, seeds) = lines.split_last().unwrap();
    assert_eq!(
        (&last["kind"], &last["next_seed"], &last["failed"]),
        (&"summary".into(), &4.into(), &summary["failed"])
    );
    assert_eq!(seeds.len(), failed.len());
    for line in seeds {
        assert!(line["kind"] == "failed" && failed.contains(&line["seed"]) && line["oracle"] == "liveness", "{line}");
        assert!(line["replay"].as_str().unwrap().contains("--heal-within 0"), "{line}");
    }
    sim_in(dir.path(), "soak --seeds 1 --profile calm --record record").expect(0);
    assert_eq!(self::lines(&dir.path().join("record")).len(), lines.len() + 1, "a record is written on, not over");
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_hasty_soak_ends_at_the_first_failure() {
    let soak = json(&format!("soak --seeds 100000 {FAILING} --fail-fast --jobs 2"), 1);
    assert!(!soak["failed"].as_array().unwrap().is_empty());
    assert!(soak["seeds"].as_u64().unwrap() < 1_000);
}

#[test]
fn an_interrupted_soak_says_what_it_found_and_where_to_go_on() {
    let mut command = tetrarch(Path::new("/"));
    command.args(["sim", "soak", "--seeds", "1000000000", "--jobs", "1", "--output", "json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until_it_heeds_interrupts(&child);
    // Time for some seeds.
    std::thread::sleep(Duration::from_secs(2));
    signal(&child, "-INT");
    let summary = Ran::from(child.wait_with_output().unwrap()).expect(130).json();
    assert_eq!((&summary["interrupted"], &summary["next_seed"]), (&true.into(), &summary["seeds"]));
}

fn chart(arguments: &str) -> String {
    sim(&format!("chart {arguments}")).expect(0).stdout
}

#[test]
fn a_chart_is_well_formed_and_has_a_life_line_for_everyone() {
    let liar = json("chart 26 --profile byzantine", 0);
    let svg = liar["chart"].as_str().unwrap();
    let document = roxmltree::Document::parse(svg).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "svg");
    let count = |class: &str| {
        let classes = |node: &roxmltree::Node<'_, '_>| node.attribute("class").map(str::to_owned).unwrap_or_default();
        document.descendants().filter(|node| classes(node).split(' ').any(|it| it == class)).count()
    };
    assert_eq!(
        (count("lane"), count("liar")),
        (7, 1 + 4),
        "two clients and a hostile one, four replicas, one of them marked as a liar"
    );
    // The legend has some of its own.
    assert!(count("message") >= usize::try_from(liar["messages"].as_u64().unwrap()).unwrap());
    assert!(count("lie") > 1 && count("executed") > 1);
    let texts: Vec<&str> = document.descendants().filter_map(|node| node.text()).collect();
    for text in [
        "Seed 26, byzantine",
        "tetrarch sim run --seed 26 --profile byzantine",
        "replica 3",
        "liar: other-scope, wrong-reproposals, censor",
        "hostile 0",
        "does: contested-nonce, validity",
    ] {
        assert!(texts.contains(&text), "{text}");
    }
}

#[test]
fn the_same_seed_gives_the_same_chart() {
    for format in ["svg", "shiviz", "text"] {
        let arguments = format!("{FAILING_SEED} {FAILING} --format {format}");
        assert_eq!(chart(&arguments), chart(&arguments), "{format}");
    }
}

#[test]
fn a_chart_of_a_failure_ends_with_it() {
    let svg = chart(&format!("{FAILING_SEED} {FAILING}"));
    assert!(svg.contains("liveness fails") && svg.contains("not everyone is well"));
    let text = chart(&format!("{FAILING_SEED} {FAILING} --format text"));
    assert!(text.lines().last().unwrap().contains("the oracle \"liveness\" says"), "{text}");
}

#[test]
fn a_part_of_a_run_is_what_a_reader_would_see_of_it() {
    let all = sim("run --seed 10 --profile byzantine -v").expect(0).stdout;
    let part = chart("10 --profile byzantine --from 100 --to 150 --format text");
    let time = |line: &str| line.trim_start().split_once(" ms").and_then(|(millis, _)| millis.parse::<f64>().ok());
    let expected: Vec<&str> =
        all.lines().filter(|line| time(line).is_some_and(|at| (100.0..=150.0).contains(&at))).collect();
    assert!(!expected.is_empty());
    assert_eq!(part.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn kinds_replicas_and_numbers_choose() {
    let text = chart("10 --profile byzantine --kinds votes --replicas 0,1,2 --seq 3 --format text");
    let said: Vec<&str> = text.lines().filter(|line| line.contains(" → ")).collect();
    assert!(!said.is_empty());
    for line in said {
        assert!(line.contains("seq: SeqNum(3)") && !line.contains(" 3 → ") && !line.contains("→ 3 "), "{line}");
        assert!(["PrePrepare {", "Prepare {", "Commit {"].iter().any(|kind| line.contains(kind)), "{line}");
    }
}

#[test]
fn vector_clocks_grow_by_one_at_home_and_never_run_ahead_of_others() {
    let log = chart("10 --profile byzantine --format shiviz --messages 400");
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines[0].contains("(?<event>.*)") && lines[0].contains("(?<clock>") && lines[1].is_empty());
    let mut own: BTreeMap<String, u64> = BTreeMap::new();
    let mut heard = 0;
    for event in lines[2..].chunks(2) {
        let (host, clock) = event[1].split_once(' ').unwrap();
        let clock: BTreeMap<String, u64> = serde_json::from_str(clock).unwrap();
        *own.entry(host.to_owned()).or_default() += 1;
        assert_eq!(clock[host], own[host], "{event:?}");
        assert!(clock.iter().all(|(other, time)| *time <= own[other]), "{event:?} knows of the future");
        heard += usize::from(event[0].contains(" hears ") && clock.len() > 1);
    }
    assert!(heard > 100, "{heard}");
}

#[test]
fn a_shrunk_run_is_smaller_and_fails_when_it_is_replayed() {
    let shrunk = json(&format!("shrink {FAILING_SEED} {FAILING} --runs 100"), 0);
    let (before, after) = (&shrunk["before"], &shrunk["after"]);
    for size in ["events", "delivered", "simulated_ms", "faulty_ms"] {
        assert!(after[size].as_u64().unwrap() < before[size].as_u64().unwrap(), "{size}: {shrunk}");
    }
    assert!(after["troubles"].as_array().unwrap().len() < before["troubles"].as_array().unwrap().len());
    let line = shrunk["replay"].as_str().unwrap().strip_prefix("tetrarch sim ").unwrap();
    let replayed = json(line, 1);
    assert_eq!((&replayed["events"], &replayed["failure"]), (&after["events"], &shrunk["failure"]));
}

#[test]
fn a_seed_that_does_not_fail_is_not_shrunk() {
    let ran = sim("shrink 1 --profile calm").expect(1);
    assert!(ran.stderr.contains("it does not fail") && ran.stdout.is_empty(), "{}", ran.stderr);
}
