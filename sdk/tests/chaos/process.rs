//! A process under test: started, waited for, killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::worker;

/// How long a process may take to be ready, on a busy machine.
const READY: Duration = Duration::from_secs(60);

/// Where a process keeps its data.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Folder(PathBuf),
    Database(String),
    /// In its memory, which goes with it.
    Nowhere,
}

/// A process that may be killed.
pub(crate) struct Process {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
    /// Its number among all processes of a trial.
    pub(crate) serial: u64,
    pub(crate) port: u16,
}

impl Process {
    /// Starts one; it has begun, and is not ready yet.
    pub(crate) fn begin(data: &Data, serial: u64, effects: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["serve", &serial.to_string()]).arg(effects).env_clear();
        match data {
            Data::Folder(folder) => command.env("DATA_DIR", folder),
            Data::Database(url) => command.env("DATABASE_URL", url),
            Data::Nowhere => command.env("AMNESIA", "true"),
        };
        let spawned = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = spawned.unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        Process {
            child,
            lines: Some(lines),
            serial,
            port: 0,
        }
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&mut self) {
        let mut lines = self.lines.take().unwrap();
        let port = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            let port = line.trim().strip_prefix("port ").and_then(|port| port.parse().ok());
            port.unwrap_or_else(|| panic!("the process is not ready: {line}"))
        });
        self.port = tokio::time::timeout(READY, port)
            .await
            .expect("it is ready in time")
            .unwrap();
    }

    /// Kills it with signal 9; gives its number and the moment after which it did nothing more.
    pub(crate) fn kill(mut self) -> (u64, u128) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.serial, worker::now())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
