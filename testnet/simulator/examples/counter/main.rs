//! A counter service under the harness: the right one passes, and what two bugs look like when they are found.
//!
//! `cargo run --release -p tetrarch-simulator --example counter`; specs/harness-guide.md goes through it.
#![expect(clippy::print_stdout, reason = "it is there to be read")]

mod bugs;
mod machine;
mod workload;

use std::sync::Arc;

use tetrarch_kv::StateMachine;
use tetrarch_simulator::{Options, Profile, hunt};

use bugs::{Buggy, Cached, Doubling};
use machine::Counters;
use workload::CounterWorkload;

/// How many seeds each machine is put through.
const SEEDS: u64 = 100;

fn main() {
    show("The counters as they should be", || Box::new(Counters));
    show("With a cache for reads", || Box::new(Buggy(Cached::default())));
    show("With a `move` that reads all before it writes", || Box::new(Buggy(Doubling)));
}

fn show(title: &str, machine: fn() -> Box<dyn StateMachine>) {
    println!("== {title}\n");
    let options = Options { profile: Profile::Byzantine, ..Options::default() };
    match hunt(Arc::new(CounterWorkload { machine }), &options, 0..SEEDS) {
        Ok(survey) => println!("{survey}\n"),
        Err(finding) => println!("{finding}"),
    }
}
