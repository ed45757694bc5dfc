//! All services in this process, behind one door.

use std::process::ExitCode;

use anyhow::Result;
use syscall_sdk::config::Variables;
use syscall_sdk::host::{Door, DrainBudget, Host, output_format, stop_signal};
use syscall_sdk::telemetry::Output;

use super::{loopback, table};
use crate::args::{Target, Up};
use crate::fleet;

/// The operator's door of its own, by the contract: its registered port.
const OPERATOR_PORT: u16 = 8001;
/// With `--ports`, service number n of the registry listens on the fleet's port plus this plus n.
const PORTS_OFFSET: u16 = 10;

pub(crate) async fn run(target: &Target, up: &Up, variables: Variables) -> Result<ExitCode> {
    let begun = std::time::Instant::now();
    let mut host = fleet::mount(Host::new(variables), &up.only)?;
    let writer = if up.logs {
        let (output, writer) = Output::start(output_format(
            None,
            std::io::IsTerminal::is_terminal(&std::io::stdout()),
        ));
        host = host.output(output);
        Some(writer)
    } else {
        None
    };
    let running = host.start(doors(target, up)).await?;
    let port = table::port_of(&running.bound(), target.port);
    table::show(&running, port, begun).await;

    let signal = stop_signal().await;
    eprintln!("\n{signal}: draining …");
    let unfinished = running
        .stop(DrainBudget::of(syscall_sdk::config::Environment::Development), signal)
        .await;
    if !unfinished.is_empty() {
        eprintln!("did not finish in its time: {}", unfinished.join(", "));
    }
    drop(writer);
    Ok(ExitCode::SUCCESS)
}

fn doors(target: &Target, up: &Up) -> Vec<Door> {
    let wanted = |key: &str| up.only.is_empty() || up.only.iter().any(|only| only == key);
    let apex = if wanted("root") {
        "root"
    } else {
        up.only.first().map_or("root", String::as_str)
    };
    let mut doors = vec![Door::of_fleet(apex, loopback(target.port))];
    if target.port == 8000 && wanted("operator") {
        doors.push(Door::of_service("operator", loopback(OPERATOR_PORT)));
    }
    if up.ports {
        for (index, (key, _)) in fleet::SERVICES.iter().enumerate().filter(|(_, (key, _))| wanted(key)) {
            let port = target.port + PORTS_OFFSET + u16::try_from(index).unwrap_or_default();
            doors.push(Door::of_service(key, loopback(port)));
        }
    }
    doors
}
