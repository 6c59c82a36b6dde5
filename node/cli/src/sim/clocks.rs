//! What a soak takes, on the wall and in the processor.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Both clocks when the soak began.
pub(super) struct Clocks {
    wall: Instant,
    processor: Duration,
}

impl Clocks {
    /// Now.
    pub(super) fn start() -> Self {
        Self { wall: Instant::now(), processor: processor() }
    }

    /// Seconds on the wall since then, a millisecond at least.
    pub(super) fn seconds(&self) -> f64 {
        self.wall.elapsed().as_secs_f64().max(SHORTEST)
    }

    /// Seconds that all threads of this process together have computed since then, a millisecond at least.
    pub(super) fn processor_seconds(&self) -> f64 {
        processor().saturating_sub(self.processor).as_secs_f64().max(SHORTEST)
    }
}

/// So that rates are finite.
const SHORTEST: f64 = 0.001;

fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
