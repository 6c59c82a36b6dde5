//! Ends of validity that have passed, will soon, or lie further ahead than any may (rule R-3).

use std::time::Duration;

use tetrarch_types::limits::MAX_VALIDITY;
use tetrarch_types::{Timestamp, TransactionBody};

use super::{Hand, Trick};

const EXPIRED: &str = "expired-request";
const SHORT: &str = "short-validity";
const TOO_LONG: &str = "too-long-validity";
const EDGE: &str = "edge-of-validity";

pub(super) const FORMS: [&str; 4] = [EXPIRED, SHORT, TOO_LONG, EDGE];

/// About how far clocks may lie apart: what is at the edge for one replica is beyond it for another.
const SPREAD: Duration = Duration::from_secs(25);

pub(super) struct Validity;

impl Trick for Validity {
    fn play(&mut self, hand: &mut Hand<'_>) {
        let form = hand.rng.one_of(FORMS);
        let now = hand.scene.now;
        let valid_until = match form {
            EXPIRED => earlier(now, hand.rng.span(Duration::from_millis(1), SPREAD)),
            SHORT => now.plus(hand.rng.span(Duration::ZERO, Duration::from_millis(500))),
            TOO_LONG => now.plus(MAX_VALIDITY + hand.rng.span(SPREAD, SPREAD * 10)),
            _ => earlier(now.plus(MAX_VALIDITY), hand.rng.span(Duration::ZERO, SPREAD)),
        };
        let body = TransactionBody { valid_until, ..hand.body() };
        let transaction = hand.account.sign(hand.scene.chain, body);
        hand.count(form);
        let to = hand.some();
        hand.send(to, transaction);
    }
}

fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_micros(time.as_micros().saturating_sub(crate::rng::micros(by)))
}
