//! What a person sees while the fleet comes up.

use std::time::Instant;

use comfy_table::{Table, presets};
use syscall_sdk::host::{Running, Status};
use syscall_sdk::transport::Bound;

/// The port of the fleet's door, after binding.
pub(crate) fn port_of(bound: &[Bound], asked: u16) -> u16 {
    bound
        .iter()
        .find_map(|bound| match bound {
            Bound::Tcp(address) => Some(address.port()),
            Bound::Unix(_) => None,
        })
        .unwrap_or(asked)
}

/// Prints every service with its URL, health and boot time.
pub(crate) async fn show(running: &Running, port: u16, begun: Instant) {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["service", "url", "health", "boot"]);
    for (key, standing) in running.standings() {
        let standing = standing.borrow().clone();
        let health = match (standing.status, running.kernel(&key)) {
            (Status::Running, Some(kernel)) => kernel.health.status().as_str().to_owned(),
            (status, _) => format!("{status:?}: {}", standing.reason.unwrap_or_default()).to_lowercase(),
        };
        let boot = format!("{:.0} ms", standing.boot.as_secs_f64() * 1_000.0);
        table.add_row([key.clone(), format!("http://{key}.localhost:{port}"), health, boot]);
    }
    println!("{table}");
    println!(
        "\nthe fleet is up at http://localhost:{port}/ after {:.0} ms; Ctrl-C drains it",
        begun.elapsed().as_secs_f64() * 1_000.0
    );
}
