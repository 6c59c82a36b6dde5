//! No message passes on a signature that was made by someone else, for something else, or elsewhere.

use crate::support::{Chain, SIZES, digest, id};
use tetrarch_crypto::{Digest, Domain, Scope, Signature, Signer};
use tetrarch_types::{Message, Rejection, ReplicaId, Signable, encode};

/// Gives the parts of any message to a closure-like block.
macro_rules! in_any {
    ($message:expr, $signed:ident => $body:expr) => {
        match $message {
            Message::PrePrepare(proposal) => {
                let $signed = &mut proposal.pre_prepare;
                $body
            }
            Message::Prepare($signed) => $body,
            Message::Commit($signed) => $body,
            Message::Checkpoint($signed) => $body,
            Message::ViewChange($signed) => $body,
            Message::NewView($signed) => $body,
            Message::Status($signed) => $body,
            Message::Fetch($signed) => $body,
            Message::Supply($signed) => $body,
        }
    };
}

fn domain_of<T: Signable>(_: &T) -> Domain {
    T::DOMAIN
}

/// What the message's signer signs: domain and payload.
fn statement(message: &mut Message) -> (Domain, Vec<u8>) {
    in_any!(message, signed => (domain_of(&signed.payload), encode(&signed.payload)))
}

fn with_signature(message: &Message, signature: Signature) -> Message {
    let mut message = message.clone();
    in_any!(&mut message, signed => signed.signature = signature);
    message
}

fn with_signer(message: &Message, signer: ReplicaId) -> Message {
    let mut message = message.clone();
    in_any!(&mut message, signed => signed.signer = signer);
    message
}

/// The message under a signature by `signer`, over the same payload in another domain or scope.
fn resigned(chain: &Chain, message: &Message, signer: ReplicaId, domain: Option<Domain>, scope: &Scope) -> Message {
    let (own, payload) = statement(&mut message.clone());
    let bytes = domain.unwrap_or(own).signing_bytes(scope, &payload);
    with_signature(message, chain.keys[signer.index()].sign(&bytes))
}

#[test]
fn valid_messages_pass_at_every_size() {
    for size in SIZES {
        let chain = Chain::of(size);
        for (name, message) in chain.messages() {
            let expected = match (size, name) {
                (1, "Prepare") => Err(Rejection::WrongPrimary),
                _ => Ok(()),
            };
            assert_eq!(chain.judge(message), expected, "{name} at n = {size}");
        }
    }
}

#[test]
fn a_signature_made_again_the_same_way_passes() {
    let chain = Chain::of(4);
    for (name, message) in chain.messages() {
        let again = resigned(&chain, &message, message.signer(), None, chain.scope());
        assert_eq!(again, message, "{name}: the corruptions below change one thing only");
    }
}

#[test]
fn another_replicas_signature_is_refused() {
    let chain = Chain::of(4);
    for (name, message) in chain.messages() {
        let other = id((message.signer().index() + 1) % 4);
        let forged = resigned(&chain, &message, other, None, chain.scope());
        assert_eq!(chain.judge(forged), Err(Rejection::BadSignature), "{name}");
    }
}

#[test]
fn a_message_in_another_replicas_name_is_refused() {
    let chain = Chain::of(4);
    for (name, message) in chain.messages() {
        for other in chain.membership.ids().filter(|other| *other != message.signer()) {
            let expected = match name {
                "PrePrepare" | "NewView" => Rejection::WrongPrimary,
                "Prepare" if other == chain.primary() => Rejection::WrongPrimary,
                _ => Rejection::BadSignature,
            };
            assert_eq!(chain.judge(with_signer(&message, other)), Err(expected), "{name} as {other}");
        }
    }
}

#[test]
fn strangers_are_refused() {
    let chain = Chain::of(4);
    for (name, message) in chain.messages() {
        for stranger in [id(4), ReplicaId::new(u16::MAX)] {
            let expected = match name {
                "PrePrepare" | "NewView" => Rejection::WrongPrimary,
                _ => Rejection::NotAMember(stranger),
            };
            assert_eq!(chain.judge(with_signer(&message, stranger)), Err(expected), "{name}");
        }
    }
}

#[test]
fn a_signature_in_any_other_domain_is_refused() {
    let chain = Chain::of(4);
    for (name, message) in chain.messages() {
        let own = statement(&mut message.clone()).0;
        for domain in Domain::ALL.iter().copied().filter(|domain| *domain != own) {
            let moved = resigned(&chain, &message, message.signer(), Some(domain), chain.scope());
            assert_eq!(chain.judge(moved), Err(Rejection::BadSignature), "{name} signed as {domain:?}");
        }
    }
}

#[test]
fn every_kind_has_a_domain_of_its_own() {
    let mut domains: Vec<Domain> =
        Chain::of(4).messages().iter_mut().map(|(_, message)| statement(message).0).collect();
    domains.sort_unstable();
    domains.dedup();
    assert_eq!(domains.len(), 9);
}

#[test]
fn another_chains_signature_is_refused() {
    let chain = Chain::of(4);
    let elsewhere = Scope { genesis: digest(0xee), epoch: 0 };
    for (name, message) in chain.messages() {
        let moved = resigned(&chain, &message, message.signer(), None, &elsewhere);
        assert_eq!(chain.judge(moved), Err(Rejection::BadSignature), "{name}");
    }
}

#[test]
fn another_epochs_signature_is_refused() {
    let chain = Chain::of(4);
    for epoch in [1, u64::MAX] {
        let later = Scope { epoch, ..*chain.scope() };
        for (name, message) in chain.messages() {
            let moved = resigned(&chain, &message, message.signer(), None, &later);
            assert_eq!(chain.judge(moved), Err(Rejection::BadSignature), "{name} of epoch {epoch}");
        }
    }
}

#[test]
fn a_changed_signature_is_refused() {
    let chain = Chain::of(4);
    for (name, mut message) in chain.messages() {
        let honest = in_any!(&mut message, signed => *signed.signature.as_bytes());
        for at in [0, 31, 32, 63] {
            let mut bytes = honest;
            bytes[at] ^= 1;
            let changed = with_signature(&message, Signature::from_bytes(bytes));
            assert_eq!(chain.judge(changed), Err(Rejection::BadSignature), "{name}, byte {at}");
        }
        assert_eq!(
            chain.judge(with_signature(&message, Signature::from_bytes([0; 64]))),
            Err(Rejection::BadSignature),
            "{name}: zeroes"
        );
    }
}

#[test]
fn a_changed_statement_is_refused() {
    let chain = Chain::of(4);
    let changed = |mut message: Message| {
        match &mut message {
            Message::PrePrepare(it) => it.pre_prepare.payload.seq = it.pre_prepare.payload.seq.next(),
            Message::Prepare(it) => it.payload.digest = Digest::ZERO,
            Message::Commit(it) => it.payload.seq = it.payload.seq.next(),
            Message::Checkpoint(it) => it.payload.state_root = Digest::ZERO,
            Message::ViewChange(it) => it.payload.view = it.payload.view.next(),
            Message::NewView(it) => it.payload.proposals.truncate(1),
            Message::Status(it) => it.payload.changing = !it.payload.changing,
            Message::Fetch(it) => it.payload = tetrarch_types::Fetch::Batch(Digest::ZERO),
            Message::Supply(it) => it.payload = tetrarch_types::Supply::Committed(Vec::new()),
        }
        message
    };
    for (name, message) in chain.messages() {
        assert_eq!(chain.judge(changed(message)), Err(Rejection::BadSignature), "{name}");
    }
}
