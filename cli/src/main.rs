//! `blackroad`: runs a fleet, and is its shell.

mod args;
mod commands;
mod conform;
mod failure;
mod fleet;
mod follow;
mod input;
mod keys;
mod print;
mod remote;
mod results;
mod up;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use print::ReaderGone;

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
        Command::Up(up) => return up::run(&target, json, up).await,
        Command::Conform(conform) => conform::run(&target, json, conform).await,
        command => commands::run(&target, json, command).await.map(|()| ExitCode::SUCCESS),
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
