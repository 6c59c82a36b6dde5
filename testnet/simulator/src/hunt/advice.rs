//! What an oracle's complaint probably means for whoever wrote the machine.

/// A few sentences on what to look for when this oracle complains.
pub fn advice(oracle: &str) -> &'static str {
    match oracle {
        "contract" => CONTRACT,
        "one-result" | "equal-roots" | "no-divergence" | "replay-from-genesis" => DIVERGENCE,
        "history" | "linearizability" => HISTORY,
        "invariant" => INVARIANT,
        "node" | "set-up" | "recovery" => STOPPED,
        "liveness" | "livelock" => LIVENESS,
        "workload" => WORKLOAD,
        "panic" => PANIC,
        _ => TETRARCH,
    }
}

const CONTRACT: &str = "What a machine answers and writes must follow from the command, its context and the state it is given, and it \
    must not panic, whatever the command. Look for what it keeps in `self` or in a static between two calls (a restart, or a state \
    fetched from other replicas, does not know it, nor is all decided that was worked out), and for clocks, randomness, the \
    environment and the order of a HashMap. What must last belongs into a table.";

const DIVERGENCE: &str = "Replicas got the same commands in the same order and did not come to the same. The machine depends on something \
    that replicas do not share: what it keeps in `self` or in a static, a clock, randomness, the environment, the order of a HashMap.";

const HISTORY: &str = "The replicas agree with each other, but not with the model: one of the two is wrong about this command, or about \
    one before it. If you wrote no model, the same machine was asked alone, without crashes and other replicas.";

const INVARIANT: &str = "Every replica did the same, and it was wrong: the machine's logic breaks the invariant of `Workload::check`, or the \
    invariant asks for more than the machine promises.";

const STOPPED: &str = "A replica cannot start or go on. Usually the machine uses a table that its `tables()` does not name, names one that \
    is reserved, or calls `Overlay::fail`.";

const LIVENESS: &str = "Long after all faults have ended, clients wait or replicas lag behind. If the machine is one that always answers, this \
    is probably a fault of Tetrarch: please report it with the seed.";

const WORKLOAD: &str = "The generator drew a command that no client could send: see `limits::MAX_COMMAND_BYTES`.";

const PANIC: &str = "Something panicked that is not the machine: the generator, the model, the invariant, or Tetrarch itself. The lines \
    that the panic printed say where.";

const TETRARCH: &str = "This oracle watches the replicas and not the machine, so this is probably a fault of Tetrarch: please report it with \
    the seed.";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::workload::{KvWorkload, Workload};

    #[test]
    fn oracles_that_speak_of_the_machine_have_words_of_their_own() {
        let workload: Arc<dyn Workload> = Arc::new(KvWorkload);
        let oracles = crate::oracles::all(&workload);
        let theirs: Vec<&str> = oracles.iter().map(|it| it.name()).filter(|it| advice(it) != TETRARCH).collect();
        let of_machines = ["contract", "one-result", "equal-roots", "no-divergence", "history", "replay-from-genesis"];
        assert_eq!(theirs, [&of_machines[..], &["invariant", "linearizability"]].concat());
    }
}
