//! Deliberate bugs, put back one at a time: the oracles must notice each of them within a bounded number of seeds.
//!
//! `make mutants` hunts all of them; names behind `--` hunt some (`… --test mutants -- gaps-not-filled`). Each is hunted with every
//! oracle, and where one of them sees the bug itself, again without that one, so that others have to see what it leads to. Each hunt is
//! several ones from different seeds, so that a median means something.
#![expect(clippy::print_stdout, reason = "how many seeds it took is what this is for")]
#![expect(
    clippy::disallowed_methods,
    reason = "hunts run beside each other, each of them replayable, and are named on the command line"
)]

mod hunting;

use std::collections::BTreeSet;
use std::process::ExitCode;

use hunting::{Hunt, hunt};
use tetrarch_mutants::Mutant::{self, *};
use tetrarch_simulator::Profile::{Calm, Crashes, Mixed};
use tetrarch_simulator::adversary::Lie;

/// How each mutant is hunted.
fn hunts(mutant: Mutant) -> Vec<Hunt> {
    let signatures = ["certificates", "no-honest-accused"];
    match mutant {
        CommitQuorumTooSmall => {
            let forked = Hunt::under(Mixed).telling(&[Lie::Equivocate]).with_replicas(4).without(&["certificates"]);
            vec![Hunt::under(Calm), forked.for_at_most(3_000)]
        }
        PrepareQuorumTooSmall => {
            vec![Hunt::under(Calm), Hunt::under(Mixed).telling(&[Lie::Equivocate]).without(&["certificates"])]
        }
        VotesNotDeduplicated => vec![Hunt::under(Crashes), Hunt::under(Mixed).without(&["certificates"])],
        // Shown by a lie, 9 of the menu: decided batches and stable checkpoints, handed over with certificates that repeat one vote.
        RepeatedSignersCertified => vec![Hunt::under(Mixed)],
        // Shown by a lie, 2 of the menu: a primary that sends a PREPARE beside its PRE-PREPARE.
        PrimaryCountedTwice => vec![Hunt::under(Mixed)],
        DigestNotCompared => {
            let equivocating = Hunt::under(Mixed).telling(&[Lie::Equivocate]);
            vec![equivocating.clone(), equivocating.without(&["certificates"])]
        }
        PrepareSignedAsCommit => vec![Hunt::under(Calm)],
        CommitNotVerified => vec![Hunt::under(Mixed).telling(&[Lie::Mutate])],
        NewViewFromOneViewChange => vec![Hunt::under(Crashes), Hunt::under(Crashes).without(&["new-views"])],
        ReproposalsNotRecomputed => {
            let wrong = Hunt::under(Mixed).telling(&[Lie::WrongReproposals]);
            vec![wrong.clone(), wrong.without(&["new-views"])]
        }
        // Shown by a lie, 10 of the menu: VIEW-CHANGEs with prepared certificates that nobody signed.
        PreparedNotVerified => vec![Hunt::under(Mixed)],
        // A lie that nobody tells yet would show it sooner, and without `new-views` too: a liar withholds its PREPAREs, hides a
        // certificate from the first view change and shows it, the oldest that it ever held, in every later one.
        LowestViewChosen => {
            vec![Hunt::under(Mixed).telling(&[Lie::OmitPrepared]).with_replicas(4).for_at_most(3_000)]
        }
        GapsNotFilled => vec![Hunt::under(Crashes), Hunt::under(Crashes).without(&["new-views"])],
        CommitViewUnchecked => vec![Hunt::under(Mixed)],
        VotesWhileChanging => vec![Hunt::under(Mixed), Hunt::under(Mixed).without(&["promises"])],
        ViewChangeNotRepeated => vec![Hunt::under(Mixed)],
        TimeoutNeverDoubled => vec![Hunt::under(Calm).for_a_while()],
        TimerWaitsForProposal => vec![Hunt::under(Mixed)],
        HighWatermarkUnchecked => {
            let jumping = Hunt::under(Mixed).telling(&[Lie::Mutate]);
            vec![jumping.clone(), jumping.without(&["watermarks"])]
        }
        StableAtWeakQuorum => vec![Hunt::under(Crashes)],
        StateNotVerified => {
            let lying = Hunt::under(Mixed).telling(&[Lie::LieState]).with_replicas(7);
            vec![lying.clone(), lying.without(&["one-result"])]
        }
        VoteBeforeFsync => vec![Hunt::under(Crashes), Hunt::under(Mixed).without(&["durable-first"])],
        RepliesLostOnRestart => vec![Hunt::under(Crashes), Hunt::under(Crashes).without(&["durability"])],
        TentativeNotCompared => vec![Hunt::under(Mixed)],
        // The power has to fail between the two, and whoever was told must have heard the others as well.
        ToldBeforeFsync => {
            let unseen = Hunt::under(Crashes).with_replicas(4).without(&["durable-first"]);
            vec![Hunt::under(Crashes), unseen.for_at_most(8_000)]
        }
        ToldForgotten => vec![Hunt::under(Crashes)],
        ScopeNotSigned => vec![Hunt::under(Calm), Hunt::under(Calm).without(&signatures)],
    }
}

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wanted: Result<Vec<Mutant>, _> = names.iter().map(|name| name.parse()).collect();
    let wanted = match wanted {
        Ok(wanted) if wanted.is_empty() => Mutant::ALL.to_vec(),
        Ok(wanted) => wanted,
        Err(error) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let all: Vec<(Mutant, Hunt)> =
        wanted.iter().flat_map(|mutant| hunts(*mutant).into_iter().map(|hunt| (*mutant, hunt))).collect();
    let mut escaped = BTreeSet::new();
    hunt(&all, |bag| {
        println!("{}", bag.line());
        if !bag.is_full() {
            escaped.insert(bag.mutant());
        }
    });
    println!("{} of {} mutants caught", wanted.len() - escaped.len(), wanted.len());
    if escaped.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
