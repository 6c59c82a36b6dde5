//! The search for an explanation, against trying every order there is.

use crate::support::*;
use tetrarch_kv::{Answered, Command, CommandResult, Expected, Request, Response};
use tetrarch_simulator::rng::Rng;
use tetrarch_simulator::sight::Sight;
use tetrarch_simulator::workload::{KvModel, Sequential};
use tetrarch_types::{Outcome, Transaction};

/// An operation with its client's two moments; the second one missing if it was never answered.
#[derive(Clone, Debug)]
struct Step {
    transaction: Transaction,
    asked: usize,
    answered: Option<(usize, Vec<u8>)>,
}

fn command(rng: &mut Rng) -> Command {
    let key = |rng: &mut Rng| rng.one_of(["one", "two"]);
    let value = |rng: &mut Rng| vec![rng.below(3) as u8];
    let (first, second) = (key(rng), key(rng));
    match rng.below(6) {
        0 => Command::put(first, value(rng)),
        1 => Command::delete(first),
        2 => Command::compare_and_swap(first, Expected::Absent, Some(value(rng))),
        3 => Command::compare_and_swap(first, Expected::Version(1), Some(value(rng))),
        4 => Command::new([Request::put(first, value(rng)), Request::get(second)]),
        _ => Command::new([Request::get(first), Request::get(second)]),
    }
}

/// A history of a few operations. Each takes effect at a random moment between question and answer; then some answers are forged.
fn history(rng: &mut Rng) -> Vec<Step> {
    let count = rng.between(2, 6) as usize;
    let mut steps: Vec<(Step, usize)> = Vec::new();
    for nonce in 0..count {
        let mut moments = [rng.index(20), rng.index(20), rng.index(20)];
        moments.sort_unstable();
        let [asked, effective, answered] = moments.map(|moment| moment * 100 + nonce);
        let step =
            Step { transaction: transaction(nonce as u64, &command(rng)), asked, answered: Some((answered, vec![])) };
        steps.push((step, effective));
    }
    steps.sort_by_key(|(_, effective)| *effective);
    let mut model = KvModel::default();
    for (step, _) in &mut steps {
        let is_open = rng.chance(4_000);
        if is_open && rng.chance(5_000) {
            step.answered = None;
            continue;
        }
        let mut result = Sequential::execute(&mut model, &step.transaction.body.command);
        if rng.chance(1_500) {
            result = forged(&result, rng);
        }
        step.answered = step.answered.take().filter(|_| !is_open).map(|(at, _)| (at, result));
    }
    steps.into_iter().map(|(step, _)| step).collect()
}

/// Another answer of the same form.
fn forged(result: &[u8], rng: &mut Rng) -> Vec<u8> {
    let CommandResult { revision, results } = CommandResult::decode(result).expect("a result of the model's");
    let forge = |response: Response| match response {
        Response::Put { version, previous } => Response::Put { version: version + 1, previous },
        Response::Deleted { count, previous } => Response::Deleted { count: 1 - count, previous },
        Response::Txn(mut txn) => {
            txn.succeeded = !txn.succeeded;
            Response::Txn(txn)
        }
        Response::Range(mut found) => {
            found.records.clear();
            Response::Range(found)
        }
        other => other,
    };
    let forge = |one: Answered| Answered { response: forge(one.response), ..one };
    let results = results.map(|results| results.into_iter().map(|one| one.map(forge)).collect());
    CommandResult { revision: revision + rng.below(3), results }.encode()
}

/// The same as observations, in the order of their moments.
fn sights(steps: &[Step]) -> Vec<Sight> {
    let mut moments: Vec<(usize, Sight)> = Vec::new();
    for step in steps {
        moments.push((2 * step.asked, issued(&step.transaction)));
        if let Some((at, result)) = &step.answered {
            moments.push((2 * at + 1, told(1, &step.transaction, Outcome::Executed(result.clone()))));
        }
    }
    moments.sort_by_key(|(at, _)| *at);
    moments.into_iter().map(|(_, sight)| sight).collect()
}

/// Whether any order of all that was answered, with any of the rest between, explains the answers: every one of them is tried.
fn is_explained(model: &KvModel, left: &[Step]) -> bool {
    if left.iter().all(|step| step.answered.is_none()) {
        return true;
    }
    (0..left.len()).any(|next| {
        let mut rest = left.to_vec();
        let step = rest.remove(next);
        let is_late = rest.iter().filter_map(|other| other.answered.as_ref()).any(|(at, _)| *at < step.asked);
        let mut model = model.clone();
        let result = Sequential::execute(&mut model, &step.transaction.body.command);
        let result = model.local(&result);
        let fits = step.answered.is_none_or(|(_, due)| model.local(&due) == result);
        !is_late && fits && is_explained(&model, &rest)
    })
}

#[test]
fn the_search_finds_what_trying_everything_finds() {
    let mut rng = Rng::new(17);
    let mut verdicts = [0, 0];
    for round in 0..4_000 {
        let steps = history(&mut rng);
        let explained = is_explained(&KvModel::default(), &steps);
        let found = verdict("linearizability", sights(&steps));
        assert_eq!(found.is_ok(), explained, "round {round}: {found:?}: {steps:?}");
        verdicts[usize::from(explained)] += 1;
    }
    assert!(verdicts.iter().all(|times| *times > 300), "both verdicts come up: {verdicts:?}");
}

/// Many writes of which nobody knows whether they happened, and an answer that none of them explains: more orders than can be tried.
#[test]
fn what_is_too_hard_is_counted_and_not_called_right() {
    let mut oracle = all_oracles().into_iter().find(|oracle| oracle.name() == "linearizability").expect("it is there");
    let open = (0..40_u8).map(|number| issued(&transaction(number.into(), &Command::put("key", [number]))));
    let question = transaction(99, &Command::get("key"));
    let mut model = KvModel::default();
    Sequential::execute(&mut model, &Command::put("key", "nobody wrote this").encode());
    let answer = Sequential::execute(&mut model, &question.body.command);
    let sights = open.chain([issued(&question), told(1, &question, Outcome::Executed(answer))]);
    sights.for_each(|sight| assert_eq!(oracle.see(&sight, &rules()), Ok(())));
    assert_eq!(oracle.conclude(&rules()), Ok(()));
    assert_eq!(oracle.figures().get("linearizability-undecided"), Some(&1));
}
