//! `blackroad`: runs this fleet, and is its shell.

use std::process::ExitCode;

use blackroad::{Fleet, MakeService};
use blackroad_os_contracts::REGISTRY;

/// Every service that this program runs, in the order of the registry.
const SERVICES: &[MakeService] = &[
    // One a line: `blackroad new service` adds to them.
    blackroad_os_operator::service,
    blackroad_os_core::service,
    blackroad_os_api::service,
    blackroad_operating_system::service,
    blackroad_os_prism_console::service,
    blackroad_os_docs::service,
    blackroad_os_web::service,
    blackroad_os_interface::service,
    blackroad_os_root::service,
];

fn main() -> ExitCode {
    blackroad::main(Fleet::new(REGISTRY, SERVICES))
}
