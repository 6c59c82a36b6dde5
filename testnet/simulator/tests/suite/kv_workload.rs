//! What simulated clients ask of the store happens, in all its forms, and the model says the same as the machine.

use std::collections::BTreeMap;

use tetrarch_kv::{Answered, Command, CommandResult, Context, KvError, Overlay, Request, Response};
use tetrarch_simulator::{KvWorkload, Rng, Workload};
use tetrarch_storage::{Durability, MemoryStore, Store};
use tetrarch_types::{SeqNum, Timestamp};

/// How often each thing happened.
type Counts = BTreeMap<&'static str, u64>;

fn count(request: &Request, result: &Result<Answered, KvError>, counts: &mut Counts) {
    let what = match (request, result.as_ref().map(|answered| &answered.response)) {
        (Request::Range(read), Ok(_)) if read.revision != 0 => "the past",
        (Request::Range(_), Err(KvError::Compacted)) => "a compacted past",
        (_, Ok(Response::Compacted)) => "a compaction",
        (_, Ok(Response::LeaseGranted { .. })) => "a grant",
        (_, Err(KvError::LeaseExists)) => "a lease that is there",
        (_, Err(KvError::LeaseNotFound)) => "no such lease",
        (_, Ok(Response::LeaseRevoked)) => "a revoke",
        (_, Ok(Response::LeaseKept { ttl: 0, .. })) => "a keepalive of nothing",
        (_, Ok(Response::LeaseKept { .. })) => "a keepalive",
        (_, Ok(Response::Txn(txn))) if txn.succeeded && txn.responses.len() == 2 => "a nested transaction",
        (_, Ok(Response::Txn(txn))) if txn.succeeded => "a swap",
        (_, Ok(Response::Txn(_))) => "a swap that was too late",
        _ => return,
    };
    *counts.entry(what).or_default() += 1;
}

#[test]
fn everything_is_asked_and_the_model_says_the_same() {
    let (workload, store, mut rng) = (KvWorkload, MemoryStore::new(), Rng::new(7));
    let (machine, mut model, mut client) = (workload.machine(), workload.model(), workload.generator(0));
    let (mut counts, tables) = (Counts::new(), machine.own_tables());
    let write = |ask: &mut dyn FnMut(&mut Overlay<'_>) -> Vec<u8>| {
        let mut state = Overlay::new(&store, &tables);
        let result = ask(&mut state);
        store.write(state.into_batch().expect("memory can be read"), Durability::Buffered).expect("and written");
        result
    };
    for seq in 1..=4_000 {
        let time = Timestamp::from_micros(1_000_000_000 + seq * 200_000);
        write(&mut |state| {
            machine.begin_batch(time, state);
            Vec::new()
        });
        model.begin_batch(time);
        let (command, context) = (client.next(&mut rng), Context { seq: SeqNum::new(seq), index: 0, time });
        let result = write(&mut |state| machine.execute(&context, &command, state));
        assert_eq!(result, model.execute(&context, &command), "{}", workload.show_command(&command));
        client.learn(&command, &result);
        let requests = Command::decode(&command).expect("a command").requests;
        let results = CommandResult::decode(&result).expect("a result").results.expect("it is carried out");
        requests.iter().zip(&results).for_each(|(request, result)| count(request, result, &mut counts));
    }
    assert_eq!(counts.len(), 12, "{counts:?}");
    assert!(counts.values().all(|count| *count >= 10), "{counts:?}");
}
