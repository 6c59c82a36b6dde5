//! Few testnets at a time, over all test programs on the machine, and no two on the same ports.

use std::fs::{File, OpenOptions};
use std::net::{TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Below the range that the system gives out by itself.
const FIRST_PORT: u16 = 20_000;

/// Ports of one slot: room to move on when some of them are taken.
const PORTS: u16 = 4_000;

/// Testnets of this program so far.
static TURN: AtomicU32 = AtomicU32::new(0);

/// A place among those that run at the same time. The system gives it back with the process, however that ends.
pub(crate) struct Slot {
    number: u16,
    _lock: File,
}

impl Slot {
    /// Waits for one: two at a time where there are four processors, else one.
    pub(crate) fn take() -> Self {
        let slots = if std::thread::available_parallelism().is_ok_and(|count| count.get() >= 4) { 2 } else { 1 };
        loop {
            if let Some(slot) = (0..slots).find_map(Self::try_take) {
                return slot;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn try_take(number: u16) -> Option<Self> {
        let user = rustix::process::getuid().as_raw();
        let path = std::env::temp_dir().join(format!("tetrarch-e2e-{user}-{number}.lock"));
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).unwrap();
        lock.try_lock().ok().map(|()| Self { number, _lock: lock })
    }

    /// The first of so many UDP ports in a row that nobody has.
    pub(crate) fn free_ports(&self, count: u16) -> u16 {
        self.first_free(count, |port| UdpSocket::bind(("127.0.0.1", port)).is_ok())
    }

    /// A TCP port that nobody has, and that the system gives to nobody before a gateway takes it, or takes it again.
    pub(crate) fn free_tcp_port(&self) -> u16 {
        self.first_free(1, |port| TcpListener::bind(("127.0.0.1", port)).is_ok())
    }

    fn first_free(&self, count: u16, is_free: impl Fn(u16) -> bool) -> u16 {
        let first = FIRST_PORT + self.number * PORTS;
        // Somewhere else each time, so that what lingers from one testnet does not meet the next.
        let turn = std::process::id().wrapping_add(TURN.fetch_add(1, Ordering::Relaxed));
        let start = u16::try_from(turn % 100).unwrap() * 20;
        (0..PORTS / 2 - count)
            .map(|step| first + start + step)
            .find(|base| (*base..base + count).all(&is_free))
            .expect("there are free ports")
    }
}
