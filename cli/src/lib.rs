//! The shell of a fleet: runs its services on this machine, and speaks to those that run.
//!
//! A program is this library and a list of services:
//!
//! ```no_run
//! use blackroad::Fleet;
//! use syscall_sdk::service::Service;
//!
//! fn hello() -> Service {
//!     Service::new("core", "1.0.0")
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     blackroad::main(Fleet::new(syscall_sdk::registry::BUILTIN, &[hello]))
//! }
//! ```

mod args;
mod commands;
mod conform;
mod contract;
mod cost;
mod dns;
mod failure;
mod fleet;
mod follow;
mod here;
mod input;
mod keys;
mod print;
mod railway;
mod remote;
mod results;
mod up;
mod verify;
mod workspace;

use std::process::ExitCode;

use clap::Parser;
use syscall_sdk::host::EXIT_CONFIG;

use args::{Args, Command};
use fleet::Known;
pub use fleet::{Fleet, MakeService};
use print::ReaderGone;

/// The whole program: reads the arguments, does what they say with this fleet, and gives the exit code.
///
/// 0 where it went well, 1 for a failure, 2 for what cannot be parsed, 78 for a bad environment of `up` or a fleet that does not agree with
/// itself.
pub fn main(fleet: Fleet) -> ExitCode {
    let args = Args::parse();
    let fleet = match fleet.checked() {
        Ok(fleet) => fleet,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the async runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(&fleet, args));
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    code
}

async fn run(built: &Known, args: Args) -> ExitCode {
    let Args { command, target, json } = args;
    let seen = match here::seen_by(&command, built) {
        Ok(seen) => seen,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let fleet = &seen;
    let outcome = match command {
        Command::Up(up) => return up::run(fleet, &target, json, up).await,
        Command::Conform(conform) => conform::run(fleet, &target, json, conform).await,
        Command::Affected(affected) => commands::affected::run(json, affected).map(|()| ExitCode::SUCCESS),
        Command::Satellite(satellite) => commands::satellite::run(json, satellite).map(|()| ExitCode::SUCCESS),
        Command::Contract(contract) => commands::contract::run(fleet, &target, json, contract).await,
        Command::Verify(verify) => verify::run(fleet, &target, json, verify).await,
        Command::Cost(cost) => cost::run(fleet, &target, json, cost).await.map(|()| ExitCode::SUCCESS),
        Command::Railway(railway) => commands::railway::run(json, &railway),
        Command::Dns(dns) => dns::run(fleet, json, dns).await,
        command => commands::run(fleet, &target, json, command)
            .await
            .map(|()| ExitCode::SUCCESS),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if error.is::<ReaderGone>() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
