//! One process: started, listened to, told to stop.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};
use syscall_sdk::lifecycle::Scope;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child as Process, ChildStdin, Command};
use tokio::time::timeout;

use super::Plan;
use crate::print::{self, NAME};

/// Beyond its own budget, what a process may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(1);

/// A process. Dropping it kills it.
pub(super) struct Child {
    process: Process,
    /// Held open for as long as the process is to run: it ends when this closes, also where we are killed and can say nothing.
    _lifeline: Option<ChildStdin>,
}

impl Child {
    /// Starts the process of a service.
    pub(super) fn start(plan: &Plan, key: &'static str, output: &Scope) -> Result<Self> {
        let mut command = Command::new(&plan.program);
        command
            .args(["up", "--serve-one", key])
            .envs(plan.variables.iter().cloned())
            .env_remove("SYSCALL_TOKEN")
            .env_remove("SYSCALL_TOKEN_FILE")
            .env_remove("SERVICE_NAME")
            .env_remove("SERVICE_ROLE")
            .stdin(Stdio::piped())
            .stdout(if plan.logs { Stdio::piped() } else { Stdio::null() })
            .stderr(Stdio::piped())
            // A Ctrl-C of the terminal is for us: we tell the processes ourselves, in our own order.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(token) = plan.tokens.get(key) {
            // As any platform gives a secret: in the environment of the one process that it is for.
            command.env("SYSCALL_TOKEN", token.reveal());
        }
        let mut process = command
            .spawn()
            .with_context(|| format!("the process of {key} cannot be started"))?;
        if let Some(lines) = process.stdout.take() {
            output.spawn("output", relay(key, lines, false));
        }
        if let Some(lines) = process.stderr.take() {
            output.spawn("errors", relay(key, lines, true));
        }
        Ok(Child {
            _lifeline: process.stdin.take(),
            process,
        })
    }

    /// Waits for its end and says how it ended. Cancel-safe.
    pub(super) async fn ended(&mut self) -> String {
        match self.process.wait().await {
            Ok(status) => how(status),
            Err(error) => format!("nobody knows how: {error}"),
        }
    }

    /// Asks it to drain, waits for that, and kills it where it takes longer than it may.
    pub(super) async fn stop(mut self, budget: Duration) {
        if let Some(pid) = self
            .process
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw)
        {
            // It may have ended by itself in between.
            let _ = kill_process(pid, Signal::TERM);
        }
        if timeout(budget + PATIENCE, self.process.wait()).await.is_err() {
            let _ = self.process.kill().await;
        }
    }
}

/// Prints a process's lines with its key before each.
async fn relay(key: &'static str, from: impl AsyncRead + Unpin, errors: bool) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let line = format!("{NAME}{key:8}{NAME:#} {line}");
        if errors {
            anstream::eprintln!("{line}");
        } else if print::line(line).is_err() {
            return;
        }
    }
}

fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "nobody knows how".to_owned(),
    }
}
