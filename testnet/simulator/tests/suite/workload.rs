//! Machines and workloads that are wrong in all the usual ways: each is a finding, by the oracle that knows why, and with a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tetrarch_kv::{Context, Overlay, QueryError, StateMachine};
use tetrarch_simulator::workload::text_or_hex;
use tetrarch_simulator::{Finding, Generator, Model, Options, Profile, Rng, Workload, check, hunt};
use tetrarch_storage::{Reader, StoreError, Table};
use tetrarch_types::limits::MAX_COMMAND_BYTES;

const OWN: Table = Table::new("own");

/// Does what its function says; the number is what it keeps in itself.
struct Machine {
    execute: fn(&AtomicU64, &[u8], &mut Overlay<'_>) -> Vec<u8>,
    tables: &'static [Table],
    kept: AtomicU64,
}

impl StateMachine for Machine {
    fn execute(&self, _: &Context, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
        (self.execute)(&self.kept, command, state)
    }

    fn query(&self, _: &[u8], _: &dyn Reader) -> Result<Vec<u8>, QueryError> {
        Ok(Vec::new())
    }

    fn revision(&self, _: &dyn Reader) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn check(&self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }

    fn tables(&self) -> &'static [Table] {
        self.tables
    }
}

/// A machine, and clients that ask for one letter or another.
struct Letters {
    execute: fn(&AtomicU64, &[u8], &mut Overlay<'_>) -> Vec<u8>,
    tables: &'static [Table],
    next: fn(&mut Rng) -> Vec<u8>,
    model: Option<fn() -> Box<dyn Model>>,
}

struct Draw(fn(&mut Rng) -> Vec<u8>);

impl Generator for Draw {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        (self.0)(rng)
    }
}

impl Workload for Letters {
    fn machine(&self) -> Box<dyn StateMachine> {
        Box::new(Machine { execute: self.execute, tables: self.tables, kept: AtomicU64::new(0) })
    }

    fn generator(&self, _client: usize) -> Box<dyn Generator> {
        Box::new(Draw(self.next))
    }

    fn model(&self) -> Box<dyn Model> {
        match self.model {
            Some(model) => model(),
            None => Box::new(tetrarch_simulator::workload::Alone::new(self.machine())),
        }
    }
}

fn letter(rng: &mut Rng) -> Vec<u8> {
    vec![rng.one_of([b'a', b'b', b'c'])]
}

/// Counts how often each letter was asked for, as it should.
fn right(_: &AtomicU64, command: &[u8], state: &mut Overlay<'_>) -> Vec<u8> {
    let count = state.get(OWN, command).ok().flatten().unwrap_or_default();
    let count = [count.as_slice(), command].concat();
    state.put(OWN, command, count.clone());
    count
}

fn letters(execute: fn(&AtomicU64, &[u8], &mut Overlay<'_>) -> Vec<u8>) -> Letters {
    Letters { execute, tables: &[OWN], next: letter, model: None }
}

fn found(workload: Letters, profile: Profile) -> Box<Finding> {
    let options = Options { profile, faulty_for: Some(Duration::from_millis(300)), ..Options::default() };
    hunt(Arc::new(workload), &options, 0..20).unwrap_err()
}

#[track_caller]
fn finds(workload: Letters, oracle: &str, words: &str) -> Box<Finding> {
    let finding = found(workload, Profile::Calm);
    assert_eq!(finding.oracle(), oracle, "{finding}");
    assert!(finding.what().contains(words), "{finding}");
    finding
}

#[test]
fn a_machine_that_does_nothing_wrong_passes() {
    let survey = check(letters(right), 0..8);
    assert!(survey.answered > 100, "{survey}");
    assert!(survey.to_string().contains("8 seeds passed"), "{survey}");
}

#[test]
fn what_is_kept_in_the_machine_is_found() {
    let count =
        |kept: &AtomicU64, _: &[u8], _: &mut Overlay<'_>| kept.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec();
    let finding = finds(letters(count), "contract", "fresh machine");
    assert!(finding.replays, "{finding}");
}

#[test]
fn what_is_kept_and_only_written_is_found_too() {
    let count = |kept: &AtomicU64, _: &[u8], state: &mut Overlay<'_>| {
        state.put(OWN, "count", kept.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Vec::new()
    };
    finds(letters(count), "contract", "writes own \"count\" = 0x");
}

#[test]
fn what_all_machines_share_is_found_and_does_not_replay() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let count =
        |_: &AtomicU64, _: &[u8], _: &mut Overlay<'_>| CALLS.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec();
    let finding = finds(letters(count), "contract", "fresh machine");
    assert!(!finding.replays, "{finding}");
    assert!(finding.to_string().contains("a static"), "{finding}");
}

#[test]
#[expect(clippy::disallowed_types, reason = "that is what must be found")]
fn the_order_of_a_hash_map_is_found_and_does_not_replay() {
    let order = |_: &AtomicU64, _: &[u8], _: &mut Overlay<'_>| {
        (0..20).collect::<std::collections::HashSet<u8>>().into_iter().collect()
    };
    let finding = finds(letters(order), "contract", "fresh machine");
    assert!(!finding.replays && finding.to_string().contains("HashMap"), "{finding}");
}

/// By its consequences alone.
#[test]
fn replicas_that_differ_are_found_without_a_fresh_machine() {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let count =
        |_: &AtomicU64, _: &[u8], _: &mut Overlay<'_>| CALLS.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec();
    let options = Options { profile: Profile::Calm, muted: vec!["contract"], ..Options::default() };
    let finding = hunt(Arc::new(letters(count)), &options, 0..2).unwrap_err();
    assert_eq!(finding.oracle(), "one-result", "{finding}");
}

#[test]
fn a_machine_that_panics_is_found_with_the_command() {
    let panics = |_: &AtomicU64, command: &[u8], _: &mut Overlay<'_>| {
        assert_ne!(command, b"c", "nobody expects a c");
        Vec::new()
    };
    let finding = finds(letters(panics), "contract", "panics");
    assert!(finding.what().contains("nobody expects a c") && finding.what().contains("\"c\""), "{finding}");
    assert!(finding.replays && !finding.report.trace.is_empty(), "{finding}");
}

#[test]
fn tables_of_others_are_refused() {
    let stranger = |_: &AtomicU64, _: &[u8], state: &mut Overlay<'_>| {
        state.put(Table::new("other"), "k", "v");
        Vec::new()
    };
    finds(letters(stranger), "node", "other");
    const RESERVED: [Table; 1] = [Table::new("execution.senders")];
    let reserved = Letters { tables: &RESERVED, ..letters(right) };
    let finding = finds(reserved, "recovery", "reserved");
    assert!(finding.to_string().contains("`tables()`"), "{finding}");
}

#[test]
fn commands_that_nobody_could_send_are_the_workloads_fault() {
    let large = Letters { next: |_| vec![0; MAX_COMMAND_BYTES + 1], ..letters(right) };
    finds(large, "workload", "bytes");
}

#[test]
fn what_else_panics_is_found_too() {
    let panics = Letters { next: |_| panic!("no idea"), ..letters(right) };
    finds(panics, "panic", "no idea");
}

struct Wrong;

impl Model for Wrong {
    fn execute(&mut self, context: &Context, command: &[u8]) -> Vec<u8> {
        assert!(context.seq.get() > 0 && context.time.as_micros() > 0, "{context:?}");
        [command, b"!"].concat()
    }
}

#[test]
fn a_model_that_says_otherwise_is_heard() {
    let finding = finds(Letters { model: Some(|| Box::new(Wrong)), ..letters(right) }, "history", "the model says");
    assert!(finding.what().contains("!\""), "{finding}");
}

#[test]
fn bytes_are_shown_as_what_they_are() {
    assert_eq!(text_or_hex(b"add tea 3"), "\"add tea 3\"");
    assert_eq!(text_or_hex(&[0, 255]), "0x00ff");
    assert_eq!(text_or_hex(b""), "\"\"");
    assert_eq!(text_or_hex("é".repeat(200).as_bytes()), format!("{:?}… (400 bytes)", "é".repeat(120)));
    assert!(text_or_hex(&[7; 1_000]).ends_with("… (1000 bytes)"));
}
