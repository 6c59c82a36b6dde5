//! What benchmarks are timed with.
//!
//! * [`processor`] for what computes: the time that the processor worked for it. Whatever else runs on the machine hardly shows.
//! * [`wall`] for what waits, for a disk or a network: the time that passed.
//!
//! Both measure a benchmark for a second, and compare with its last run (`target/criterion`). Arguments choose among benchmarks, as in
//! `cargo bench -p tetrarch-crypto --bench signatures -- verify`; without cargo's `--bench`, each runs once, unmeasured.

#![forbid(unsafe_code)]

use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
pub use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use rustix::time::{ClockId, clock_gettime};

/// Samples of each benchmark.
const SAMPLES: usize = 20;

/// How long a benchmark goes on unmeasured, until caches are filled.
const WARM_UP: Duration = Duration::from_millis(500);

/// How long it is measured.
const SPAN: Duration = Duration::from_secs(1);

/// The time that all threads of this process together spent on a processor.
#[derive(Clone, Copy, Debug)]
pub struct ProcessorTime;

impl Measurement for ProcessorTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        worked()
    }

    fn end(&self, before: Duration) -> Duration {
        worked() - before
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, worked: &Duration) -> f64 {
        WallTime.to_f64(worked)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn worked() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Times by the processor.
pub type Processor = Criterion<ProcessorTime>;

/// Times by the wall.
pub type Wall = Criterion;

/// For what computes.
pub fn processor() -> Processor {
    configured(Criterion::default().with_measurement(ProcessorTime))
}

/// For what waits.
pub fn wall() -> Wall {
    configured(Criterion::default())
}

fn configured<M: Measurement>(criterion: Criterion<M>) -> Criterion<M> {
    criterion.sample_size(SAMPLES).warm_up_time(WARM_UP).measurement_time(SPAN).configure_from_args()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn waiting_is_no_work() {
        let before = ProcessorTime.start();
        std::thread::sleep(Duration::from_millis(200));
        assert!(ProcessorTime.end(before) < Duration::from_millis(100));
    }

    #[test]
    fn work_of_another_thread_counts() {
        let before = ProcessorTime.start();
        let works_until_it_shows = move || {
            let began = Instant::now();
            while ProcessorTime.end(before) < Duration::from_millis(20) && began.elapsed() < Duration::from_secs(20) {}
        };
        std::thread::spawn(works_until_it_shows).join().unwrap();
        assert!(ProcessorTime.end(before) >= Duration::from_millis(20));
    }
}
