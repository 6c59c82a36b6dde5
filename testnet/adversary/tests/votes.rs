//! Votes, proposals and certificates: which of them a verifier lets through, and why not the others.
#![allow(clippy::expect_used, reason = "a lie that is not told has failed its test")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use support::{Chain, LIAR, id, seq, view};
use tetrarch_adversary::{Adversary, Lie, Setting, Word};
use tetrarch_crypto::SigningKey;
use tetrarch_types::{
    Batch, Commit, Fetch, Message, Prepare, Rejection, Response, Status, Supply, Timestamp, ViewChange, limits,
};

fn quiet(_: &mut Adversary) {}

/// A few numbers of view 0 went through.
fn some(chain: &Chain) -> impl Fn(&mut Adversary) {
    |liar: &mut Adversary| {
        for number in 1..=4 {
            chain.agree(liar, view(0), seq(number));
        }
        liar.hear(&Arc::new(Message::Supply(chain.by(id(0), Supply::Stable(chain.checkpoint(seq(4)))))));
        liar.hear(&Arc::new(chain.status(id(2), view(0), seq(4))));
    }
}

/// What was said beside or instead of a message.
fn lies<'a>(said: &'a [Word], truth: &Message) -> Vec<&'a Message> {
    said.iter().map(|word| word.message.as_ref()).filter(|message| *message != truth).collect()
}

/// Why a message is refused; a PREPARE of the primary is refused before anyone looks at its signature.
fn noticed(message: &Message, otherwise: Rejection) -> Rejection {
    let is_primary = message.signer() == id(0) && matches!(message, Message::Prepare(_));
    if is_primary { Rejection::WrongPrimary } else { otherwise }
}

fn prepare(chain: &Chain) -> Message {
    let (view, seq) = (view(0), seq(5));
    Message::Prepare(chain.by(LIAR, Prepare { view, seq, digest: chain.batch(seq).digest() }))
}

#[test]
fn equivocation_tells_acceptable_batches_in_the_split_it_is_named_for() {
    for (n, liars, two, one) in [(4, &[1][..], 2, 1), (7, &[1, 4][..], 4, 1)] {
        let chain = Chain::of(n, liars);
        let proposal = chain.proposal(view(1), seq(1));
        let mut splits = BTreeMap::new();
        for form in Lie::Equivocate.forms() {
            let said = chain.told(Lie::Equivocate, form, quiet, &proposal);
            let mut told: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
            for word in said.iter().filter(|word| !liars.contains(&word.to.get())) {
                if let Message::PrePrepare(it) = word.message.as_ref() {
                    assert_eq!(chain.verdict(&word.message), Ok(()));
                    told.entry(it.pre_prepare.payload.digest).or_default().insert(word.to);
                }
            }
            let digest = chain.batch(seq(1)).digest();
            splits.insert(*form, (told.len(), told.get(&digest).map_or(0, BTreeSet::len)));
        }
        assert_eq!(splits["equivocate-two-to-one"], (2, two), "n = {n}");
        assert_eq!(splits["equivocate-one-to-two"].0, 2, "n = {n}");
        assert!(splits["equivocate-one-to-two"].1 >= one, "n = {n}: {splits:?}");
        assert_eq!(splits["equivocate-three-ways"].0, 3, "n = {n}");
    }
}

#[test]
fn those_who_lie_together_vote_for_every_side() {
    let chain = Chain::of(7, &[1, 4]);
    let proposal = chain.proposal(view(1), seq(1));
    let said = chain.told(Lie::Equivocate, "equivocate-two-to-one", quiet, &proposal);
    let votes = |to: u16| said.iter().filter(move |word| word.to == id(to)).map(|word| word.message.clone());
    for to in [0, 2, 3, 5, 6] {
        let digest = votes(to).find_map(|message| match message.as_ref() {
            Message::PrePrepare(it) => Some(it.pre_prepare.payload.digest),
            _ => None,
        });
        let digest = digest.expect("everyone is proposed something");
        let (view, seq) = (view(1), seq(1));
        let partner = Message::Prepare(chain.by(id(4), Prepare { view, seq, digest }));
        let commits = [1, 4].map(|by| Message::Commit(chain.by(id(by), Commit { view, seq, digest })));
        assert!(votes(to).any(|message| *message == partner), "{to}");
        assert!(commits.iter().all(|commit| votes(to).any(|message| message.as_ref() == commit)), "{to}");
    }
}

#[test]
fn forged_certificates_are_refused_for_what_is_wrong_with_them() {
    let chain = Chain::of(4, &[1]);
    let status = chain.status(LIAR, view(0), seq(4));
    for form in Lie::ForgeCertificate.forms() {
        let said = chain.told(Lie::ForgeCertificate, form, some(&chain), &status);
        let forged = lies(&said, &status);
        assert!(!forged.is_empty());
        let is_repeated = form.ends_with("repeated-signer");
        let rejection = if is_repeated { Rejection::UnorderedVotes } else { Rejection::BadSignature };
        for forged in forged {
            assert_eq!(chain.verdict(forged), Err(rejection.clone()), "{form}");
        }
    }
}

#[test]
fn relabelled_signatures_are_genuine_and_fit_nothing() {
    let chain = Chain::of(4, &[1]);
    let status = chain.status(LIAR, view(0), seq(4));
    for form in Lie::Relabel.forms() {
        let said = chain.told(Lie::Relabel, form, some(&chain), &status);
        let relabelled = lies(&said, &status);
        assert!(relabelled.iter().any(|message| message.signer() != LIAR), "{form}");
        for message in relabelled {
            assert_eq!(chain.verdict(message), Err(noticed(message, Rejection::BadSignature)), "{form}");
        }
    }
    // Back under its own name such a signature holds.
    let said = chain.told(Lie::Relabel, "relabel-prepare-as-commit", some(&chain), &status);
    for message in lies(&said, &status) {
        let Message::Commit(it) = message else { panic!("{message:?}") };
        let Commit { view, seq, digest } = it.payload;
        assert_eq!(chain.by(it.signer, Prepare { view, seq, digest }).signature, it.signature);
    }
}

#[test]
fn words_of_another_scope_hold_there_and_not_here() {
    let chain = Chain::of(4, &[1]);
    let truth = prepare(&chain);
    for form in Lie::OtherScope.forms() {
        let said = chain.told(Lie::OtherScope, form, quiet, &truth);
        let elsewhere = lies(&said, &truth);
        assert!(!elsewhere.is_empty());
        for message in &elsewhere {
            assert_eq!(chain.verdict(message), Err(Rejection::BadSignature), "{form}");
        }
        if *form == "other-scope-epoch" {
            let next = chain.in_epoch(1);
            assert!(elsewhere.iter().all(|message| next.verdict(message).is_ok()));
        }
    }
}

#[test]
fn names_that_are_not_the_liars_are_noticed() {
    let chain = Chain::of(4, &[1]);
    let truth = prepare(&chain);
    for (form, rejection) in [
        ("impersonate-wrong-signer", Rejection::BadSignature),
        ("impersonate-inner", Rejection::MisplacedCertificate),
        ("impersonate-forged-votes", Rejection::BadSignature),
    ] {
        let said = chain.told(Lie::Impersonate, form, some(&chain), &truth);
        let others: Vec<_> = lies(&said, &truth);
        assert!(!others.is_empty(), "{form}");
        for message in others.into_iter().filter(|message| form.ends_with("inner") || message.signer() != LIAR) {
            assert_eq!(chain.verdict(message), Err(noticed(message, rejection.clone())), "{form}");
        }
    }
    let said = chain.told(Lie::Impersonate, "impersonate-stranger", some(&chain), &truth);
    for message in lies(&said, &truth).into_iter().filter(|it| !chain.membership.contains(it.signer())) {
        assert_eq!(chain.verdict(message), Err(Rejection::NotAMember(message.signer())));
    }
}

#[test]
fn bad_batches_are_what_they_are_called() {
    let chain = Chain::of(4, &[1]);
    let proposal = chain.proposal(view(1), seq(9));
    for form in Lie::BadBatch.forms() {
        let said = chain.told(Lie::BadBatch, form, some(&chain), &proposal);
        let proposals = said.iter().filter(|word| matches!(word.message.as_ref(), Message::PrePrepare(_)));
        for word in proposals {
            let expected = match *form {
                "bad-batch-twice" | "bad-batch-too-many" => Err(Rejection::BadBatch),
                "bad-batch-other-digest" => Err(Rejection::WrongDigest),
                _ => Ok(()),
            };
            assert_eq!(chain.verdict(&word.message), expected, "{form}");
            assert_ne!(*word.message, proposal, "{form}");
        }
    }
    let said = chain.told(Lie::BadBatch, "bad-batch-too-heavy", some(&chain), &proposal);
    let heavy = said.iter().find_map(|word| match word.message.as_ref() {
        Message::Supply(it) => match &it.payload {
            Supply::Transactions(bodies) => Some(bodies.iter().map(|body| body.cost()).sum::<usize>()),
            _ => None,
        },
        _ => None,
    });
    assert!(heavy.is_some_and(|bytes| bytes > limits::MAX_BATCH_BYTES));
}

#[test]
fn a_slow_primary_stays_below_the_timeout() {
    let chain = Chain::of(4, &[1]);
    let proposal = chain.proposal(view(1), seq(1));
    for seed in 0..50 {
        for word in chain.say(&mut chain.liar(Lie::Slow, seed), proposal.clone()) {
            let timeout = Setting::default().timeout;
            assert!(word.after >= timeout / 2 && word.after < timeout, "{:?}", word.after);
            assert_eq!(*word.message, proposal);
        }
        // As backup it takes its time with nothing.
        let prompt = chain.say(&mut chain.liar(Lie::Slow, seed), prepare(&chain));
        assert!(prompt.iter().all(|word| word.after == Duration::ZERO));
    }
}

#[test]
fn a_censor_lets_others_through() {
    let chain = Chain::of(4, &[1]);
    let censored = (0..64).filter(|seed| {
        let mut liar = chain.liar(Lie::Censor, *seed);
        // It lets a sender off for good or for a while; whom it once chose it never hears again.
        let heard: Vec<bool> = (0..20).map(|nonce| liar.admit(&chain.transaction(nonce))).collect();
        assert!(heard.is_sorted_by(|one, next| one >= next), "{heard:?}");
        heard.contains(&false)
    });
    assert!(censored.count() > 60);
}

#[test]
fn an_unfair_order_is_the_same_batch_in_another_order_for_everyone() {
    let chain = Chain::of(4, &[1]);
    let rival = SigningKey::from_seed([98; 32]);
    let sent = [chain.transaction(1), chain.transaction(2), chain.transaction_by(&rival, 1)];
    let [one, two, rival] = sent.each_ref().map(|it| it.id());
    let mut liar = chain.liar(Lie::UnfairOrder, 1);
    sent.iter().for_each(|it| assert!(liar.admit(it)));
    // Whoever came last comes first, now and from now on, whatever the order was.
    for (number, order) in [(1, [one, two, rival]), (2, [two, rival, one])] {
        let transactions = order.to_vec();
        let batch = Batch { timestamp: Timestamp::from_micros(number), transactions };
        let proposal = chain.proposal_of(view(1), seq(number), batch);
        let said = chain.say(&mut liar, proposal.clone());
        let told = said.iter().filter_map(|word| match word.message.as_ref() {
            Message::PrePrepare(it) => Some(it.batch.transactions.clone()),
            _ => None,
        });
        let told: Vec<_> = told.collect();
        let rest = order.into_iter().filter(|id| *id != rival);
        let unfair: Vec<_> = [rival].into_iter().chain(rest).collect();
        assert_eq!(told, vec![unfair; 3]);
        assert!(said.iter().all(|word| chain.verdict(&word.message).is_ok()));
    }
}

#[test]
fn whoever_asks_for_an_invention_gets_it() {
    let chain = Chain::of(4, &[1]);
    let status = chain.status(LIAR, view(0), seq(4));
    let mut liar = chain.liar(Lie::Impersonate, 1);
    some(&chain)(&mut liar);
    let real: BTreeSet<_> = (1..=5).map(|number| chain.batch(seq(number)).digest()).collect();
    let invented = (0..500).find_map(|_| {
        chain.say(&mut liar, status.clone()).into_iter().find_map(|word| match word.message.as_ref() {
            Message::Commit(it) if !real.contains(&it.payload.digest) => Some(it.payload.digest),
            _ => None,
        })
    });
    let digest = invented.expect("it invents a batch");
    liar.hear(&Arc::new(Message::Fetch(chain.by(id(3), Fetch::Batch(digest)))));
    let said = chain.say(&mut liar, status);
    let answer = said.iter().find_map(|word| match word.message.as_ref() {
        Message::Supply(it) => match &it.payload {
            Supply::Batch { batch, .. } => Some((word.to, batch.clone(), chain.verdict(&word.message))),
            _ => None,
        },
        _ => None,
    });
    let (to, batch, verdict): (_, Batch, _) = answer.expect("it answers");
    assert_eq!((to, batch.digest(), verdict), (id(3), digest, Ok(())));
}

#[test]
fn nobody_signs_with_a_key_that_it_does_not_hold() {
    let chain = Chain::of(7, &[1, 4]);
    let status = Message::Status(
        chain.by(LIAR, Status { view: view(0), changing: false, executed: seq(4), stable: seq(0), slow: false }),
    );
    // Each lie but the one that replays what others really said.
    for lie in Lie::ALL.iter().filter(|lie| **lie != Lie::Replay) {
        for seed in 0..20 {
            let mut liar = chain.liar(*lie, seed);
            some(&chain)(&mut liar);
            for message in [&status, &prepare(&chain), &chain.proposal(view(1), seq(9))] {
                for word in chain.say(&mut liar, message.clone()) {
                    let is_own = chain.liars.contains(&word.message.signer());
                    assert!(is_own || chain.verdict(&word.message).is_err(), "{lie}: {:?}", word.message);
                }
            }
        }
    }
}

/// A liar's own votes in far views come back to its node when that starts, which then goes there.
#[test]
fn no_liar_stumbles_at_the_end_of_the_numbers() {
    let chain = Chain::of(4, &[1]);
    let (last_view, last_seq) = (view(u64::MAX), seq(u64::MAX));
    let digest = chain.batch(seq(1)).digest();
    let view_change = ViewChange { view: last_view, stable: chain.checkpoint(last_seq), prepared: Vec::new() };
    let words = [
        chain.status(LIAR, last_view, last_seq),
        chain.proposal_of(view(1), last_seq, chain.batch(seq(1))),
        Message::Prepare(chain.by(LIAR, Prepare { view: last_view, seq: last_seq, digest })),
        Message::Commit(chain.by(LIAR, Commit { view: last_view, seq: last_seq, digest })),
        Message::ViewChange(chain.by(LIAR, view_change)),
    ];
    for lie in Lie::ALL {
        for seed in 0..40 {
            let mut liar = chain.liar(*lie, seed);
            liar.hear(&Arc::new(chain.status(id(0), last_view, last_seq)));
            let said = words.iter().flat_map(|word| chain.say(&mut liar, word.clone())).count();
            assert!(said > 0 || *lie == Lie::Silence, "{lie}");
        }
    }
}

#[test]
fn a_response_that_is_no_reply_passes() {
    let chain = Chain::of(4, &[1]);
    let mut liar = chain.liar(Lie::WrongReply, 1);
    let refusal = Response::Refused(tetrarch_types::Refusal::Expired);
    assert_eq!(liar.answer(refusal.clone()), refusal);
    assert!(liar.counts().is_empty());
}
