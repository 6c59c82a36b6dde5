//! What a replica needs of its machine.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::process::{Resource, getrlimit};

use super::Check;

/// RocksDB keeps its tables open, and each client connection counts too.
const OPEN_FILES: u64 = 4_096;

/// QUIC over a fast link wants buffers of this size, in bytes.
const UDP_BUFFER: u64 = 2 * 1024 * 1024;

/// Free disk space below which a node is near its end, and below which it is time to think of more, in bytes.
const NO_SPACE: u64 = 256 * 1024 * 1024;
const LITTLE_SPACE: u64 = 2 * 1024 * 1024 * 1024;

/// No machine's clock is right before this: 2025-01-01, in seconds since 1970.
const EARLIEST: u64 = 1_735_689_600;

pub(super) fn checks(dir: Option<&Path>) -> Vec<Check> {
    let mut checks = vec![open_files(), udp()];
    checks.extend(["rmem_max", "wmem_max"].into_iter().filter_map(udp_buffer));
    checks.extend([disk(dir.unwrap_or(Path::new("."))), clock()]);
    checks
}

fn open_files() -> Check {
    let name = "open files";
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < OPEN_FILES => {
            Check::warn(name, format!("a process may have {limit}"), format!("raise it with `ulimit -n {OPEN_FILES}`"))
        }
        Some(limit) => Check::ok(name, format!("a process may have {limit}")),
        None => Check::ok(name, "no limit"),
    }
}

fn udp() -> Check {
    let name = "UDP on this machine";
    match echo() {
        Ok(()) => Check::ok(name, "a datagram to 127.0.0.1 arrives"),
        Err(error) => {
            let found = format!("a datagram to 127.0.0.1 does not arrive: {error}");
            Check::fail(name, found, "check the loopback interface and the packet filter")
        }
    }
}

fn echo() -> io::Result<()> {
    let (here, there) = (UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?, UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
    there.set_read_timeout(Some(Duration::from_millis(500)))?;
    here.send_to(b"tetrarch", there.local_addr()?)?;
    there.recv_from(&mut [0; 16]).map(drop)
}

/// None where the system does not say, as in some containers.
fn udp_buffer(which: &str) -> Option<Check> {
    let size: u64 = fs::read_to_string(format!("/proc/sys/net/core/{which}")).ok()?.trim().parse().ok()?;
    let name = format!("UDP buffers ({which})");
    let found = format!("at most {size} bytes");
    Some(if size < UDP_BUFFER {
        let next = format!("enough for a testnet; for a network run `sysctl -w net.core.{which}={UDP_BUFFER}` as root");
        Check::warn(name, found, next)
    } else {
        Check::ok(name, found)
    })
}

fn disk(dir: &Path) -> Check {
    let name = format!("disk space for {}", dir.display());
    let free = match rustix::fs::statvfs(dir) {
        Ok(system) => system.f_bavail.saturating_mul(system.f_frsize),
        Err(error) => return Check::fail(name, error.to_string(), "check the path"),
    };
    let found = format!("{} MiB free", free / 1024 / 1024);
    if free < NO_SPACE {
        Check::fail(name, found, "make room: a node that cannot write stops voting")
    } else if free < LITTLE_SPACE {
        Check::warn(name, found, "make room soon")
    } else {
        Check::ok(name, found)
    }
}

fn clock() -> Check {
    let name = "clock";
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    if seconds < EARLIEST {
        Check::fail(
            name,
            format!("it shows {seconds} s since 1970, which cannot be"),
            "set it, and keep it set with NTP",
        )
    } else if Path::new("/run/systemd/timesync/synchronized").exists() {
        Check::ok(name, "it is synchronised")
    } else {
        Check::ok(name, "it shows a plausible time; whether it is synchronised cannot be told here")
    }
}
