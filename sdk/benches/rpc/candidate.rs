//! A candidate as who measures sees it: a process that makes a round when it is told to.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

/// What a round came to.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Round {
    calls: u64,
    /// Calls that came to no answer, which are in no figure, and why the first of them did not.
    #[serde(default)]
    pub(crate) refused: u64,
    #[serde(default)]
    pub(crate) why: Option<String>,
    seconds: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    client_cpu_us: f64,
    server_cpu_us: Option<f64>,
}

impl Round {
    /// Calls a second.
    pub(crate) fn rate(&self) -> f64 {
        self.calls as f64 / self.seconds
    }

    /// Processor time of the calling process, a call, in microseconds.
    pub(crate) fn client_cpu(&self) -> f64 {
        self.client_cpu_us / self.calls as f64
    }

    /// Processor time of the serving process, a call, in microseconds; none where it is the calling one.
    pub(crate) fn server_cpu(&self) -> Option<f64> {
        self.server_cpu_us.map(|all| all / self.calls as f64)
    }
}

/// A candidate, running and at rest.
pub(crate) struct Candidate {
    pub(crate) name: String,
    child: Child,
    /// `None` once it is told to end.
    asks: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
}

impl Candidate {
    /// Starts one. `command` is a program and its words, apart by blanks.
    pub(crate) fn start(name: &str, command: &[String]) -> Result<Self, String> {
        let (program, words) = command.split_first().ok_or("it has no program")?;
        let mut child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{program} does not start: {error}"))?;
        let asks = child.stdin.take();
        let says = BufReader::new(child.stdout.take().ok_or("its output is not piped")?);
        Ok(Candidate {
            name: name.to_owned(),
            child,
            asks,
            says,
        })
    }

    /// Has it make a round.
    pub(crate) fn round(&mut self, in_flight: usize, lasts: Duration) -> Result<Round, String> {
        let asks = self.asks.as_mut().ok_or("it was told to end")?;
        writeln!(asks, "{in_flight} {}", lasts.as_millis()).map_err(|error| format!("it takes no rounds: {error}"))?;
        let mut line = String::new();
        let read = self.says.read_line(&mut line).map_err(|error| error.to_string())?;
        if read == 0 {
            return Err("it ended before its round did".to_owned());
        }
        serde_json::from_str(&line).map_err(|error| format!("it said {:?}: {error}", line.trim_end()))
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        // At the end of its input it ends its server, then itself.
        self.asks = None;
        let _ = self.child.wait();
    }
}
