//! Fuzz targets for everything that a liar, a disk or a stranger can put in front of a replica.
//!
//! | target | what it feeds, and what must hold |
//! |---|---|
//! | `decode` | bytes to every decoder: no panic, memory bounded by the input, what decodes encodes to the same bytes |
//! | `certificates` | altered certificates to the verifier: the verdict of a recount that is written here |
//! | `view_changes` | altered VIEW-CHANGEs and NEW-VIEWs to the verifier and a replica: the re-proposals of a naive recomputation |
//! | `chunks` | honest and altered parts of a state to an installation: only the certified state is ever in place |
//! | `journal` | altered journals to the storage, invented records to recovery: nothing that is recovered is contradicted |
//! | `core` | sequences of inputs to a whole replica, with crashes: one vote a place, records first, within the watermarks |
//! | `keys` | keys, signatures, paths and proofs: one verdict alone and in a batch, one spelling, no panic |
//!
//! A target is a plain function of bytes, [`Target::run`]. So it runs three ways:
//!
//! - **Smoke**, in `cargo test -p tetrarch-fuzz`: a few seconds each of seeded inputs ([`inputs`]), the same ones every time, and every
//!   file of `corpus/TARGET`. The tests also demand that a healthy share of the inputs gets past the decoder, and that some are
//!   refused and some accepted: a fuzzer that never gets anywhere finds nothing.
//! - **Long**, by `make fuzz TARGET=core SECONDS=300`: libFuzzer with coverage guidance. That works on the stable toolchain: the
//!   compiler's pass for coverage is reached by `-C passes=sancov-module`, and the library `libfuzzer-sys` brings libFuzzer itself,
//!   built by the C++ compiler that RocksDB needs anyway. Only the sanitizers are nightly's, and without unsafe code there is little
//!   for them to find. `cargo-fuzz` would do the same with a nightly toolchain; here nothing has to be installed. What was found to be interesting stays in
//!   `target/fuzz-inputs/TARGET`, so that the next run goes on from there. `make fuzz-seeded` is the same without guidance, on every core.
//! - **Replay** of a file that a run has left: `make fuzz-replay TARGET=core FILE=…`. It tells the
//!   story of the input, step by step.
//!
//! An input that showed a bug goes to `corpus/TARGET` under a name that says what it shows, with the fix.
//!
//! Signatures in `certificates`, `view_changes`, `journal` and `core` are the simulator's keyed hash, and the targets hold every key:
//! inputs are signed after they are altered, as a liar would do it, or else nothing would get past the signatures.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a target that cannot set its scene has failed, and a panic is how it says so"
)]

mod chain;
mod choices;
pub mod inputs;
mod naive;
mod play;
mod specimens;
mod store_specimens;
pub mod targets;
pub mod trace;

pub use targets::{Reach, Target};
