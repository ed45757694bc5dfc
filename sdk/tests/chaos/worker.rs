//! The process that is killed: one service with a job and a workflow that leave marks outside.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use syscall_sdk::context::{FlowContext, JobContext};
use syscall_sdk::contract::{Flow, Task};
use syscall_sdk::error::{Error, Result};
use syscall_sdk::host::{Door, Host};
use syscall_sdk::service::Service;
use syscall_sdk::transport::{Bind, Bound};

const EFFECT: Task<u64, String> = Task::new("core", "effect");
const STEPS: Flow<u64, Vec<String>> = Flow::new("core", "steps");
/// The steps of a run, in order.
pub(crate) const STEP_NAMES: [&str; 3] = ["reserve", "charge", "ship"];

/// Where effects are noted: a line that is written is in the file, however the writer ends.
struct Marks {
    file: File,
    serial: String,
}

impl Marks {
    fn note(&self, words: &str) -> Result<()> {
        let line = format!("{words} {} {}\n", self.serial, now());
        // In one write to a file that is only appended to, so that lines of several processes do not mix.
        let written = (&self.file).write_all(line.as_bytes());
        written.map_err(|error| Error::unavailable("the effects cannot be noted").with_source(error))
    }
}

/// The clock of the machine, in ms.
pub(crate) fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()
}

/// Serves until it is killed.
pub(crate) fn run(serial: &str, effects: &str) -> ExitCode {
    println!("begins");
    let file = OpenOptions::new().append(true).create(true).open(effects).unwrap();
    let marks = Arc::new(Marks {
        file,
        serial: serial.to_owned(),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let doors = vec![Door::of_service("core", vec![Bind::Tcp(address)])];
        let host = Host::new(std::env::vars().collect()).mount(move || service(&marks));
        let running = match host.start(doors).await {
            Ok(running) => running,
            Err(error) => {
                println!("failed {error}");
                return ExitCode::FAILURE;
            }
        };
        let Some(Bound::Tcp(address)) = running.bound().into_iter().next() else {
            return ExitCode::FAILURE;
        };
        println!("port {}", address.port());
        std::future::pending().await
    })
}

fn service(marks: &Arc<Marks>) -> Service {
    let (of_jobs, of_steps) = (Arc::clone(marks), Arc::clone(marks));
    Service::new("core", "1")
        .task(EFFECT, move |context: JobContext, number: u64| {
            let marks = Arc::clone(&of_jobs);
            async move {
                let value = uuid::Uuid::new_v4().simple().to_string();
                let (id, attempt) = (&context.job().id, context.job().attempt);
                marks.note(&format!("begin {id} {attempt} {value}"))?;
                // Work that takes its time, so that some of it is cut off.
                tokio::time::sleep(Duration::from_millis(number % 12)).await;
                marks.note(&format!("end {id} {attempt} {value}"))?;
                Ok(value)
            }
        })
        .flow(STEPS, move |flow: FlowContext, _: u64| {
            let marks = Arc::clone(&of_steps);
            async move {
                let mut values = Vec::new();
                for name in STEP_NAMES {
                    let run = flow.id().to_owned();
                    let work = || async {
                        let value = uuid::Uuid::new_v4().simple().to_string();
                        marks.note(&format!("step {run} {name} {value}"))?;
                        Ok(value)
                    };
                    let value: String = flow.step(name, work).await?;
                    values.push(value);
                }
                Ok(values)
            }
        })
}
