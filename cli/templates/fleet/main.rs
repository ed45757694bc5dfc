//! Runs the fleet, and is its shell.

use std::process::ExitCode;

use blackroad::{Fleet, MakeService};
use sample_contracts::REGISTRY;

/// Every service that this program runs, in the order of the registry.
const SERVICES: &[MakeService] = &[
    // One a line: `new service` adds to them.
    sample_service::service,
];

fn main() -> ExitCode {
    blackroad::main(Fleet::new(REGISTRY, SERVICES))
}
