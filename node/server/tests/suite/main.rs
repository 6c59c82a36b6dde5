//! Whole nodes over loopback QUIC, on real disks. One program, since each would compile and link all of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod alone;
mod broken_disk;
mod byzantine_peer;
mod cluster;
mod configuration;
mod crowded;
mod interrupted_start;
mod journal_cut;
mod left_to_the_mark;
mod refusals;
mod repair;
mod says_nothing;
mod seam;
mod snapshots;
mod support;
mod tentative;
mod transfer;
