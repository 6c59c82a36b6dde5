//! A power failure while the disk writes: a part of a write is there afterwards, and perhaps the sector that it shared with synced
//! ones is lost.
//!
//! Under RocksDB the first looks like a write that was lost, since a batch has one checksum (`storage/tests/suite/torn.rs` shows it on
//! real files): what must hold is that no batch is there in part. The second takes back what was promised, as only a disk without
//! power-safe overwrites does. Its mark knows, since that is another file, and has the last append: if that is all that went, nothing is
//! lost; else such a replica counts among the faulty ones.

use super::scene::lasting;
use super::{Action, CrashPoint, Scene};
use crate::rng::Rng;

pub(super) fn strike(sector: bool, scene: &Scene, rng: &mut Rng) -> Vec<Action> {
    let (down, point) = (lasting(rng), CrashPoint::Torn { sector });
    scene.victim(rng).map(|node| Action::CrashInTurn { node, point, down }).into_iter().collect()
}
