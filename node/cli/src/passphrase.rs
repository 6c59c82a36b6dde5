//! Where a key's passphrase comes from.

use std::path::PathBuf;

use clap::Args;

/// The source of a passphrase. Never from the arguments themselves: those everybody on the machine can read.
#[derive(Clone, Debug, Args)]
pub(crate) struct PassphraseArguments {
    /// A file whose first line is the key's passphrase; else $TETRARCH_PASSPHRASE is used.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}
