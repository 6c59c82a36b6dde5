//! Completion scripts and manual pages, made from the same definitions as the arguments.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output::Output;

/// Prints a shell's completion script.
pub(crate) fn completions(shell: Shell, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tetrarch", &mut script);
    output.bytes(&script)
}

/// Writes a manual page for each command.
pub(crate) fn man(dir: &Path, output: &Output) -> Result<(), Failure> {
    let written = std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Arguments::command(), dir));
    written.map_err(|error| {
        let tried = format!("cannot write manual pages into {}", dir.display());
        Failure::failed(tried, error.to_string(), "check the path and its permissions")
    })?;
    output.note(&format!(
        "wrote the manual pages into {}; read one with `man {}/tetrarch.1`",
        dir.display(),
        dir.display()
    ));
    Ok(())
}
