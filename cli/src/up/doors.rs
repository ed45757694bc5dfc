//! Where the fleet listens: one door that chooses by Host, the operator's own, and with `--ports` one a service.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use syscall_sdk::host::Door;
use syscall_sdk::transport::{Bind, Bound};

use super::Order;

/// The fleet's port where nobody says another.
const FLEET_PORT: u16 = 8000;
/// The operator's door of its own, by the contract: its registered port. Only the fleet on the default port has it, since a second
/// fleet could not.
const OPERATOR_PORT: u16 = 8001;
/// With `--ports`, service number n of the registry listens on the fleet's port plus this plus n.
const PORTS_OFFSET: u16 = 10;

/// The doors of an order; the fleet's own is the first.
pub(super) fn of(order: &Order) -> Vec<Door> {
    let apex = order.keys().find(|key| *key == "root").or_else(|| order.keys().next());
    let apex = apex.unwrap_or("root");
    let mut doors = vec![Door::of_fleet(apex, loopback(order.port))];
    if order.port == FLEET_PORT && order.wants("operator") {
        doors.push(Door::of_service("operator", loopback(OPERATOR_PORT)));
    }
    if order.up.ports {
        let wanted = order
            .fleet
            .keys()
            .zip(PORTS_OFFSET..)
            .filter(|(key, _)| order.wants(key));
        for (key, offset) in wanted {
            // Where the fleet takes any free port, its services do too.
            let port = if order.port == 0 {
                0
            } else {
                order.port.saturating_add(offset)
            };
            doors.push(Door::of_service(key, loopback(port)));
        }
    }
    doors
}

/// The port of the fleet's own door, once it is bound.
pub(super) fn port_of(bound: &[Bound], asked: u16) -> u16 {
    bound
        .iter()
        .find_map(|bound| match bound {
            Bound::Tcp(address) => Some(address.port()),
            Bound::Unix(_) => None,
        })
        .unwrap_or(asked)
}

/// The port that `--ports` opened for a service: the last doors are theirs, in the order of the registry, each on as many addresses.
pub(super) fn own_port(order: &Order, bound: &[Bound], key: &str) -> Option<u16> {
    if !order.up.ports {
        return None;
    }
    let addresses = loopback(order.port).len();
    let (count, at) = (order.keys().count(), order.keys().position(|one| one == key)?);
    let first = bound.len().checked_sub(count * addresses)? + at * addresses;
    Some(port_of(bound.get(first..)?, 0))
}

/// Both loopback addresses: browsers resolve `localhost` to either.
fn loopback(port: u16) -> Vec<Bind> {
    // Port 0 is a different free port on each address; one address then has to do.
    let hosts: &[IpAddr] = if port == 0 {
        &[IpAddr::V4(Ipv4Addr::LOCALHOST)]
    } else {
        &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
    };
    hosts
        .iter()
        .map(|host| Bind::Tcp(SocketAddr::new(*host, port)))
        .collect()
}
