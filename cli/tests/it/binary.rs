//! The real program, typed at and waited for.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::Value;

/// How long anything may take that must happen, on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// The program with arguments, and nothing of the test's own environment that could change what it does.
pub(crate) fn blackroad(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blackroad"));
    command.args(args).stdin(Stdio::null());
    for name in [
        "BLACKROAD_PORT",
        "BLACKROAD_TOKEN",
        "DATA_DIR",
        "DATABASE_URL",
        "PORT",
        "ENVIRONMENT",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "AMNESIA",
        "SYSCALL_AUTH",
        "SYSCALL_TOKEN",
        "SYSCALL_ROOT_KEYS",
        "BLACKROAD_ROOT_KEY_FILE",
    ] {
        command.env_remove(name);
    }
    command
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs a command to its end.
pub(crate) fn run(args: &[&str]) -> Result<Ran> {
    Ok(blackroad(args).output()?.into())
}

/// A fleet that this test started; killed when dropped.
pub(crate) struct Fleet {
    pub(crate) process: Child,
    pub(crate) port: u16,
    /// What it said when it was up.
    pub(crate) told: Value,
    out: BufReader<ChildStdout>,
    /// What it says on standard error, line by line.
    err: mpsc::Receiver<String>,
}

impl Fleet {
    /// Starts a fleet on a port of the system's choice, and waits until it is up.
    pub(crate) fn start(args: &[&str]) -> Result<Self> {
        Self::start_on(0, args)
    }

    /// Starts a fleet on a port.
    pub(crate) fn start_on(port: u16, args: &[&str]) -> Result<Self> {
        let mut command = blackroad(&["up", "--json", "--port", &port.to_string()]);
        command.args(args);
        Self::of(command)
    }

    /// Starts a fleet whose files may not grow past so many blocks: the disk fails it while it runs.
    pub(crate) fn start_on_a_failing_disk(blocks: u32, args: &[&str]) -> Result<Self> {
        let mut command = blackroad(&[]);
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let program = command.get_program().to_owned();
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(limit)
            .arg(program)
            .args(["up", "--json", "--port", "0"])
            .args(args)
            .stdin(Stdio::null());
        for (name, value) in command.env("LOG_LEVEL", "error").get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Self::of(shell)
    }

    /// Starts a fleet in a directory.
    pub(crate) fn start_in_directory(directory: &std::path::Path, args: &[&str]) -> Result<Self> {
        let mut command = blackroad(&["up", "--json", "--port", "0"]);
        command.args(args).current_dir(directory);
        Self::of(command)
    }

    /// Starts a fleet whose data lies in a database.
    pub(crate) fn start_in(database: &str, args: &[&str]) -> Result<Self> {
        let mut command = blackroad(&["up", "--json", "--port", "0"]);
        command.args(args).env("DATABASE_URL", database);
        Self::of(command)
    }

    /// Starts what a command says, as it says.
    pub(crate) fn of(mut command: Command) -> Result<Self> {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut out = BufReader::new(process.stdout.take().context("standard output is a pipe")?);
        let mut line = String::new();
        out.read_line(&mut line)?;
        if line.is_empty() {
            let mut said = String::new();
            process
                .stderr
                .take()
                .context("standard error is a pipe")?
                .read_to_string(&mut said)?;
            bail!("the fleet did not come up: {said}");
        }
        let told: Value = serde_json::from_str(&line)?;
        let port = told["port"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .context("a port")?;
        let err = lines(process.stderr.take().context("standard error is a pipe")?);
        Ok(Fleet {
            process,
            port,
            told,
            out,
            err,
        })
    }

    /// Runs a command against it.
    pub(crate) fn run(&self, args: &[&str]) -> Result<Ran> {
        Ok(self.command(args).output()?.into())
    }

    /// A command against it, not yet started.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = blackroad(args);
        command.env("BLACKROAD_PORT", self.port.to_string());
        if let Some(token) = self.told["token"].as_str() {
            command.env("BLACKROAD_TOKEN", token);
        }
        command
    }

    /// What a command answers as JSON; it must succeed.
    pub(crate) fn json(&self, args: &[&str]) -> Result<Value> {
        let ran = self.run(&[&["--json"], args].concat())?;
        if ran.code != Some(0) {
            bail!("{args:?} came to {ran:?}");
        }
        serde_json::from_str(&ran.out).with_context(|| format!("{args:?} printed {:?}", ran.out))
    }

    /// Sends a request to a service without the command line, without a body where it is `null`, and gives the status and the body as
    /// JSON.
    pub(crate) fn send(&self, method: &str, service: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
        self.send_with("", method, service, path, body)
    }

    /// As [`Fleet::send`], with more headers, each a line of its own.
    pub(crate) fn send_with(
        &self,
        headers: &str,
        method: &str,
        service: &str,
        path: &str,
        body: &Value,
    ) -> Result<(u16, Value)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        // A body that nobody reads makes the kernel reset the connection under a long answer.
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {service}.localhost\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer has a head")?;
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .context("a status")?;
        Ok((status, serde_json::from_str(body).with_context(|| body.to_owned())?))
    }

    /// Waits until it says a line on standard error that begins so, and gives the line.
    pub(crate) fn says(&self, beginning: &str) -> Result<String> {
        let mut said = Vec::new();
        loop {
            let line = self.err.recv_timeout(SOON);
            let line = line.with_context(|| format!("no line begins with {beginning:?}: {said:#?}"))?;
            if line.starts_with(beginning) {
                return Ok(line);
            }
            said.push(line);
        }
    }

    /// The process that runs a service.
    pub(crate) fn pid(&self, service: &str) -> Result<u32> {
        let identity = self.json(&["identity", service])?;
        let pid = identity["runtime"]["pid"]
            .as_u64()
            .and_then(|pid| u32::try_from(pid).ok());
        pid.context("identity tells the process")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) -> Result<()> {
        send(signal, self.process.id())
    }

    /// Waits for its end and gives the exit code and what it said on standard output meanwhile.
    pub(crate) fn wait(mut self) -> Result<(Option<i32>, String)> {
        let status = ended(&mut self.process)?;
        let mut rest = String::new();
        self.out.read_to_string(&mut rest)?;
        Ok((status.code(), rest))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command that goes on, whose lines are read one by one; killed when dropped.
pub(crate) struct Following {
    pub(crate) process: Child,
    lines: mpsc::Receiver<String>,
}

impl Following {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let lines = lines(process.stdout.take().context("standard output is a pipe")?);
        Ok(Following { process, lines })
    }

    /// The next line.
    pub(crate) fn next(&self) -> Result<String> {
        self.lines.recv_timeout(SOON).context("no line came")
    }

    /// The next line, where it comes soon enough.
    pub(crate) fn next_within(&self, wait: Duration) -> Option<String> {
        self.lines.recv_timeout(wait).ok()
    }

    /// Presses Ctrl-C and gives the exit code.
    pub(crate) fn interrupt(mut self) -> Result<Option<i32>> {
        send("INT", self.process.id())?;
        Ok(ended(&mut self.process)?.code())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends a signal to a process that this test started.
pub(crate) fn send(signal: &str, pid: u32) -> Result<()> {
    let status = Command::new("kill")
        .arg(format!("-{signal}"))
        .arg(pid.to_string())
        .status()?;
    anyhow::ensure!(status.success(), "signal {signal} could not be sent to {pid}");
    Ok(())
}

/// The end of a process that another one started.
pub(crate) struct Ending(OwnedFd);

impl Ending {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.context("a process id")?;
        Ok(Ending(pidfd_open(pid, PidfdFlags::empty())?))
    }

    /// Waits for it.
    pub(crate) fn wait(self) -> Result<()> {
        let most = Timespec::try_from(SOON)?;
        let ended = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&most))?;
        anyhow::ensure!(ended == 1, "the process had not ended after {} s", SOON.as_secs());
        Ok(())
    }
}

/// Waits for the end of a process that this test started; one that does not end is killed.
fn ended(process: &mut Child) -> Result<ExitStatus> {
    let pid = process.id();
    let (over, is_over) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let late = is_over.recv_timeout(SOON) == Err(mpsc::RecvTimeoutError::Timeout);
        if late {
            let _ = send("KILL", pid);
        }
        late
    });
    let status = process.wait()?;
    drop(over);
    if watch.join().unwrap_or(true) {
        bail!("process {pid} had not ended after {} s", SOON.as_secs());
    }
    Ok(status)
}

/// Reads lines as they come, where nobody waits for them too.
fn lines(out: impl std::io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (tell, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
