//! Getting a testnet's directory ready to be started.

use std::path::PathBuf;

use tetrarch_launcher::{Ephemeral, LaunchError, Layout, Plan, SupervisorLock, Testnet, create};
use tetrarch_types::Parameters;

use super::byzantine;
use super::failure::{of, unsafe_to};
use super::place::Place;
use super::start::{TRIED, UpArguments};
use crate::failure::Failure;
use crate::output::Output;

/// A testnet that nobody else runs.
pub(super) struct Prepared {
    pub(super) testnet: Testnet,
    pub(super) lock: SupervisorLock,
    /// Removes the directory when it is dropped; the last of these fields.
    pub(super) ephemeral: Option<Ephemeral>,
}

/// What was found.
pub(super) enum Found {
    Ready(Prepared),
    /// By this process; it is as it was asked for.
    Running(u32, PathBuf),
}

/// Makes or opens the directory.
pub(super) fn prepare(arguments: &UpArguments, output: &Output) -> Result<Found, Failure> {
    let ephemeral = if arguments.ephemeral { Some(Ephemeral::new().map_err(failed)?) } else { None };
    let dir = ephemeral.as_ref().map_or_else(|| arguments.place.dir.clone(), Ephemeral::dir);
    if let Some(pid) = SupervisorLock::holder(&Layout::new(&dir)) {
        return running(arguments, dir, pid);
    }
    if arguments.reset {
        super::down::remove(&Place { dir: dir.clone() })?;
    }
    let testnet = open_or_create(arguments, &dir, output)?;
    let lock = match SupervisorLock::take(testnet.layout()) {
        Err(LaunchError::Running { dir, pid }) => return running(arguments, dir, pid),
        lock => lock.map_err(failed)?,
    };
    testnet.check_files().map_err(failed)?;
    let testnet = with_ports(testnet, arguments, &lock)?;
    testnet.check_ports(&lock).map_err(failed)?;
    if !arguments.no_gateway {
        testnet.check_gateway_port(&lock).map_err(failed)?;
    }
    Ok(Found::Ready(Prepared { testnet, lock, ephemeral }))
}

/// A second `up` has nothing to do, as long as it asks for nothing else than there is.
fn running(arguments: &UpArguments, dir: PathBuf, pid: u32) -> Result<Found, Failure> {
    let error = LaunchError::Running { dir: dir.clone(), pid };
    if arguments.reset {
        return Err(unsafe_to("cannot reset the testnet", &error));
    }
    let testnet = Testnet::open(&dir).map_err(failed)?;
    check_asked(&testnet, arguments)?;
    let description = testnet.description();
    let has_port = arguments.base_port.is_none_or(|port| port == description.base_port)
        && arguments.gateway_port.is_none_or(|port| port == description.gateway_port);
    if has_port { Ok(Found::Running(pid, dir)) } else { Err(of("cannot move the testnet to other ports", &error)) }
}

fn open_or_create(arguments: &UpArguments, dir: &std::path::Path, output: &Output) -> Result<Testnet, Failure> {
    match Testnet::open(dir) {
        Err(LaunchError::Missing { .. }) => {
            let plan = Plan { n: arguments.n.unwrap_or(Plan::default().n), ..Plan::default() };
            byzantine::check(plan.n, &arguments.byzantine)?;
            let base_port = arguments.base_port.unwrap_or(plan.base_port);
            let gateway_port = arguments.gateway_port.unwrap_or(plan.gateway_port);
            let plan = Plan { base_port, gateway_port, parameters: parameters(arguments), ..plan };
            output.note(&format!("making a testnet of {} in {}", replicas(plan.n), dir.display()));
            create(dir, &plan).map_err(failed)
        }
        opened => {
            let testnet = opened.map_err(failed)?;
            check_asked(&testnet, arguments)?;
            byzantine::check(testnet.description().n, &arguments.byzantine)?;
            Ok(testnet)
        }
    }
}

/// What a new chain's replicas share.
fn parameters(arguments: &UpArguments) -> Parameters {
    let usual = Parameters::default();
    let checkpoint_interval = arguments.checkpoint_interval.unwrap_or(usual.checkpoint_interval);
    let window = arguments.window.unwrap_or_else(|| checkpoint_interval.saturating_mul(2));
    Parameters { checkpoint_interval, window }
}

/// A testnet that is there stays as it was made.
fn check_asked(testnet: &Testnet, arguments: &UpArguments) -> Result<(), Failure> {
    check_size(testnet, arguments)?;
    let found = testnet.genesis().parameters;
    let is_other = arguments.checkpoint_interval.is_some_and(|asked| asked != found.checkpoint_interval)
        || arguments.window.is_some_and(|asked| asked != found.window);
    let dir = testnet.layout().root().into();
    if is_other { Err(failed(LaunchError::OtherParameters { dir, found })) } else { Ok(()) }
}

fn check_size(testnet: &Testnet, arguments: &UpArguments) -> Result<(), Failure> {
    let found = testnet.description().n;
    match arguments.n {
        Some(asked) if asked != found => {
            Err(failed(LaunchError::OtherSize { dir: testnet.layout().root().into(), found, asked }))
        }
        _ => Ok(()),
    }
}

fn with_ports(mut testnet: Testnet, arguments: &UpArguments, lock: &SupervisorLock) -> Result<Testnet, Failure> {
    if let Some(port) = arguments.base_port.filter(|port| *port != testnet.description().base_port) {
        testnet.move_ports(port, lock).map_err(failed)?;
    }
    if let Some(port) = arguments.gateway_port.filter(|port| *port != testnet.description().gateway_port) {
        testnet.move_gateway(port, lock).map_err(failed)?;
    }
    Ok(testnet)
}

/// `1 replica`, `4 replicas`.
pub(super) fn replicas(n: u16) -> String {
    if n == 1 { "1 replica".into() } else { format!("{n} replicas") }
}

fn failed(error: LaunchError) -> Failure {
    of(TRIED, &error)
}
