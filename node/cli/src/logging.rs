//! Logs go to stderr.

use tetrarch_server::{LogConfig, LogFormat};
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::output::has_colour;

/// What is logged where nobody says otherwise: the program's own errors are printed by themselves.
const QUIET: &str = "error";

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    filter: String,
    json: bool,
    times: bool,
}

impl Settings {
    /// For a command that a person runs.
    pub(crate) fn for_command(filter: Option<&str>) -> Self {
        Self { filter: filter.unwrap_or(QUIET).into(), json: false, times: false }
    }

    /// For a server that has no configuration file.
    pub(crate) fn for_service(filter: Option<&str>) -> Self {
        Self::for_node(filter, &LogConfig::default())
    }

    /// For a node: as its configuration says, unless the command line or the environment says otherwise.
    pub(crate) fn for_node(filter: Option<&str>, config: &LogConfig) -> Self {
        let json = config.format == LogFormat::Json;
        Self { filter: filter.unwrap_or(&config.filter).into(), json, times: true }
    }
}

/// Starts logging. Only the first call in a process has an effect.
pub(crate) fn start(settings: &Settings) -> Result<(), Failure> {
    let filter = EnvFilter::builder().parse(&settings.filter).map_err(|error| {
        let tried = format!("cannot use {:?} as a log filter", settings.filter);
        Failure::usage(tried, error.to_string(), "write it as in --log info or --log warn,tetrarch_client=debug")
    })?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _ = match (settings.json, settings.times) {
        (true, _) => logs.json().try_init(),
        (false, true) => logs.with_ansi(has_colour()).try_init(),
        (false, false) => logs.with_ansi(has_colour()).without_time().try_init(),
    };
    Ok(())
}
