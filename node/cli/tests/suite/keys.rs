//! Keys and passphrases.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::common::{self, Place, tetrarch};

#[test]
fn a_new_key_is_shown_by_its_public_half_and_never_overwritten() {
    let place = Place::new();
    let made = place.run(["keys", "new", "a.pem"]).expect(0).stdout;
    assert_eq!(made.trim().len(), 64);
    assert_eq!(place.run(["keys", "show", "a.pem"]).expect(0).stdout, made);
    let json = place.run(["keys", "show", "a.pem", "--output", "json"]).expect(0).json();
    assert_eq!(json["public_key"], made.trim());
    assert_eq!(fs::metadata(place.path("a.pem")).unwrap().permissions().mode() & 0o777, 0o600);
    let again = place.run(["keys", "new", "a.pem"]).expect(2);
    assert!(again.stderr.contains("exists already") && again.stderr.contains("what to do: "), "{}", again.stderr);
    assert_eq!(place.run(["keys", "show", "a.pem"]).expect(0).stdout, made);
}

#[test]
fn passphrases_come_from_a_file_or_the_environment() {
    let place = Place::new();
    place.write("right", "secret\nsecond line\n");
    place.write("wrong", "Secret\n");
    let made = place.run(["keys", "new", "a.pem", "--passphrase-file", "right"]).expect(0).stdout;
    assert!(fs::read_to_string(place.path("a.pem")).unwrap().contains("ENCRYPTED"));
    assert_eq!(place.run(["keys", "show", "a.pem", "--passphrase-file", "right"]).expect(0).stdout, made);
    let shown =
        tetrarch(place.dir.path()).args(["keys", "show", "a.pem"]).env("TETRARCH_PASSPHRASE", "secret").output();
    assert_eq!(common::Ran::from(shown.unwrap()).expect(0).stdout, made);
    let missing = place.run(["keys", "show", "a.pem"]).expect(2).stderr;
    assert!(missing.contains("--passphrase-file FILE"), "{missing}");
    let wrong = place.run(["keys", "show", "a.pem", "--passphrase-file", "wrong"]).expect(2).stderr;
    assert!(wrong.contains("the passphrase does not open"), "{wrong}");
    place.run(["keys", "show", "a.pem", "--passphrase-file", "nowhere"]).expect(2);
}

#[test]
fn broken_key_files_are_told_apart() {
    let place = Place::new();
    for (text, expected) in [
        ("", "is not a PEM file"),
        ("garbage", "is not a PEM file"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged"),
    ] {
        place.write("broken.pem", text);
        fs::set_permissions(place.path("broken.pem"), Permissions::from_mode(0o600)).unwrap();
        let stderr = place.run(["keys", "show", "broken.pem"]).expect(2).stderr;
        assert!(stderr.contains(expected), "{stderr}");
    }
    fs::set_permissions(place.path("client.pem"), Permissions::from_mode(0o644)).unwrap();
    let exposed = place.run(["keys", "show", "client.pem"]).expect(2).stderr;
    assert!(exposed.contains("chmod 600"), "{exposed}");
    place.run(["keys", "show", "nowhere.pem"]).expect(2);
}
