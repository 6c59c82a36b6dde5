//! Key files as OpenSSL 3 writes them. The keys were made for these tests and are used nowhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tetrarch_crypto::{KeyFileError, Signer, SigningKey};

const PUBLIC: &str = "ab02ecc79155c761dc28cc29d9bd7fbe39337cc3461bad4e5874b1beb97623ee";

/// `openssl genpkey -algorithm ED25519`: PKCS#8 version 1, without the public key.
const PLAIN: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJndtjJa6P1uYgW/yu1X3BXLFHxsVwUTUYwFZaTTp05O
-----END PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v2 aes-256-cbc`: PBKDF2.
const PBKDF2: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjWgTdS3TjgHQICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEBBPU0pRqUxks+WIZxyzBSUEQOWN
1NXEw/fQ/2xuHhd7OQqmr1hkBviC5ydcvUP/E8dneUr/rDPlcTKuG2BXAmfDmTrg
U2Ey4V4DQK8yL8wkB0c=
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -scrypt`.
const SCRYPT: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAhMEu7feclMcgICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBB6n245ekT3KFQnXxejM6BABEBcnfx5/0BcNnpl
PxMJ/g/CrLy/HlJVloU+o6wK/1aQBkozgfxumIFuemfYz4zrvtKwlHt1hcpsY9pu
3o5L7c0e
-----END ENCRYPTED PRIVATE KEY-----
";

/// The same with its cost raised from 2¹⁴ to 2³⁰.
const SCRYPT_ABSURD: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGVMFEGCSqGSIb3DQEFDTBEMCMGCSsGAQQB2kcECzAWBAhMEu7feclMcgIEQAAA
AAIBCAIBATAdBglghkgBZQMEASoEEHqfbjl6RPcoVCdfF6MzoEAEQFyd/Hn/QFw2
emU/Ewn+D8KsvL8eUlWWhT6jrAr/VpAGSjOB/G6YgW56Z9jPjOu+0rCUe3WFymxj
2m7ejkvtzR4=
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES`: too old to be supported.
const PBES1: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MFgwHAYKKoZIhvcNAQwBAzAOBAhEQIKaNYHhPwICCAAEOD2IhvuVhjKfOgXSsspi
oRtuhJGZR8EqjoISrdkweAxjCKhXG2bLEjYZFtSNdTb0WZrhE6D1m8JT
-----END ENCRYPTED PRIVATE KEY-----
";

/// `openssl genpkey -algorithm X25519`.
const X25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIDj5dgwbbSxZ5oSCKi8Z7QPEblrkf6bONMigkuxeJzZ5
-----END PRIVATE KEY-----
";

/// `openssl pkey -pubout`.
const PUBLIC_ONLY: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAqwLsx5FVx2HcKMwp2b1/vjkzfMNGG61OWHSxvrl2I+4=
-----END PUBLIC KEY-----
";

fn load(pem: &str, passphrase: Option<&str>) -> Result<SigningKey, KeyFileError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("openssl.pem");
    fs::write(&path, pem).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    SigningKey::load(&path, passphrase)
}

#[test]
fn plain_and_encrypted_keys_are_read() {
    for (pem, passphrase) in [(PLAIN, None), (PBKDF2, Some("sesame")), (SCRYPT, Some("sesame"))] {
        assert_eq!(load(pem, passphrase).unwrap().public_key().to_string(), PUBLIC);
    }
}

#[test]
fn a_wrong_passphrase_is_told_apart_from_an_unknown_encryption() {
    for pem in [PBKDF2, SCRYPT] {
        assert!(matches!(load(pem, Some("simsim")), Err(KeyFileError::PassphraseWrong { .. })));
        assert!(matches!(load(pem, None), Err(KeyFileError::PassphraseMissing { .. })));
    }
    assert!(matches!(load(PBES1, Some("sesame")), Err(KeyFileError::Encryption { .. })));
}

/// Once in 256 times a wrong passphrase leaves sound padding; still the answer is the same.
#[test]
fn every_wrong_passphrase_is_told_as_one() {
    for number in 0..600 {
        let error = load(PBKDF2, Some(&format!("wrong {number}"))).unwrap_err();
        assert!(matches!(error, KeyFileError::PassphraseWrong { .. }), "{number}: {error}");
    }
}

#[test]
fn another_algorithm_is_told() {
    let error = load(X25519, None).unwrap_err();
    assert!(matches!(&error, KeyFileError::WrongAlgorithm { oid, .. } if oid == "1.3.101.110"));
    assert!(error.to_string().contains("not of Ed25519"));
}

#[test]
fn a_public_key_is_told() {
    assert!(matches!(load(PUBLIC_ONLY, None), Err(KeyFileError::NotPkcs8 { label, .. }) if label == "PUBLIC KEY"));
}

/// A cost of 2³⁰ would take a terabyte of memory: refused before it is tried.
#[test]
fn an_encryption_that_asks_for_absurd_memory_is_refused() {
    let error = load(SCRYPT_ABSURD, Some("sesame")).unwrap_err();
    assert!(matches!(error, KeyFileError::Encryption { .. }), "{error}");
}
