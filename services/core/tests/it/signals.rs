//! The program itself, and what it does when the system tells it something.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long anything may take that must happen, on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// Core as a program, with what it logs.
struct Program {
    process: Child,
    log: Lines<BufReader<ChildStdout>>,
}

impl Program {
    async fn start(config: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_blackroad-os-core"))
            .env_clear()
            .env("CONFIG_FILE", config)
            .envs([("AMNESIA", "true"), ("PORT", "0"), ("LOG_FORMAT", "json")])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut program = Program { process, log };
        program.says("ready").await;
        program
    }

    /// The first line of its log from here on with this message.
    async fn says(&mut self, message: &str) -> Value {
        let found = async {
            loop {
                let line = self.log.next_line().await.unwrap().expect("it logs until it ends");
                let line: Value = serde_json::from_str(&line).unwrap();
                if line["message"].as_str().is_some_and(|said| said.contains(message)) {
                    return line;
                }
            }
        };
        let found = timeout(SOON, found).await;
        found.unwrap_or_else(|_| panic!("it never says {message:?}"))
    }

    fn signal(&self, signal: Signal) {
        let id = self.process.id().expect("it was not waited for");
        kill_process(Pid::from_raw(id.cast_signed()).unwrap(), signal).unwrap();
    }
}

#[tokio::test]
async fn sighup_reads_the_configuration_again_and_sigterm_ends_it_well() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("core.env");
    std::fs::write(&config, "ALLOWED_ORIGINS=https://a.example\n").unwrap();
    let mut program = Program::start(&config).await;

    program.signal(Signal::HUP);
    std::fs::write(&config, "ALLOWED_ORIGINS=b.example\n").unwrap();
    program.signal(Signal::HUP);
    let told = program.says("cannot be used").await;
    assert!(told.to_string().contains("ALLOWED_ORIGINS"), "{told}");

    // The process looks at its files by itself as well, so what a signal did is known by its reason.
    for attempt in 0.. {
        std::fs::write(&config, format!("ALLOWED_ORIGINS=https://b{attempt}.example\n")).unwrap();
        program.signal(Signal::HUP);
        let told = program.says("was read again and holds").await;
        if told.to_string().contains("SIGHUP") {
            break;
        }
    }

    program.signal(Signal::TERM);
    let ended = timeout(SOON, program.process.wait()).await.expect("it ends").unwrap();
    assert_eq!(ended.code(), Some(0));
}
