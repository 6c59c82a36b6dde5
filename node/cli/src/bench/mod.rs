//! `tetrarch bench`: how much a cluster does, and how long that takes.

mod fault;
mod report;
mod targets;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, value_parser};
use tetrarch_bench::{Limit, Operation, Plan, Target, plot, signature_limit};
use tokio::sync::oneshot;

use crate::cluster::ClusterArguments;
use crate::duration;
use crate::failure::{Class, Failure};
use crate::output::Output;
use fault::{Fault, Faults};
use report::Report;

const TRIED: &str = "cannot measure";

/// Before what is measured: connections, first nonces, caches.
const WARM_UP: Duration = Duration::from_secs(2);

/// The load.
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// What the operations are.
    #[arg(value_parser = operation())]
    operation: Operation,
    /// How many clients, each with one operation under way at a time.
    #[arg(long, default_value_t = 16, value_name = "C", value_parser = value_parser!(u16).range(1..=4096))]
    clients: u16,
    /// Operations a second, of all together, whatever the answers do: latencies count from when each was due. Without, each client goes on when it is answered.
    #[arg(long, value_name = "R", value_parser = value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// How long it is measured, behind two seconds that are not.
    #[arg(long, default_value = "20s", value_parser = duration::parse, value_name = "TIME")]
    duration: Duration,
    /// Bytes of a value.
    #[arg(long, default_value_t = 256, value_name = "BYTES", value_parser = value_parser!(u32).range(..=1_048_576))]
    size: u32,
    /// How many keys there are; with 1, all clients write the same.
    #[arg(long, default_value_t = 10_000, value_name = "K", value_parser = value_parser!(u64).range(1..=10_000_000))]
    keys: u64,
    /// Puts under one signature; each counts.
    #[arg(long, default_value_t = 1, value_name = "B", value_parser = value_parser!(u16).range(1..=128))]
    bundle: u16,
    /// Every client signs with a key of its own, made for this run.
    #[arg(long, conflicts_with = "endpoint")]
    distinct_keys: bool,
    /// Ask what speaks etcd's API there, a gateway or an etcd, instead of the replicas.
    #[arg(long, value_name = "HOST:PORT")]
    endpoint: Option<String>,
    /// What to do to the testnet meanwhile, as in kill-primary@10s: kill or pause, the primary or a backup. It is mended at the end.
    #[arg(long, value_parser = fault::parse, value_name = "FAULT@TIME")]
    fault: Vec<Fault>,
    /// Write a picture of the run: throughput over time, and how latencies are distributed (SVG).
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

fn operation() -> impl TypedValueParser<Value = Operation> {
    let value = |it: Operation| PossibleValue::new(it.name()).help(it.description());
    PossibleValuesParser::new(Operation::ALL.map(value)).try_map(|name| name.parse::<Operation>())
}

impl BenchArguments {
    fn plan(&self) -> Plan {
        Plan {
            operation: self.operation,
            rate: self.rate.map(f64::from),
            span: self.duration,
            warm_up: WARM_UP,
            value_bytes: self.size as usize,
            keys: self.keys,
            bundle: self.bundle.into(),
        }
    }

    fn check(&self) -> Result<(), Failure> {
        if self.bundle > 1 && (!matches!(self.operation, Operation::Put) || self.endpoint.is_some()) {
            let next = "leave --bundle out";
            return Err(Failure::usage(TRIED, "only puts that are sent to the replicas come in bundles", next));
        }
        if let Some(late) = self.fault.iter().find(|fault| fault.at >= self.duration) {
            let next = "choose an earlier instant, or a longer --duration";
            return Err(Failure::usage(TRIED, format!("{late} comes after the end"), next));
        }
        Ok(())
    }

    /// The clients, and what signatures alone would allow them where there are any to verify.
    async fn targets(&self, cluster: &ClusterArguments) -> Result<(Vec<Target>, Option<Limit>), Failure> {
        if let Some(endpoint) = &self.endpoint {
            return Ok((targets::of_etcd(self, endpoint).await?, None));
        }
        let genesis = cluster.load_genesis()?;
        Ok((targets::of_cluster(self, cluster, &genesis)?, self.limit(genesis.replicas.len())?))
    }

    fn limit(&self, replicas: usize) -> Result<Option<Limit>, Failure> {
        if matches!(self.operation, Operation::Get | Operation::Mixed | Operation::Watch) {
            return Ok(None);
        }
        let bytes = usize::from(self.bundle) * self.size as usize;
        let failed = |error: tetrarch_crypto::NoEntropy| Failure::failed(TRIED, error.to_string(), "try again");
        signature_limit(replicas, bytes, self.distinct_keys).map(Some).map_err(failed)
    }
}

/// Runs `tetrarch bench`.
pub(crate) async fn run(
    arguments: &BenchArguments,
    cluster: &ClusterArguments,
    output: &Output,
) -> Result<(), Failure> {
    arguments.check()?;
    let faults = Faults::new(&arguments.fault, cluster)?;
    let (targets, limit) = arguments.targets(cluster).await?;
    let (begin, begun) = oneshot::channel();
    let breaking = tokio::spawn(faults.carry_out(begun, arguments.duration));
    let tell = |from| {
        let _nobody_listens: Result<(), _> = begin.send(from);
    };
    let measured = tetrarch_bench::run(arguments.plan(), targets, tell).await;
    let done = breaking.await.map_err(|error| Failure::failed(TRIED, error.to_string(), "report this"))??;
    let measured = measured.map_err(|said| {
        Failure::new(Class::NoQuorum, TRIED, said, "`tetrarch testnet status` says how the cluster is")
    })?;
    let report = Report::of(arguments, measured, limit, done);
    if let Some(path) = &arguments.plot {
        write(path, &report)?;
    }
    output.data(&report, || report.text())
}

fn write(path: &Path, report: &Report) -> Result<(), Failure> {
    let picture = plot(&report.measured, &report.title(), &report.marks());
    let picture = picture.map_err(|error| Failure::failed(TRIED, error.to_string(), "leave --plot out"))?;
    std::fs::write(path, picture).map_err(|error| {
        Failure::failed(TRIED, format!("{}: {error}", path.display()), "choose another file with --plot")
    })
}
