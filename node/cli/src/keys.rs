//! `tetrarch keys`: making and showing keys.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use tetrarch_crypto::{Signer, SigningKey};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::Output;
use crate::passphrase::PassphraseArguments;

/// The environment variable that a passphrase may come from.
const PASSPHRASE: &str = "TETRARCH_PASSPHRASE";

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and write it to a new file (PKCS#8 PEM, mode 0600), encrypted if a passphrase is given; print its public half.
    New {
        /// Where to. A file that is there is never overwritten.
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArguments,
    },
    /// Print the public half of the key in a file.
    Show {
        /// The key's file.
        file: PathBuf,
        #[command(flatten)]
        passphrase: PassphraseArguments,
    },
}

/// Runs `tetrarch keys`.
pub(crate) fn run(command: KeysCommand, output: &Output) -> Result<(), Failure> {
    match command {
        KeysCommand::New { file, passphrase } => {
            let passphrase = passphrase.read()?;
            let tried = || format!("cannot make a key at {}", file.display());
            let key =
                SigningKey::generate().map_err(|error| Failure::failed(tried(), error.to_string(), "try again"))?;
            key.save(&file, passphrase.as_ref().map(|it| it.as_str()))
                .map_err(|error| Failure::key_file(tried(), &error))?;
            print(&key, &file, output)
        }
        KeysCommand::Show { file, passphrase } => print(&load(&file, passphrase.read()?.as_ref())?, &file, output),
    }
}

/// A key that nobody else has, made up for the moment.
pub(crate) fn generate() -> Result<SigningKey, Failure> {
    SigningKey::generate().map_err(|error| Failure::failed("cannot make a key", error.to_string(), "try again"))
}

/// Reads a key file.
pub(crate) fn load(path: &Path, passphrase: Option<&Zeroizing<String>>) -> Result<SigningKey, Failure> {
    SigningKey::load(path, passphrase.map(|it| it.as_str())).map_err(|error| {
        let mut failure = Failure::key_file(format!("cannot read the key {}", path.display()), &error);
        if matches!(error, tetrarch_crypto::KeyFileError::PassphraseMissing { .. }) {
            failure.next = format!("give its passphrase with --passphrase-file FILE or in ${PASSPHRASE}");
        }
        failure
    })
}

impl PassphraseArguments {
    /// The passphrase, if one is given.
    pub(crate) fn read(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(path) = &self.passphrase_file else {
            return Ok(std::env::var(PASSPHRASE).ok().map(Zeroizing::new));
        };
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| {
            let tried = format!("cannot read the passphrase file {}", path.display());
            Failure::usage(tried, error.to_string(), "check the path and its permissions")
        })?);
        Ok(Some(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())))
    }
}

fn print(key: &SigningKey, file: &Path, output: &Output) -> Result<(), Failure> {
    let public = key.public_key().to_string();
    output.data(&json!({ "public_key": public, "file": file.to_string_lossy() }), || public.clone())
}
