//! Putting a load on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::measured::Measured;
use crate::plan::Plan;
use crate::recording::Recording;
use crate::target::Target;

/// How long a client that was refused waits before it goes on, so that a cluster that refuses is not asked in a spin.
const PAUSE: Duration = Duration::from_millis(20);

/// What all clients have in common.
struct Shared {
    plan: Plan,
    recording: Recording,
    began: Instant,
    /// The number of the next step.
    next: AtomicU64,
}

/// Puts the load on, one client for each target. `begun` is called when what is measured begins.
///
/// # Errors
/// If what is to be read cannot be put there first, what was said.
pub async fn run(plan: Plan, targets: Vec<Target>, begun: impl FnOnce(Instant)) -> Result<Measured, String> {
    let targets: Vec<Arc<Target>> = targets.into_iter().map(Arc::new).collect();
    prepare(&plan, &targets).await?;
    let began = Instant::now();
    let from = began + plan.warm_up;
    let shared = Arc::new(Shared { plan, recording: Recording::new(from, plan.span), began, next: AtomicU64::new(0) });
    let mut clients = JoinSet::new();
    for target in targets {
        clients.spawn(client(Arc::clone(&shared), target));
    }
    tokio::time::sleep_until(from.into()).await;
    begun(from);
    tokio::time::sleep_until(shared.recording.until().into()).await;
    // What is under way counts for nothing any more.
    clients.shutdown().await;
    Ok(Measured::of(shared.recording.finish(), plan.span))
}

/// Puts what is to be read.
async fn prepare(plan: &Plan, targets: &[Arc<Target>]) -> Result<(), String> {
    let mut work = plan.preparation();
    loop {
        let mut puts = JoinSet::new();
        for (target, work) in targets.iter().cloned().zip(&mut work) {
            puts.spawn(async move { target.carry_out(&work).await });
        }
        if puts.is_empty() {
            return Ok(());
        }
        puts.join_all().await.into_iter().collect::<Result<(), _>>()?;
    }
}

async fn client(shared: Arc<Shared>, target: Arc<Target>) {
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let work = shared.plan.work(number);
        let due = match shared.plan.rate {
            Some(rate) => {
                let due = shared.began + Duration::from_secs_f64(number as f64 * work.count() as f64 / rate);
                tokio::time::sleep_until(due.into()).await;
                due
            }
            None => Instant::now(),
        };
        let answer = target.carry_out(&work).await;
        let failed = answer.is_err();
        shared.recording.answered(due, Instant::now(), work.count(), answer);
        if failed {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
