//! What a process of the fleet runs: one service, for as long as the process that started it lives.

use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::ExitCode;

use syscall_sdk::config::Variables;
use syscall_sdk::host::{self, Sources};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;

use crate::fleet::Known;

/// Runs one service until a signal, or until standard input closes: its other end is held by the process that started this one, and
/// closes however that ends.
pub(in crate::up) async fn serve_one(fleet: &Known, key: &str, variables: Variables, sources: Sources) -> ExitCode {
    let Some(make) = fleet.make(key) else {
        eprintln!("there is no service {key:?}");
        return ExitCode::FAILURE;
    };
    let directory = variables.get("SYSCALL_SOCKETS").map(PathBuf::from);
    let stop = async {
        tokio::select! {
            signal = host::stop_signal() => signal,
            () = orphaned() => "the fleet's own process is gone",
        }
    };
    let code = Box::pin(host::serve_one(fleet.registry.clone(), make, variables, sources, stop)).await;
    if let Some(directory) = directory {
        // The last one out; before that it is not empty and stays.
        let _ = std::fs::remove_dir(directory);
    }
    code
}

/// Returns when standard input closes; never where it is no pipe, since then nobody holds its other end.
async fn orphaned() {
    let lifeline = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .and_then(Receiver::from_owned_fd);
    let Ok(mut lifeline) = lifeline else {
        return std::future::pending().await;
    };
    let mut passed_over = [0; 64];
    while matches!(lifeline.read(&mut passed_over).await, Ok(1..)) {}
}
