//! What hostile clients ask of the store.

use tetrarch_kv::store::bounds::{MAX_KEY_BYTES, MAX_REQUESTS};
use tetrarch_kv::{Command, Request};

use super::generator::{FewKeys, KEYS};
use crate::rng::Rng;
use crate::workload::{Abuse, Generator, LARGE, mangled};

/// Draws a command.
pub(super) fn command(abuse: Abuse, rng: &mut Rng) -> Vec<u8> {
    match abuse {
        Abuse::Meddle => FewKeys::default().next(rng),
        Abuse::Apart => Command::put(key_apart(rng), rng.draw().to_be_bytes()).encode(),
        Abuse::Large => Command::put(key_apart(rng), vec![0x5a; LARGE]).encode(),
        Abuse::Malformed => malformed(rng),
    }
}

/// What cannot be read, or has a request which cannot be carried out.
fn malformed(rng: &mut Rng) -> Vec<u8> {
    match rng.below(6) {
        0 => Command::new(std::iter::repeat_n(Request::get("key"), MAX_REQUESTS + 1)).encode(),
        1 => {
            let length = rng.one_of([0, MAX_KEY_BYTES + 1]);
            Command::new([Request::put(vec![b'k'; length], []), Request::get("key")]).encode()
        }
        _ => mangled(&command(Abuse::Apart, rng), rng),
    }
}

/// A key that no honest client uses.
fn key_apart(rng: &mut Rng) -> Vec<u8> {
    format!("apart/{}", rng.below(KEYS)).into_bytes()
}
