//! Forged VIEW-CHANGEs and NEW-VIEWs have the one thing wrong that they are named for, and nothing else.
#![allow(clippy::expect_used, reason = "a lie that is not told has failed its test")]

mod support;

use support::{Chain, LIAR, id, seq, view};
use tetrarch_adversary::{Adversary, Lie, Word};
use tetrarch_types::{Message, NewView, PrePrepare, Rejection, Signed, ViewChange};

/// Numbers that were prepared in views 0 and 1; the second one is the liar's.
fn two_views(chain: &Chain) -> impl Fn(&mut Adversary) {
    |liar: &mut Adversary| {
        for number in 1..=3 {
            chain.agree(liar, view(0), seq(number));
        }
        for number in 1..=3 {
            chain.agree(liar, view(1), seq(number));
        }
        liar.hear(&std::sync::Arc::new(chain.status(id(0), view(1), seq(3))));
    }
}

/// The liar's VIEW-CHANGE for view 2, which shows what was prepared in view 1.
fn truth(chain: &Chain) -> Message {
    let prepared = (1..=3).map(|number| chain.prepared(view(1), seq(number))).collect();
    Message::ViewChange(chain.view_change(LIAR, view(2), prepared))
}

fn forged(chain: &Chain, lie: Lie, form: &str) -> Signed<ViewChange> {
    let said = chain.told(lie, form, two_views(chain), &truth(chain));
    let first = said.first().expect("it is said to somebody").message.clone();
    assert!(said.iter().all(|word| word.message == first), "{form}: everyone is told the same");
    match first.as_ref() {
        Message::ViewChange(signed) => signed.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn invented_certificates_are_refused_for_what_is_wrong_with_them() {
    let chain = Chain::of(4, &[1]);
    let few = Rejection::TooFewVotes { have: 1, need: 2 };
    for (form, rejection) in [
        ("invent-prepared-repeated-signer", Rejection::UnorderedVotes),
        ("invent-prepared-garbage", Rejection::BadSignature),
        ("invent-prepared-primary-twice", Rejection::WrongPrimary),
        ("invent-prepared-mixed-views", Rejection::BadSignature),
        ("invent-prepared-too-few", few),
        ("invent-prepared-false-checkpoint", Rejection::UnorderedVotes),
        ("invent-prepared-oversize", Rejection::MisplacedCertificate),
    ] {
        let forged = forged(&chain, Lie::InventPrepared, form);
        assert_eq!(chain.verdict(&Message::ViewChange(forged)), Err(rejection), "{form}");
    }
}

/// What distinguishes it from garbage: whoever forgets to look at the order believes it.
#[test]
fn a_repeated_signer_really_signed() {
    let chain = Chain::of(4, &[1]);
    let mut forged = forged(&chain, Lie::InventPrepared, "invent-prepared-repeated-signer").payload;
    let repeated = forged.prepared.iter_mut().find(|it| it.prepares.windows(2).any(|two| two[0] == two[1]));
    let repeated = repeated.expect("one certificate repeats a signer");
    assert_eq!(repeated.prepares.len() + 1, chain.membership.quorum());
    repeated.prepares.dedup();
    let rejection = chain.verdict(&Message::ViewChange(chain.by(LIAR, forged)));
    assert_eq!(rejection, Err(Rejection::TooFewVotes { have: 1, need: 2 }));
}

#[test]
fn a_primary_counted_twice_really_signed_both() {
    let chain = Chain::of(4, &[1]);
    let mut forged = forged(&chain, Lie::InventPrepared, "invent-prepared-primary-twice").payload;
    let has_primary = |it: &&mut tetrarch_types::PreparedCertificate| {
        it.prepares.iter().any(|(signer, _)| *signer == chain.membership.primary(it.view))
    };
    let twice = forged.prepared.iter_mut().find(has_primary).expect("one certificate counts its primary twice");
    let primary = chain.membership.primary(twice.view);
    twice.prepares.retain(|(signer, _)| *signer != primary);
    let rejection = chain.verdict(&Message::ViewChange(chain.by(LIAR, forged)));
    assert_eq!(rejection, Err(Rejection::TooFewVotes { have: 1, need: 2 }));
}

#[test]
fn a_stale_certificate_holds_and_is_not_the_latest() {
    let chain = Chain::of(4, &[1]);
    let forged = forged(&chain, Lie::InventPrepared, "invent-prepared-stale");
    assert_eq!(chain.verdict(&Message::ViewChange(forged.clone())), Ok(()));
    assert!(forged.payload.prepared.iter().any(|it| it.view == view(0)));
}

#[test]
fn omissions_hold() {
    let chain = Chain::of(4, &[1]);
    for form in Lie::OmitPrepared.forms() {
        if *form == "omit-prepared-checkpoint" {
            continue;
        }
        let forged = forged(&chain, Lie::OmitPrepared, form);
        assert!(forged.payload.prepared.len() < 3, "{form}");
        assert_eq!(chain.verdict(&Message::ViewChange(forged)), Ok(()), "{form}");
    }
}

fn new_view(chain: &Chain) -> Message {
    let prepared = || (1..=3).map(|number| chain.prepared(view(0), seq(number))).collect();
    let view_changes = [0, 1, 2].map(|by| chain.view_change(id(by), view(1), prepared())).to_vec();
    let proposals = (1..=3).map(|number| {
        let digest = chain.batch(seq(number)).digest();
        chain.by(LIAR, PrePrepare { view: view(1), seq: seq(number), digest })
    });
    let proposals = proposals.collect();
    Message::NewView(chain.by(LIAR, NewView { view: view(1), view_changes, proposals }))
}

fn new_views(said: &[Word]) -> Vec<&Message> {
    said.iter().map(|word| word.message.as_ref()).filter(|it| matches!(it, Message::NewView(_))).collect()
}

#[test]
fn forged_new_views_are_refused_for_what_is_wrong_with_them() {
    let chain = Chain::of(4, &[1]);
    assert_eq!(chain.verdict(&new_view(&chain)), Ok(()));
    for (form, rejection) in [
        ("forge-new-view-too-few", Rejection::TooFewVotes { have: 2, need: 3 }),
        ("forge-new-view-repeated", Rejection::UnorderedVotes),
        ("forge-new-view-doctored", Rejection::BadSignature),
    ] {
        let said = chain.told(Lie::ForgeNewView, form, |_| {}, &new_view(&chain));
        let forged = new_views(&said);
        assert_eq!(forged.len(), 3);
        for forged in forged {
            assert_eq!(chain.verdict(forged), Err(rejection.clone()), "{form}");
        }
    }
}

#[test]
fn a_new_view_alone_or_out_of_turn_is_refused_for_that() {
    let chain = Chain::of(4, &[1]);
    let scene = |liar: &mut Adversary| {
        for by in [0, 2, 3] {
            let view_change = Message::ViewChange(chain.view_change(id(by), view(2), Vec::new()));
            liar.hear(&std::sync::Arc::new(view_change));
        }
    };
    let status = chain.status(LIAR, view(0), seq(0));
    for (form, rejection) in [
        ("forge-new-view-alone", Rejection::TooFewVotes { have: 1, need: 3 }),
        ("forge-new-view-wrong-primary", Rejection::WrongPrimary),
    ] {
        let said = chain.told(Lie::ForgeNewView, form, scene, &status);
        let forged = new_views(&said);
        assert!(!forged.is_empty());
        for forged in forged {
            assert_eq!(chain.verdict(forged), Err(rejection.clone()), "{form}");
        }
    }
}

#[test]
fn wrong_reproposals_are_signed_as_they_should_be() {
    let chain = Chain::of(4, &[1]);
    for form in Lie::WrongReproposals.forms() {
        let said = chain.told(Lie::WrongReproposals, form, |_| {}, &new_view(&chain));
        for forged in new_views(&said) {
            assert_eq!(chain.verdict(forged), Ok(()), "{form}: a verifier cannot tell, a replica has to");
            assert_ne!(*forged, new_view(&chain));
        }
    }
}
