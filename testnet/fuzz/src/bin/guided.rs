//! A target under libFuzzer. `make fuzz` builds it with coverage instrumentation and says what to run in `TETRARCH_FUZZ_TARGET`;
//! everything on the command line is libFuzzer's.
#![no_main]

use std::sync::LazyLock;

use tetrarch_fuzz::{Reach, Target, targets};

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("TETRARCH_FUZZ_TARGET").unwrap_or_default();
    targets::named(&name).unwrap_or_else(|| panic!("TETRARCH_FUZZ_TARGET names no target: {name:?}"))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| -> libfuzzer_sys::Corpus {
    match (TARGET.run)(data) {
        // Where a decoder stops is found soon enough without keeping everything that does not get past it.
        Reach::Unread if data.len() > 64 => libfuzzer_sys::Corpus::Reject,
        _ => libfuzzer_sys::Corpus::Keep,
    }
});
