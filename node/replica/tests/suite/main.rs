//! The core as its driver sees it, topic by topic. One program, since each would compile and link all of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its scene has failed")]

mod backlog;
mod false_witness;
mod far_views;
mod floods;
mod live_records;
mod new_views;
mod play;
mod recovery;
mod scenarios;
mod schedules;
mod script;
mod strangers;
mod support;
mod turnaround;
