//! Key files that this crate writes: private from the first byte, never overwritten, and each fault in its own words.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tetrarch_crypto::{KeyFileError, Signer, SigningKey};

fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("node.key");
    (directory, path)
}

fn key() -> SigningKey {
    SigningKey::from_seed([9; 32])
}

/// The error, after a look at its sentence: it names the file and does not end abruptly.
#[track_caller]
fn refusal(path: &Path, passphrase: Option<&str>) -> KeyFileError {
    let error = SigningKey::load(path, passphrase).unwrap_err();
    assert_sentence(&error, path);
    error
}

#[track_caller]
fn assert_sentence(error: &KeyFileError, path: &Path) {
    let sentence = error.to_string();
    assert!(sentence.contains(path.to_str().unwrap()), "{sentence}");
    assert!(sentence.contains("; "), "says what to do next: {sentence}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Changes the file's text and keeps it private.
fn edit(path: &Path, change: impl Fn(String) -> String) {
    let text = change(fs::read_to_string(path).unwrap());
    fs::write(path, text).unwrap();
}

#[test]
fn a_key_comes_back() {
    for passphrase in [None, Some("open sesame"), Some("Öffne dich")] {
        let (_directory, path) = place();
        key().save(&path, passphrase).unwrap();
        assert_eq!(mode(&path), 0o600);
        let loaded = SigningKey::load(&path, passphrase).unwrap();
        assert_eq!(loaded.public_key(), key().public_key());
        assert_eq!(loaded.sign(b"message"), key().sign(b"message"));
    }
}

#[test]
fn a_passphrase_that_is_not_needed_is_ignored() {
    let (_directory, path) = place();
    key().save(&path, None).unwrap();
    assert!(SigningKey::load(&path, Some("needless")).is_ok());
}

#[test]
fn an_encrypted_file_shows_no_key() {
    let (_directory, path) = place();
    key().save(&path, Some("open sesame")).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    assert!(text.ends_with("-----END ENCRYPTED PRIVATE KEY-----\n"));
}

#[test]
fn nothing_is_ever_overwritten() {
    let (_directory, path) = place();
    key().save(&path, None).unwrap();
    let before = fs::read(&path).unwrap();
    let error = SigningKey::from_seed([1; 32]).save(&path, None).unwrap_err();
    assert!(matches!(error, KeyFileError::Exists { .. }));
    assert_sentence(&error, &path);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_dangling_link_is_not_followed() {
    let (directory, path) = place();
    let target = directory.path().join("elsewhere");
    symlink(&target, &path).unwrap();
    assert!(matches!(key().save(&path, None), Err(KeyFileError::Exists { .. })));
    assert!(!target.exists());
}

#[test]
fn a_missing_directory_is_told() {
    let (_directory, path) = place();
    let path = path.join("node.key");
    let error = key().save(&path, None).unwrap_err();
    assert!(matches!(error, KeyFileError::Io { doing: "create", .. }));
    assert_sentence(&error, &path);
}

#[test]
fn an_empty_passphrase_is_refused_and_nothing_is_written() {
    let (_directory, path) = place();
    let error = key().save(&path, Some("")).unwrap_err();
    assert!(matches!(error, KeyFileError::PassphraseEmpty { .. }));
    assert_sentence(&error, &path);
    assert!(!path.exists());
}

#[test]
fn a_file_that_others_may_touch_is_refused() {
    let (_directory, path) = place();
    key().save(&path, None).unwrap();
    for open in [0o640, 0o604, 0o620, 0o602, 0o644, 0o610, 0o777] {
        fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
        let error = refusal(&path, None);
        assert!(matches!(error, KeyFileError::Exposed { mode, .. } if mode == open));
        assert!(error.to_string().contains(&format!("`chmod 600 {}`", path.display())), "{error}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert!(SigningKey::load(&path, None).is_ok());
}

#[test]
fn a_missing_file_a_directory_and_a_huge_file_are_told() {
    let (directory, path) = place();
    assert!(matches!(refusal(&path, None), KeyFileError::Missing { .. }));
    fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(refusal(directory.path(), None), KeyFileError::NotAFile { .. }));
    key().save(&path, None).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(refusal(&path, None), KeyFileError::TooLarge { .. }));
}

#[test]
fn a_passphrase_that_is_missing_or_wrong_is_told() {
    let (_directory, path) = place();
    key().save(&path, Some("open sesame")).unwrap();
    assert!(matches!(refusal(&path, None), KeyFileError::PassphraseMissing { .. }));
    for wrong in ["", "open sesame ", "Open sesame"] {
        assert!(matches!(refusal(&path, Some(wrong)), KeyFileError::PassphraseWrong { .. }));
    }
}

#[test]
fn text_that_is_no_pem_is_told() {
    let (_directory, path) = place();
    key().save(&path, None).unwrap();
    let sound = fs::read_to_string(&path).unwrap();
    let cut = |at: usize| sound[..at].to_string();
    for broken in
        [String::new(), "key".into(), cut(40), cut(sound.len() - 10), sound.replace('M', "*"), "\u{fe}".into()]
    {
        fs::write(&path, &broken).unwrap();
        assert!(matches!(refusal(&path, None), KeyFileError::NotPem { .. }), "{broken}");
    }
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(refusal(&path, None), KeyFileError::NotPem { .. }));
}

/// The public key in the file guards the secret one: no changed letter gives another key unnoticed.
#[test]
fn no_changed_letter_goes_unnoticed() {
    let (_directory, path) = place();
    key().save(&path, None).unwrap();
    let sound = fs::read_to_string(&path).unwrap();
    let body = 28..sound.find("-----END").unwrap();
    for at in body.filter(|at| sound.as_bytes()[*at].is_ascii_alphanumeric()) {
        let letter = if &sound[at..=at] == "A" { "B" } else { "A" };
        let changed = [&sound[..at], letter, &sound[at + 1..]].concat();
        fs::write(&path, changed).unwrap();
        match SigningKey::load(&path, None) {
            Ok(key) => panic!("letter {at} made it {key:?}"),
            Err(error) => assert_sentence(&error, &path),
        }
    }
}

#[test]
fn a_block_of_something_else_is_told() {
    let (_directory, path) = place();
    key().save(&path, None).unwrap();
    edit(&path, |text| text.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY"));
    let error = refusal(&path, None);
    assert!(matches!(&error, KeyFileError::NotPkcs8 { label, .. } if label == "OPENSSH PRIVATE KEY"));
}
