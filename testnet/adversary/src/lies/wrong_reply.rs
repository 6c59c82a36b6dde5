//! Tells clients other results, with a root and a path that fit them; or the right ones, and that they are more certain than they are.

use tetrarch_crypto::{Digest, MerkleTree};
use tetrarch_types::{Outcome, Reply, Response, Results, SignedResults, TentativeResults, result_leaf};

use super::Teller;
use crate::hand::Hand;

/// It expired.
const EXPIRED: &str = "wrong-reply-expired";
/// Another result.
const RESULT: &str = "wrong-reply-result";

/// Of what is prepared, that it is decided.
const DECIDED: &str = "wrong-reply-decided";
/// Prepared in the next view, not in this one.
const OTHER_VIEW: &str = "wrong-reply-other-view";

pub(super) const FORMS: [&str; 4] = [EXPIRED, RESULT, DECIDED, OTHER_VIEW];

pub(super) struct WrongReply;

impl Teller for WrongReply {
    fn answer(&mut self, response: Response, hand: &mut Hand<'_>) -> Response {
        let Response::Reply(reply) = response else { return response };
        let form = hand.rng.one_of(FORMS);
        if let Some(results) = other_standing(form, &reply.results, hand) {
            hand.lied_as(form);
            return Response::Reply(Reply { results, ..reply });
        }
        let form = if form == EXPIRED { EXPIRED } else { RESULT };
        let outcome = if form == EXPIRED { Outcome::Expired } else { Outcome::Executed(vec![0; 4]) };
        let tree = MerkleTree::new(vec![result_leaf(&reply.transaction, &outcome)]);
        let Some(path) = tree.path(0) else { return Response::Reply(reply) };
        hand.lied_as(form);
        let results = signed_alike(&reply.results, tree.root(), hand);
        Response::Reply(Reply { transaction: reply.transaction, outcome, path, results })
    }
}

/// The same results, said of a batch that stands otherwise. What is decided can be called nothing better.
fn other_standing(form: &str, honest: &SignedResults, hand: &mut Hand<'_>) -> Option<SignedResults> {
    let (seq, root, view) = (honest.seq(), honest.root(), honest.tentative_in()?);
    match form {
        DECIDED => Some(SignedResults::Decided(hand.sign(Results { seq, root }))),
        OTHER_VIEW => Some(SignedResults::Tentative(hand.sign(TentativeResults { view: view.next(), seq, root }))),
        _ => None,
    }
}

/// Another root, said of a batch that stands as this one does.
fn signed_alike(honest: &SignedResults, root: Digest, hand: &mut Hand<'_>) -> SignedResults {
    let seq = honest.seq();
    match honest.tentative_in() {
        Some(view) => SignedResults::Tentative(hand.sign(TentativeResults { view, seq, root })),
        None => SignedResults::Decided(hand.sign(Results { seq, root })),
    }
}
