//! Every input that ever showed something, again: `corpus/TARGET/what-it-showed`.
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::path::Path;

use tetrarch_fuzz::targets;

#[test]
fn what_was_found_is_not_found_again() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut ran = 0;
    for folder in std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let target = targets::named(&name).unwrap_or_else(|| panic!("corpus/{name} is of no target"));
        for file in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let input = std::fs::read(&file).unwrap();
            let reach = std::panic::catch_unwind(|| (target.run)(&input));
            assert!(reach.is_ok(), "fuzz replay {name} {}", file.display());
            ran += 1;
        }
    }
    assert!(ran > 0, "the corpus is not where it was");
}
