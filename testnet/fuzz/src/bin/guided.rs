//! A target under libFuzzer. `make fuzz` builds it with coverage instrumentation and says what to run in `TETRARCH_FUZZ_TARGET`,
//! and in `TETRARCH_FUZZ_SEEDS` where inputs to begin with go; everything on the command line is libFuzzer's.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use tetrarch_fuzz::{Reach, Target, targets};

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("TETRARCH_FUZZ_TARGET").unwrap_or_default();
    targets::named(&name).unwrap_or_else(|| panic!("TETRARCH_FUZZ_TARGET names no target: {name:?}"))
});

/// Writes the target's own inputs to where libFuzzer then looks for some.
fn write_seeds() {
    let Some(directory) = std::env::var_os("TETRARCH_FUZZ_SEEDS").map(PathBuf::from) else { return };
    for (number, seed) in (TARGET.seeds)().into_iter().enumerate() {
        let written = std::fs::write(directory.join(format!("seed-{number}")), seed);
        assert!(written.is_ok(), "{}: {written:?}", directory.display());
    }
}

libfuzzer_sys::fuzz_target!(init: write_seeds(), |data: &[u8]| -> libfuzzer_sys::Corpus {
    match (TARGET.run)(data) {
        // Where a decoder stops is found soon enough without keeping everything that does not get past it.
        Reach::Unread if data.len() > 64 => libfuzzer_sys::Corpus::Reject,
        _ => libfuzzer_sys::Corpus::Keep,
    }
});
