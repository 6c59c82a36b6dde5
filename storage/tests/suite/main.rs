//! The stores and the journal, on real disks and on simulated ones, topic by topic. One program, since each would compile and link all of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod batch;
mod conformance;
mod damage;
mod disk;
mod faulty_crash;
mod journal;
mod journal_check;
mod mark_file;
mod poison;
mod rocks;
mod rot;
mod salvage;
mod snapshots;
mod start_over;
mod support;
mod tail;
mod torn;
