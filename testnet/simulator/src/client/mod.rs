//! Simulated clients: honest ones, who want answers, and hostile ones, who want trouble.
//!
//! ```text
//!   Client   signs ─▶ sends to all or some ─▶ asks again ─▶ believes q matching replies, or f + 1 refusals that are final
//!   Hostile  from time to time one of its kinds of mischief (`mischief`, one a file) ─▶ shots, and no care for answers
//! ```

mod honest;
mod hostile;
mod mischief;
mod past;

pub use honest::{Client, HABITS, Heard, TOLD_NEVER};
pub use hostile::{Hostile, Scene, Shot, Sort, Victim};
pub use mischief::{Flaw, Mischief, NoMischief};
pub use past::Past;
