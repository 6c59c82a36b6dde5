//! Tells clients other results, with a root and a path that fit them.

use tetrarch_crypto::MerkleTree;
use tetrarch_types::{Outcome, Reply, Response, Results, result_leaf};

use super::Teller;
use crate::hand::Hand;

/// It expired.
const EXPIRED: &str = "wrong-reply-expired";
/// Another result.
const RESULT: &str = "wrong-reply-result";

pub(super) const FORMS: [&str; 2] = [EXPIRED, RESULT];

pub(super) struct WrongReply;

impl Teller for WrongReply {
    fn answer(&mut self, response: Response, hand: &mut Hand<'_>) -> Response {
        let Response::Reply(reply) = response else { return response };
        let form = hand.rng.one_of(FORMS);
        let outcome = if form == EXPIRED { Outcome::Expired } else { Outcome::Executed(vec![0; 4]) };
        let tree = MerkleTree::new(vec![result_leaf(&reply.transaction, &outcome)]);
        let Some(path) = tree.path(0) else { return Response::Reply(reply) };
        hand.lied_as(form);
        let results = hand.sign(Results { seq: reply.results.payload.seq, root: tree.root() });
        Response::Reply(Reply { transaction: reply.transaction, outcome, path, results })
    }
}
