//! Key files: PKCS#8 in PEM (RFC 5958, RFC 7468, RFC 8410), encrypted by PBES2 (RFC 8018) under a passphrase, readable by
//! their owner only.
//!
//! Files that OpenSSL writes are read. Those written here are of PKCS#8 version 2: beside the secret key they hold the public
//! one, so that damage to either is noticed. OpenSSL 3.0 does not read that version.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use pkcs8::der::asn1::ObjectIdentifier;
use pkcs8::der::pem::{LineEnding, PemLabel};
use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, SecretDocument};
use zeroize::Zeroizing;

use crate::{KeyFileError, Signer, SigningKey};

/// The most that is read of a key file, in bytes; an encrypted Ed25519 key takes about 400.
const MAX_FILE: u64 = 16 * 1024;

/// id-Ed25519 (RFC 8410, section 3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The most memory that scrypt may ask for, as 128 · N · r bytes, and the most work, in units of that.
const MAX_SCRYPT_MEMORY: u64 = 1 << 28;
const MAX_SCRYPT_PARALLEL: u64 = 16;

/// The most rounds of PBKDF2: seconds, not hours.
const MAX_PBKDF2_ROUNDS: u32 = 10_000_000;

impl SigningKey {
    /// Writes the key to a new file that only its owner may read or write, from the first byte on, and syncs the file and its
    /// directory. With a passphrase the key is encrypted (PBES2: scrypt and AES-256-CBC). What is there already is never
    /// overwritten; a file that could not be written wholly is removed again.
    ///
    /// # Errors
    /// If something exists at `path`, the passphrase is empty, or the operating system refuses.
    pub fn save(&self, path: &Path, passphrase: Option<&str>) -> Result<(), KeyFileError> {
        if passphrase == Some("") {
            return Err(KeyFileError::PassphraseEmpty { path: path.into() });
        }
        let pem = self
            .to_pem(passphrase)
            .map_err(|reason| KeyFileError::Encode { path: path.into(), reason: reason.to_string() })?;
        let mut file = create(path)?;
        let written = file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(io_error(path, "write"));
        if written.is_err() {
            let _ = std::fs::remove_file(path);
        }
        written.and_then(|()| sync_directory(path))
    }

    /// Reads a key file. A passphrase that is not needed is ignored.
    ///
    /// # Errors
    /// If the file is missing, open to other users, larger than 16 KiB or no regular file; if it is no PEM, no PKCS#8 private
    /// key, damaged, or of another algorithm; if the passphrase is missing or wrong; or if the operating system refuses.
    pub fn load(path: &Path, passphrase: Option<&str>) -> Result<Self, KeyFileError> {
        let bytes = read(path)?;
        let not_pem = || KeyFileError::NotPem { path: path.into() };
        let text = std::str::from_utf8(&bytes).map_err(|_| not_pem())?;
        let (label, document) = SecretDocument::from_pem(text).map_err(|_| not_pem())?;
        match label {
            PrivateKeyInfoRef::PEM_LABEL => decode(path, &document),
            EncryptedPrivateKeyInfoRef::PEM_LABEL => {
                let passphrase = passphrase.ok_or_else(|| KeyFileError::PassphraseMissing { path: path.into() })?;
                decode(path, &decrypt(path, &document, passphrase)?)
            }
            other => Err(KeyFileError::NotPkcs8 { path: path.into(), label: other.into() }),
        }
    }

    fn to_pem(&self, passphrase: Option<&str>) -> pkcs8::Result<Zeroizing<String>> {
        let der = self.to_pkcs8_der();
        let (label, document) = match passphrase {
            None => (PrivateKeyInfoRef::PEM_LABEL, SecretDocument::try_from(der.as_slice())?),
            Some(passphrase) => {
                let key = PrivateKeyInfoRef::try_from(der.as_slice())?;
                (EncryptedPrivateKeyInfoRef::PEM_LABEL, key.encrypt(passphrase)?)
            }
        };
        Ok(document.to_pem(label, LineEnding::LF)?)
    }
}

fn io_error(path: &Path, doing: &'static str) -> impl Fn(io::Error) -> KeyFileError {
    move |source| KeyFileError::Io { path: path.into(), doing, source }
}

fn create(path: &Path) -> Result<File, KeyFileError> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.into() },
        _ => io_error(path, "create")(error),
    })
}

/// Makes the new directory entry survive a power failure.
fn sync_directory(path: &Path) -> Result<(), KeyFileError> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io_error(directory, "sync"))
}

/// Reads a file that is a private and reasonable one. All is judged on the opened file, so it cannot change in between.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => KeyFileError::Missing { path: path.into() },
        _ => io_error(path, "open")(error),
    })?;
    let metadata = file.metadata().map_err(io_error(path, "inspect"))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if !metadata.is_file() {
        return Err(KeyFileError::NotAFile { path: path.into() });
    }
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.into(), mode });
    }
    read_bounded(path, file)
}

fn read_bounded(path: &Path, file: File) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // Room for everything at once: a buffer that grows leaves unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize + 64));
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(io_error(path, "read"))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(KeyFileError::TooLarge { path: path.into(), limit: MAX_FILE });
    }
    Ok(bytes)
}

fn decode(path: &Path, document: &SecretDocument) -> Result<SigningKey, KeyFileError> {
    let corrupt = || KeyFileError::Corrupt { path: path.into() };
    let info = PrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|_| corrupt())?;
    if info.algorithm.oid != ED25519 {
        return Err(KeyFileError::WrongAlgorithm { path: path.into(), oid: info.algorithm.oid.to_string() });
    }
    let public = info.public_key.map(|bits| bits.as_bytes());
    let key = ed25519_dalek::SigningKey::try_from(info).map(SigningKey::from_dalek).map_err(|_| corrupt())?;
    // Version 2 repeats the public key, which guards the secret one against damage.
    match public {
        Some(public) if public != Some(key.public_key().as_bytes()) => Err(corrupt()),
        _ => Ok(key),
    }
}

fn decrypt(path: &Path, document: &SecretDocument, passphrase: &str) -> Result<SecretDocument, KeyFileError> {
    let Ok(encrypted) = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()) else {
        return Err(KeyFileError::Encryption { path: path.into() });
    };
    let affordable = encrypted.encryption_algorithm.pbes2().is_some_and(|parameters| is_affordable(&parameters.kdf));
    if !affordable {
        return Err(KeyFileError::Encryption { path: path.into() });
    }
    let opened = encrypted.decrypt(passphrase).map_err(|_| KeyFileError::PassphraseWrong { path: path.into() })?;
    // A wrong passphrase leaves sound padding once in 256 times, but no private key.
    match PrivateKeyInfoRef::try_from(opened.as_bytes()) {
        Ok(_) => Ok(opened),
        Err(_) => Err(KeyFileError::PassphraseWrong { path: path.into() }),
    }
}

/// Whether a key derivation keeps within reasonable memory and time.
fn is_affordable(kdf: &Kdf) -> bool {
    match kdf {
        Kdf::Scrypt(scrypt) => {
            let memory = u64::from(scrypt.block_size).saturating_mul(128).saturating_mul(scrypt.cost_parameter);
            memory <= MAX_SCRYPT_MEMORY && u64::from(scrypt.parallelization) <= MAX_SCRYPT_PARALLEL
        }
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MAX_PBKDF2_ROUNDS,
        _ => false,
    }
}
