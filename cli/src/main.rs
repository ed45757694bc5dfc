//! `blackroad`: runs a fleet, and is its shell.

mod args;
mod call;
mod fleet;
mod remote;
mod up;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the async runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(args));
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    code
}

async fn run(args: Args) -> ExitCode {
    let Args { command, target, json } = args;
    let outcome = match command {
        Command::Up(up) => return up::run(&target, up).await,
        Command::Call(call) => call::run(&target, json, call).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
