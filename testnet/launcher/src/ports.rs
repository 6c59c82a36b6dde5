//! Which ports a testnet uses, and whether they are free.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use crate::LaunchError;

/// The port for a replica's peers.
pub(crate) const fn peer(base: u16, replica: u16) -> u16 {
    base.saturating_add(replica.saturating_mul(2))
}

/// The port for a replica's clients.
pub(crate) const fn client(base: u16, replica: u16) -> u16 {
    peer(base, replica).saturating_add(1)
}

/// Whether all ports exist.
pub(crate) fn check_range(base: u16, n: u16) -> Result<(), LaunchError> {
    let last = u32::from(base) + 2 * u32::from(n) - 1;
    if base == 0 || last > u32::from(u16::MAX) {
        let highest = u16::MAX.saturating_sub(n.saturating_mul(2)).saturating_add(1);
        return Err(LaunchError::PortRange { base, n, highest });
    }
    Ok(())
}

/// Whether nobody else has any of the ports now.
pub(crate) fn check_free(base: u16, n: u16) -> Result<(), LaunchError> {
    check_range(base, n)?;
    for replica in 0..n {
        check_port(base, n, replica, peer(base, replica), "peers")?;
        check_port(base, n, replica, client(base, replica), "clients")?;
    }
    Ok(())
}

/// Whether nobody else has the gateway's port now.
pub(crate) fn check_gateway(address: SocketAddr) -> Result<(), LaunchError> {
    let port = address.port();
    let Err(error) = TcpListener::bind(address) else { return Ok(()) };
    Err(match error.kind() {
        io::ErrorKind::AddrInUse => LaunchError::GatewayPortTaken { port },
        _ => LaunchError::GatewayPortUnusable { port, source: error },
    })
}

fn check_port(base: u16, n: u16, replica: u16, port: u16, side: &'static str) -> Result<(), LaunchError> {
    let Err(error) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) else { return Ok(()) };
    let last = client(base, n.saturating_sub(1));
    Err(match error.kind() {
        io::ErrorKind::AddrInUse => LaunchError::PortTaken { port, replica, side, base, last },
        _ => LaunchError::PortUnusable { port, replica, side, source: error },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_where_ports_end() {
        assert!(check_range(7400, 4).is_ok());
        assert!(check_range(65528, 4).is_ok());
        assert!(matches!(check_range(65529, 4), Err(LaunchError::PortRange { highest: 65528, .. })));
        assert!(check_range(0, 1).is_err());
    }

    #[test]
    fn the_gateways_port_is_named_when_it_is_taken() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = taken.local_addr().unwrap();
        let found = check_gateway(address).unwrap_err().to_string();
        assert!(found.contains(&format!("TCP port {} (the gateway", address.port())), "{found}");
        assert!(found.contains("--gateway-port") && found.contains("--no-gateway"), "{found}");
        drop(taken);
        assert!(check_gateway(address).is_ok());
    }

    #[test]
    fn a_taken_port_is_named_with_its_replica() {
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let found = check_port(port - 5, 4, 2, port, "clients").unwrap_err();
        assert!(found.to_string().contains(&format!("UDP port {port} (replica 2, for clients)")), "{found}");
    }
}
