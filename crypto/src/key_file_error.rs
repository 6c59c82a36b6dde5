//! What can be wrong with a key file, in sentences that say what to do next.

use std::io;
use std::path::PathBuf;

use crate::NoEntropy;

/// Why a key file was not written or not read. Every sentence but the last names the file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Nothing is there.
    #[error("there is no key file at {}; check the path, or generate a key there first", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Something is already where the key should be written; keys are never overwritten.
    #[error("{} exists already and was left as it is; choose another path, or move that file away first", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A directory, a pipe or a device.
    #[error("{} is not a regular file; give the path of a key file", path.display())]
    NotAFile {
        /// What is no file.
        path: PathBuf,
    },
    /// The file's mode lets the group or everyone at it.
    #[error("{0} is open to other users (mode {mode:04o}); run `chmod 600 {0}`, and replace the key if someone may have read it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Larger than any key file is.
    #[error("{} is larger than {limit} bytes, so it is no key file; check the path", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// No PEM text (RFC 7468), or a damaged one.
    #[error("{} is not a PEM file or is damaged; check the path, or restore the key from a backup", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
    },
    /// Sound PEM, but of something else: a public key, a certificate, a key in another container.
    #[error("{} holds a PEM block {label:?}, not a PKCS#8 private key; check the path, or convert it with `openssl pkcs8 -topk8`", path.display())]
    NotPkcs8 {
        /// The file.
        path: PathBuf,
        /// What the PEM block calls itself.
        label: String,
    },
    /// The PEM block holds no private key, or its private and public halves differ.
    #[error("the private key in {} is damaged; restore it from a backup, or generate a new one at another path", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// A private key of another kind.
    #[error("{} holds a key of the algorithm {oid}, not of Ed25519 (1.3.101.112); check the path, or generate an Ed25519 key", path.display())]
    WrongAlgorithm {
        /// The file.
        path: PathBuf,
        /// The algorithm's object identifier, in dots.
        oid: String,
    },
    /// The key is encrypted and no passphrase was given.
    #[error("the key in {} is encrypted; give its passphrase", path.display())]
    PassphraseMissing {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase does not decrypt the key. A damaged file looks the same.
    #[error("the passphrase does not open {}; try again, or restore the file from a backup if you are sure of the passphrase", path.display())]
    PassphraseWrong {
        /// The file.
        path: PathBuf,
    },
    /// An empty passphrase was given to encrypt with.
    #[error("an empty passphrase would not protect {}; give a longer one, or none to store the key unencrypted", path.display())]
    PassphraseEmpty {
        /// The file.
        path: PathBuf,
    },
    /// The key is encrypted in a way that is not supported, or asks for unreasonable work or memory.
    #[error("{} is encrypted in a way that is not supported (supported: PBES2 with scrypt or PBKDF2-SHA-2, and AES); encrypt it anew with `openssl pkcs8 -topk8 -v2 aes-256-cbc`", path.display())]
    Encryption {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused to open, read, write or sync.
    #[error("could not {doing} {}: {source}; check the path, its permissions and the disk", path.display())]
    Io {
        /// The file or its directory.
        path: PathBuf,
        /// What was tried: a verb.
        doing: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// The key could not be put into PKCS#8: in practice, no random bytes for its encryption.
    #[error("could not encode the key for {}: {reason}; nothing was written, try again", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What failed.
        reason: String,
    },
    /// No key could be made; here so that making and saving one can share an error type.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}
