//! `tetrarch lease`: what ends by agreed time, and takes its keys along.

use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};
use tetrarch_kv::store::{LeaseState, ListedLease};
use tetrarch_kv::{Answered, KvQuery, QueryAnswer, Request, Response};
use tetrarch_kv_client::turns::{TurnStore, draw_lease_id, revoke};
use tetrarch_kv_client::{Backend, Freshness};

use crate::cluster::{ClusterArguments, Store, store_failure};
use crate::failure::{Class, Failure};
use crate::output::{Output, table};
use crate::{describe, duration};

/// What can be done with leases.
#[derive(Debug, Subcommand)]
pub(crate) enum LeaseCommand {
    /// Make a lease. Keys are put on it with `tetrarch kv put --lease ID`.
    Grant {
        /// How long it lives without a keepalive; whole seconds, two at least.
        #[arg(value_parser = duration::parse, value_name = "TIME")]
        ttl: Duration,
    },
    /// End a lease, and delete its keys.
    Revoke {
        /// Which, in hexadecimal.
        #[arg(value_parser = describe::lease_id, value_name = "ID")]
        id: u64,
    },
    /// Keep a lease alive until Ctrl-C. Exit code 5 if it has ended.
    KeepAlive {
        /// Which, in hexadecimal.
        #[arg(value_parser = describe::lease_id, value_name = "ID")]
        id: u64,
        /// Only once.
        #[arg(long)]
        once: bool,
    },
    /// Say how long a lease lives, and what hangs on it. Exit code 5 if it has ended.
    Show {
        /// Which, in hexadecimal.
        #[arg(value_parser = describe::lease_id, value_name = "ID")]
        id: u64,
    },
    /// List all leases.
    List,
}

/// Runs `tetrarch lease`.
pub(crate) async fn run(command: LeaseCommand, cluster: &ClusterArguments, output: &Output) -> Result<(), Failure> {
    let store = cluster.store()?;
    let done = match command {
        LeaseCommand::Grant { ttl } => grant(&store, ttl, output).await,
        LeaseCommand::Revoke { id } => end(&store, id, output).await,
        LeaseCommand::KeepAlive { id, once } => keep_alive(&store, id, once, output).await,
        LeaseCommand::Show { id } => show(&store, id, output).await,
        LeaseCommand::List => list(&store, output).await,
    };
    store.0.close().await;
    done
}

/// Whole seconds, rounded up.
pub(crate) fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs() + u64::from(time.subsec_nanos() > 0)).unwrap_or(i64::MAX)
}

async fn grant(store: &Store, ttl: Duration, output: &Output) -> Result<(), Failure> {
    let tried = "cannot grant a lease";
    let draw = || Ok(Request::LeaseGrant { id: draw_lease_id()?, ttl: seconds(ttl) });
    let request = draw().map_err(|error| store_failure(tried, &error))?;
    let answered = order(store, request, tried).await?;
    let Answered { revision, response: Response::LeaseGranted { id, ttl } } = answered else { return another(tried) };
    let object = json!({ "lease": describe::lease(id), "ttl": ttl, "revision": revision });
    output.data(&object, || format!("lease {id:x}: lives {ttl} seconds from now"))
}

async fn end(store: &Store, id: u64, output: &Output) -> Result<(), Failure> {
    let tried = format!("cannot revoke the lease {id:x}");
    let revision = revoke(store, id).await.map_err(|error| store_failure(&tried, &error))?;
    let object = json!({ "lease": describe::lease(id), "revision": revision });
    output.data(&object, || format!("lease {id:x} revoked: revision {revision}"))
}

async fn keep_alive(store: &Store, id: u64, once: bool, output: &Output) -> Result<(), Failure> {
    let tried = format!("cannot keep the lease {id:x} alive");
    loop {
        let answered = order(store, Request::LeaseKeepAlive { id }, &tried).await?;
        let Answered { revision, response: Response::LeaseKept { ttl, .. } } = answered else { return another(&tried) };
        if ttl == 0 {
            return Err(ended(&tried));
        }
        let object = json!({ "lease": describe::lease(id), "ttl": ttl, "revision": revision });
        output.data(&object, || format!("lease {id:x}: lives {ttl} seconds from now"))?;
        if once {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(ttl) / 3).await;
    }
}

async fn show(store: &Store, id: u64, output: &Output) -> Result<(), Failure> {
    let tried = format!("cannot look at the lease {id:x}");
    // Agreed time is known from here on.
    store.0.status().await.map_err(|error| store_failure(&tried, &error.into()))?;
    let (revision, answer) = ask(store, &KvQuery::Lease { id, keys: true }, &tried).await?;
    let QueryAnswer::Lease(lease) = answer else { return another(&tried) };
    let now = store.0.now();
    let Some(LeaseState { ttl, deadline, keys }) = lease.filter(|lease| lease.deadline > now) else {
        return Err(ended(&tried));
    };
    let left = deadline.distance(now).as_secs();
    let object = json!({
        "lease": describe::lease(id),
        "granted_ttl": ttl,
        "ttl": left,
        "keys": keys.iter().map(|key| describe::named_key(key)).collect::<Value>(),
        "revision": revision,
    });
    output.data(&object, || {
        let keys: Vec<_> = keys.iter().map(|key| describe::quoted(key)).collect();
        let keys = if keys.is_empty() { "no keys".to_owned() } else { keys.join(", ") };
        format!("lease {id:x}: granted for {ttl} seconds, lives {left} from now: {keys}")
    })
}

async fn list(store: &Store, output: &Output) -> Result<(), Failure> {
    let tried = "cannot list the leases";
    let (mut leases, mut from) = (Vec::new(), 0);
    loop {
        let (revision, answer) = ask(store, &KvQuery::Leases { from }, tried).await?;
        let QueryAnswer::Leases(page) = answer else { return another(tried) };
        let next = page.next();
        leases.extend(page.leases);
        let Some(next) = next else {
            let object = json!({
                "revision": revision,
                "leases": leases.iter().map(|lease| describe::lease(lease.id)).collect::<Value>(),
            });
            let row = |lease: &ListedLease| vec![format!("{:x}", lease.id), lease.ttl.to_string()];
            let rows: Vec<_> = leases.iter().map(row).collect();
            return output.data(&object, || table(&["LEASE", "GRANTED TTL"], &rows));
        };
        from = next;
    }
}

async fn order(store: &Store, request: Request, tried: &str) -> Result<Answered, Failure> {
    request.check().map_err(|error| Failure::usage(tried, error.to_string(), "correct it"))?;
    store.order(request).await.map_err(|error| store_failure(tried, &error))
}

async fn ask(store: &Store, query: &KvQuery, tried: &str) -> Result<(u64, QueryAnswer), Failure> {
    let result =
        store.0.query(query, Freshness::Linearizable).await.map_err(|error| store_failure(tried, &error.into()))?;
    let answer = result.answer.map_err(|error| store_failure(tried, &error.into()))?;
    Ok((result.revision, answer))
}

fn ended(tried: &str) -> Failure {
    Failure::new(Class::CompareFalse, tried, "there is no such lease, or it has ended", "grant another one")
}

fn another<T>(tried: &str) -> Result<T, Failure> {
    Err(Failure::failed(
        tried,
        "the answer is one to another question",
        "use the version of tetrarch that the cluster runs",
    ))
}
