//! `kill -9` of the fleet itself: what was acknowledged is there after the restart, and no version or sequence goes back. The kernel's own
//! processes are killed more often, and on both stores, by its test `chaos`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Mutex, watch};

/// How often the process is killed.
const KILLS: usize = 5;
/// Acknowledgements of each kind between two kills, at least: the kill falls into a run of writes, not before or after it.
const ACKNOWLEDGED_PER_LIFE: u64 = 25;
/// Writers of each kind.
const WRITERS: u64 = 4;

/// A fleet of two in a process of its own.
pub(crate) struct Fleet {
    child: Child,
    pub(crate) port: u16,
}

impl Fleet {
    pub(crate) fn start(data: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_blackroad"))
            .args(["up", "--only", "core,operator", "--port", "0", "--data-dir"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map(Result::unwrap).find_map(|line| {
            let rest = line.split("http://localhost:").nth(1)?;
            rest.split('/').next()?.parse().ok()
        });
        Fleet {
            child,
            port: port.expect("the fleet says where it is"),
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) port: u16,
}

impl Client {
    pub(crate) fn request(&self, method: reqwest::Method, service: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("http://127.0.0.1:{}{path}", self.port));
        request
            .header("host", format!("{service}.localhost"))
            .timeout(Duration::from_secs(20))
    }

    /// The answer of a success; `None` where the process died before it answered.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Option<Value> {
        let response = request.send().await.ok()?;
        assert!(response.status().is_success(), "{}", response.status());
        response.json().await.ok()
    }

    pub(crate) async fn get(&self, service: &str, path: &str) -> Value {
        self.send(self.request(reqwest::Method::GET, service, path))
            .await
            .expect("a running fleet answers")
    }
}

/// What was acknowledged.
#[derive(Default)]
struct Ledger {
    /// Key to its highest acknowledged version and value.
    state: BTreeMap<String, (u64, u64)>,
    events: Vec<String>,
    jobs: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_over_five_kills() {
    syscall_sdk::transport::install_tls();
    let data = tempfile::tempdir().unwrap();
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let serial = Arc::new(AtomicU64::new(0));
    let mut last_event = String::new();
    for _ in 0..KILLS {
        let mut fleet = Fleet::start(data.path());
        let client = Client {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            port: fleet.port,
        };
        last_event = check(&client, &*ledger.lock().await, &last_event).await;

        let (acknowledged, mut count) = watch::channel([0u64; 3]);
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let (client, ledger, serial, acknowledged) = (
                client.clone(),
                Arc::clone(&ledger),
                Arc::clone(&serial),
                acknowledged.clone(),
            );
            writers.spawn(async move { while write(&client, writer, &ledger, &serial, &acknowledged).await {} });
        }
        let enough = count.wait_for(|counts| counts.iter().all(|count| *count >= ACKNOWLEDGED_PER_LIFE));
        tokio::time::timeout(Duration::from_secs(60), enough)
            .await
            .expect("writes are acknowledged")
            .unwrap();
        fleet.kill();
        while writers.join_next().await.is_some() {}
    }

    let fleet = Fleet::start(data.path());
    let client = Client {
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        port: fleet.port,
    };
    let ledger = ledger.lock().await;
    check(&client, &ledger, &last_event).await;
    assert!(ledger.events.len() as u64 >= ACKNOWLEDGED_PER_LIFE * KILLS as u64);
    for id in &ledger.jobs {
        completed(&client, id).await;
    }
}

/// One write of each kind; `false` when the process has died.
async fn write(
    client: &Client,
    writer: u64,
    ledger: &Mutex<Ledger>,
    serial: &AtomicU64,
    acknowledged: &watch::Sender<[u64; 3]>,
) -> bool {
    let n = serial.fetch_add(1, Ordering::Relaxed);
    let key = format!("writer/{writer}");
    let put = client
        .request(reqwest::Method::PUT, "core", "/v1/sys/state")
        .json(&json!({ "key": key, "value": n }));
    let Some(entry) = client.send(put).await else {
        return false;
    };
    ledger
        .lock()
        .await
        .state
        .insert(key, (entry["version"].as_u64().unwrap(), n));
    acknowledged.send_modify(|counts| counts[0] += 1);

    let emit = client
        .request(reqwest::Method::POST, "core", "/v1/sys/event")
        .json(&json!({ "event": "crash:test", "data": n }));
    let Some(emitted) = client.send(emit).await else {
        return false;
    };
    ledger
        .lock()
        .await
        .events
        .push(emitted["id"].as_str().unwrap().to_owned());
    acknowledged.send_modify(|counts| counts[1] += 1);

    let job = client
        .request(reqwest::Method::POST, "operator", "/v1/sys/job")
        .json(&json!({ "name": "sweep-roster" }));
    let Some(created) = client.send(job).await else {
        return false;
    };
    ledger
        .lock()
        .await
        .jobs
        .push(created["id"].as_str().unwrap().to_owned());
    acknowledged.send_modify(|counts| counts[2] += 1);
    true
}

/// Everything acknowledged is there; gives the newest event, whose place in the log must never be before the last one's.
async fn check(client: &Client, ledger: &Ledger, last_event: &str) -> String {
    for (key, (version, value)) in &ledger.state {
        let entry = client
            .get("core", &format!("/v1/sys/state?key={}", key.replace('/', "%2F")))
            .await;
        let (found, held) = (entry["version"].as_u64().unwrap(), entry["value"].as_u64().unwrap());
        // A write may have been applied and its acknowledgement lost with the process.
        assert!(
            found > *version || (found == *version && held == *value),
            "{key}: {entry} after {version} of {value}"
        );
    }
    let mut events = Vec::new();
    let mut path = "/v1/sys/events/recent?event=crash:test&limit=1000".to_owned();
    loop {
        let page = client.get("core", &path).await;
        events.extend(
            page["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["id"].as_str().unwrap().to_owned()),
        );
        match page["cursor"].as_str() {
            Some(cursor) => path = format!("/v1/sys/events/recent?event=crash:test&limit=1000&before={cursor}"),
            None => break,
        }
    }
    let kept: std::collections::BTreeSet<_> = events.iter().collect();
    assert_eq!(kept.len(), events.len(), "no event is there twice");
    for id in &ledger.events {
        assert!(kept.contains(id), "event {id} was acknowledged and is gone");
    }
    assert!(
        last_event.is_empty() || events.iter().any(|id| id == last_event),
        "the log went back"
    );
    for id in &ledger.jobs {
        let job = client.get("operator", &format!("/v1/sys/job/{id}")).await;
        assert_eq!(job["id"].as_str(), Some(id.as_str()));
    }
    events.first().cloned().unwrap_or_default()
}

/// Waits until a job is completed, asking again whenever the service's jobs have moved on.
async fn completed(client: &Client, id: &str) {
    for _ in 0..200 {
        let job = client.get("operator", &format!("/v1/sys/job/{id}")).await;
        match job["status"].as_str() {
            Some("completed") => return,
            // The newest jobs may still wait for the ones before them; a whole further job is a fair measure of time.
            Some("queued" | "running") => {
                let further = client
                    .request(reqwest::Method::POST, "operator", "/v1/sys/job")
                    .json(&json!({ "name": "sweep-roster" }));
                client.send(further).await;
            }
            _ => panic!("{job}"),
        }
    }
    panic!("job {id} did not complete");
}
