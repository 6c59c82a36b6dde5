//! PRE-PREPAREs with their batches, the primary's silence among PREPAREs, and bodies that are fetched and supplied.

use crate::support::{self, Chain, VIEW, batch_of_ids, digest, seq};
use tetrarch_crypto::{Digest, PublicKey, Signature, WeakKey};
use tetrarch_types::limits::{MAX_BATCH_TRANSACTIONS, MAX_COMMAND_BYTES, MAX_FETCH_TRANSACTIONS, MAX_SUPPLY_BATCHES};
use tetrarch_types::{
    Batch, CommittedBatch, Fetch, Payload, PrePrepare, Prepare, Rejection, ReplicaId, Supply, Transaction,
    TransactionId, Verified,
};

fn propose(chain: &Chain, batch: Batch, digest: Digest, signer: ReplicaId) -> Result<(), Rejection> {
    let assignment = PrePrepare { view: VIEW, seq: seq(9), digest };
    chain.judge(chain.message(Payload::PrePrepare { assignment, batch }, signer))
}

#[test]
fn only_the_views_primary_proposes() {
    let chain = Chain::of(4);
    let batch = chain.batch().0;
    for signer in chain.membership.ids() {
        let expected = if signer == chain.primary() { Ok(()) } else { Err(Rejection::WrongPrimary) };
        assert_eq!(propose(&chain, batch.clone(), batch.digest(), signer), expected, "replica {signer}");
    }
}

#[test]
fn the_batch_must_be_the_one_that_is_signed() {
    let chain = Chain::of(4);
    let batch = chain.batch().0;
    let mut others = [batch.clone(), batch.clone(), batch.clone(), Batch::noop()];
    others[0].timestamp = others[0].timestamp.next();
    others[1].transactions.swap(0, 1);
    others[2].transactions.pop();
    for other in others {
        assert_eq!(propose(&chain, other, batch.digest(), chain.primary()), Err(Rejection::WrongDigest));
    }
}

#[test]
fn a_transaction_twice_is_refused_wherever_it_stands() {
    let chain = Chain::of(4);
    for (from, to) in [(0, 1), (0, 2), (1, 2)] {
        let mut batch = chain.batch().0;
        batch.transactions[to] = batch.transactions[from];
        let digest = batch.digest();
        assert_eq!(propose(&chain, batch, digest, chain.primary()), Err(Rejection::BadBatch));
    }
}

#[test]
fn the_longest_batch_passes_and_one_more_does_not() {
    let chain = Chain::of(4);
    let judge = |count| {
        let batch = batch_of_ids(count);
        let digest = batch.digest();
        propose(&chain, batch, digest, chain.primary())
    };
    assert_eq!(judge(0), Ok(()));
    assert_eq!(judge(MAX_BATCH_TRANSACTIONS as u64), Ok(()));
    assert_eq!(judge(MAX_BATCH_TRANSACTIONS as u64 + 1), Err(Rejection::BadBatch));
}

#[test]
fn a_primary_sends_no_prepare() {
    let chain = Chain::of(4);
    for signer in chain.membership.ids() {
        let prepare = Prepare { view: VIEW, seq: seq(9), digest: digest(1) };
        let expected = if signer == chain.primary() { Err(Rejection::WrongPrimary) } else { Ok(()) };
        assert_eq!(chain.judge(chain.message(Payload::Prepare(prepare), signer)), expected, "replica {signer}");
    }
}

#[test]
fn a_fetch_is_bounded() {
    let chain = Chain::of(4);
    let judge = |count| {
        let ids: Vec<TransactionId> = batch_of_ids(count as u64).transactions;
        chain.judge(chain.message(Payload::Fetch(Fetch::Transactions(ids)), chain.backup()))
    };
    assert_eq!(judge(0), Ok(()));
    assert_eq!(judge(MAX_FETCH_TRANSACTIONS), Ok(()));
    assert_eq!(judge(MAX_FETCH_TRANSACTIONS + 1), Err(Rejection::TooMany));
}

fn supply(chain: &Chain, supply: Supply) -> Result<(), Rejection> {
    chain.judge(chain.message(Payload::Supply(supply), chain.backup()))
}

/// Every supply that carries these bodies for this batch; the committed one is decided as it stands.
fn supplies(chain: &Chain, batch: &Batch, transactions: &[Transaction]) -> [Supply; 2] {
    let transactions = transactions.to_vec();
    let batch = batch.clone();
    let certificate = chain.committed(seq(9), batch.digest());
    let committed =
        CommittedBatch { seq: seq(9), batch: batch.clone(), transactions: transactions.clone(), certificate };
    [Supply::Batch { batch, transactions }, Supply::Committed(vec![committed])]
}

#[test]
fn bodies_must_be_the_batchs_in_its_order() {
    let chain = Chain::of(4);
    let (batch, bodies) = chain.batch();
    let mut swapped = bodies.clone();
    swapped.swap(0, 2);
    let mut foreign = bodies.clone();
    foreign[1] = chain.transaction(99);
    let longer = [bodies.as_slice(), &[chain.transaction(99)]].concat();
    for wrong in [&bodies[..2], &swapped, &foreign, &longer, &[]] {
        for it in supplies(&chain, &batch, wrong) {
            assert_eq!(supply(&chain, it), Err(Rejection::WrongBodies));
        }
    }
    for it in supplies(&chain, &batch, &bodies) {
        assert_eq!(supply(&chain, it), Ok(()));
    }
}

#[test]
fn supplied_batches_are_bounded_and_name_each_transaction_once() {
    let chain = Chain::of(4);
    let mut twice = chain.batch();
    twice.0.transactions[1] = twice.0.transactions[0];
    twice.1[1] = twice.1[0].clone();
    for it in supplies(&chain, &twice.0, &twice.1) {
        assert_eq!(supply(&chain, it), Err(Rejection::BadBatch));
    }
    for it in supplies(&chain, &batch_of_ids(MAX_BATCH_TRANSACTIONS as u64 + 1), &[]) {
        assert_eq!(supply(&chain, it), Err(Rejection::BadBatch));
    }
}

#[test]
fn every_supplied_body_is_verified() {
    let chain = Chain::of(4);
    type Flaw = (fn(&mut Transaction), Rejection);
    let flaws: [Flaw; 4] = [
        (|it| it.signature = Signature::from_bytes([0; 64]), Rejection::BadSignature),
        (|it| it.body.chain = digest(1), Rejection::WrongChain),
        (|it| it.body.command = vec![0; MAX_COMMAND_BYTES + 1], Rejection::TooLarge),
        (|it| it.body.sender = PublicKey::from_bytes([0; 32]), Rejection::WeakKey(WeakKey::SmallOrder)),
    ];
    for (spoil, expected) in flaws {
        for place in 0..3 {
            let mut bodies = chain.batch().1;
            spoil(&mut bodies[place]);
            let batch = support::batch_of(&bodies);
            for it in supplies(&chain, &batch, &bodies) {
                assert_eq!(supply(&chain, it).as_ref(), Err(&expected), "body {place}");
            }
            assert_eq!(supply(&chain, Supply::Transactions(bodies)), Err(expected.clone()), "body {place}");
        }
    }
}

#[test]
fn supplies_are_bounded() {
    let chain = Chain::of(4);
    let bodies = vec![chain.transaction(1); MAX_BATCH_TRANSACTIONS + 1];
    assert_eq!(supply(&chain, Supply::Transactions(bodies)), Err(Rejection::TooMany));
    let batches = vec![chain.committed_batch(seq(9)); MAX_SUPPLY_BATCHES + 1];
    assert_eq!(supply(&chain, Supply::Committed(batches[1..].to_vec())), Ok(()));
    assert_eq!(supply(&chain, Supply::Committed(batches)), Err(Rejection::TooMany));
}

#[test]
fn a_draft_is_a_batch_that_could_be_proposed() {
    let chain = Chain::of(4);
    let draft = |transactions| {
        let batch = Batch { timestamp: chain.batch().0.timestamp, transactions };
        supply(&chain, Supply::Draft { view: VIEW, seq: seq(9), batch })
    };
    let ids = chain.batch().0.transactions;
    assert_eq!(draft(ids.clone()), Ok(()));
    assert_eq!(draft([ids.clone(), ids].concat()), Err(Rejection::BadBatch), "named twice");
    let distinct = |count: usize| (1..=count as u64).map(|nonce| chain.transaction(nonce).id()).collect();
    assert_eq!(draft(distinct(MAX_BATCH_TRANSACTIONS)), Ok(()));
    assert_eq!(draft(distinct(MAX_BATCH_TRANSACTIONS + 1)), Err(Rejection::BadBatch), "too many");
}

#[test]
fn a_verified_supply_gives_its_bodies_in_order() {
    let chain = Chain::of(4);
    let (batch, bodies) = chain.batch();
    let [whole, committed] = supplies(&chain, &batch, &bodies);
    for it in [Supply::Transactions(bodies.clone()), whole, committed] {
        let message = chain.message(Payload::Supply(it), chain.backup());
        let verified = chain.verifier().message(message).unwrap();
        let given = verified.into_supply().unwrap().into_transactions().into_iter().map(Verified::into_inner);
        assert_eq!(given.collect::<Vec<_>>(), bodies);
    }
}

#[test]
fn any_other_message_comes_back_as_it_was() {
    let chain = Chain::of(4);
    for (name, message) in chain.messages() {
        let verified = chain.verifier().message(message).unwrap();
        match verified.clone().into_supply() {
            Ok(_) => assert!(name.starts_with("Supply"), "{name}"),
            Err(back) => assert_eq!(back, verified, "{name}"),
        }
    }
}
