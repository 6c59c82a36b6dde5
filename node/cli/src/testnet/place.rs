//! Which testnet.

use std::path::{Path, PathBuf};

use clap::Args;
use tetrarch_launcher::{Layout, Testnet};

use super::failure::of;
use crate::failure::Failure;

/// The directory used where nobody names another.
const DEFAULT: &str = "./tetrarch-testnet";

/// Where a testnet is.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The testnet's directory.
    #[arg(long, env = "TETRARCH_DIR", default_value = DEFAULT, value_name = "DIR")]
    pub(super) dir: PathBuf,
}

impl Place {
    /// The testnet there.
    pub(super) fn open(&self, tried: &str) -> Result<Testnet, Failure> {
        Testnet::open(&self.dir).map_err(|error| of(tried, &error))
    }

    /// The paths there, whatever is there.
    pub(super) fn layout(&self) -> Layout {
        Layout::new(&self.dir)
    }
}

/// What has to stand behind a command so that it finds this directory: nothing where it would find it anyway.
pub(super) fn flag(dir: &Path) -> String {
    let named = std::env::var_os("TETRARCH_DIR").map_or_else(|| PathBuf::from(DEFAULT), PathBuf::from);
    let is_found =
        dir == named || named.canonicalize().is_ok_and(|named| dir.canonicalize().is_ok_and(|dir| dir == named));
    if is_found { String::new() } else { format!(" --dir {}", quoted(&dir.display().to_string())) }
}

/// How this program was called, so that a command can be copied as it is printed.
pub(super) fn called() -> String {
    std::env::args().next().map_or_else(|| "tetrarch".into(), |name| quoted(&name))
}

/// Text as one word for a shell.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_is_one_word() {
        assert_eq!(quoted("/tmp/net-1"), "/tmp/net-1");
        assert_eq!(quoted("/tmp/my net"), "'/tmp/my net'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
