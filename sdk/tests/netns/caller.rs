//! The process that calls: 64 callers of what may be done twice, and some of what must not, each one call after the other.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use syscall_sdk::clock::Clock;
use syscall_sdk::contract::Method;
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::metrics::Metrics;
use syscall_sdk::registry::Registry;
use syscall_sdk::resolve::Dns;
use syscall_sdk::rpc::{CallOptions, Client, ClientOptions, Sockets};
use syscall_sdk::transport::Switchboard;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::process::orders;
use crate::replica::{CHARGE, LOOK};

/// Callers of what may be done twice.
pub(crate) const CALLERS: usize = 64;
/// Callers of what must not: enough that some are under way whenever anything happens, few enough that a replica that takes them and never
/// answers, which nobody may repeat elsewhere, does not become all that is measured.
const CHARGERS: usize = 8;
/// Between the calls of one caller: some 600 calls a second in all, which two cores carry without optimisation beside a compiler.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a call may take that nobody repeats: what a test waits for at its end.
const CHARGE_TIMEOUT: Duration = Duration::from_secs(2);
/// Calls after which the caller knows what is usual, and three replicas have been asked often enough to be compared.
const WARM: usize = 600;
/// Between looks at where attempts went: a fortieth of the second that they are counted in.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// A call, as its caller felt it. Times are in microseconds; `at` since 1970.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) id: String,
    /// Whether it must not be done twice.
    pub(crate) once: bool,
    pub(crate) at: u64,
    pub(crate) took: u64,
    /// What kept it from being answered.
    pub(crate) error: Option<String>,
}

/// What had gone to each address at a moment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) at: u64,
    pub(crate) endpoints: Vec<Traffic>,
}

/// What had gone to an address.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Traffic {
    pub(crate) address: String,
    /// Attempts, those included that are under way.
    pub(crate) attempts: u64,
    /// Of them, those that came to nothing.
    pub(crate) failures: u64,
}

/// Everything that a caller leaves.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Records {
    pub(crate) calls: Vec<Call>,
    pub(crate) samples: Vec<Sample>,
}

/// The clock of the machine, in microseconds since 1970.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_micros().try_into().unwrap()
}

/// Calls until it is told to stop; says `ready` when it is warm.
pub(crate) async fn call(prefix: &str, records: &str) -> ExitCode {
    let client = client();
    let (stop, stopped) = watch::channel(false);
    let made = watch::Sender::new(0usize);
    let mut callers = JoinSet::new();
    for number in 0..CALLERS + CHARGERS {
        let once = number >= CALLERS;
        let name = format!("{prefix}-{number}");
        callers.spawn(one(client.clone(), name, once, stopped.clone(), made.clone()));
    }
    let looks = tokio::spawn(look(client, stopped));
    let mut seen = made.subscribe();
    seen.wait_for(|made| *made >= WARM).await.unwrap();
    println!("ready");
    // Told to stop, or left alone: both are the end.
    let _ = orders().recv().await;
    stop.send_replace(true);
    let calls = callers.join_all().await.into_iter().flatten().collect();
    let samples = looks.await.unwrap();
    let written = serde_json::to_vec(&Records { calls, samples }).unwrap();
    std::fs::write(Path::new(records), written).unwrap();
    println!("done");
    ExitCode::SUCCESS
}

/// As a host makes it: real names, real sockets, no public way.
fn client() -> Client {
    let registry = Registry::builtin();
    let record = registry.get("operator").unwrap().clone();
    Client::new(ClientOptions {
        name: record.name,
        role: record.role,
        minter: None,
        registry,
        resolver: Arc::new(Dns::from_system().unwrap()),
        dial: Arc::new(Sockets::default()),
        switchboard: Switchboard::default(),
        outside: None,
        metrics: Metrics::new(Clock::system()),
        scope: Scope::new("caller", tracing::Span::none()),
        seed: None,
    })
    .unwrap()
}

async fn one(
    client: Client,
    name: String,
    once: bool,
    stopped: watch::Receiver<bool>,
    made: watch::Sender<usize>,
) -> Vec<Call> {
    let (method, timeout): (Method<String, String>, _) = if once {
        (CHARGE, Some(CHARGE_TIMEOUT))
    } else {
        (LOOK, None)
    };
    let mut calls = Vec::new();
    while !*stopped.borrow() {
        let (id, at) = (format!("{name}-{}", calls.len()), now());
        let options = CallOptions {
            timeout,
            ..CallOptions::default()
        };
        let answer = client.call(&method, &id, options).await;
        calls.push(Call {
            id,
            once,
            at,
            took: now() - at,
            error: answer.err().map(|error| error.chain()),
        });
        made.send_modify(|made| *made += 1);
        tokio::time::sleep(PAUSE).await;
    }
    calls
}

/// Looks where attempts go.
async fn look(client: Client, stopped: watch::Receiver<bool>) -> Vec<Sample> {
    let mut samples = Vec::new();
    while !*stopped.borrow() {
        let at = now();
        let peers = client.peers().peers.into_iter();
        let endpoints = peers
            .filter(|peer| peer.service == "core")
            .flat_map(|peer| peer.endpoints);
        samples.push(Sample {
            at,
            endpoints: endpoints
                .map(|endpoint| Traffic {
                    address: endpoint.address,
                    attempts: endpoint.attempts + endpoint.in_flight,
                    failures: endpoint.failures,
                })
                .collect(),
        });
        tokio::time::sleep(LOOK_EVERY).await;
    }
    samples
}
