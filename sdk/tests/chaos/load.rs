//! The load: writers that do one of each kind after the other, until they are told to end or their process is gone.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::ledger::Ledger;

/// The key that all writers compare and set.
pub(crate) const COUNTER: &str = "counter";
/// Writers of each process.
pub(crate) const WRITERS: u64 = 4;

/// Writes until it is over.
pub(crate) async fn write(client: Client, writer: u64, ledger: Arc<Ledger>) {
    while !ledger.stop.load(Ordering::SeqCst) {
        let done = put(&client, writer, &ledger).await
            && compare_and_set(&client, &ledger).await
            && emit(&client, &ledger).await
            && enqueue(&client, &ledger).await
            && start(&client, &ledger).await;
        if !done {
            return;
        }
    }
}

/// Sends a write; `Err` where the process is gone.
async fn send(client: &Client, method: Method, path: &str, body: &Value) -> Result<Option<(Value, u64)>, ()> {
    match client.send(method, path, Some(body)).await {
        Answer::Done(body, revision) => Ok(Some((body, revision))),
        // The database is away, or a condition did not hold.
        Answer::Refused(status, _) if status >= 500 || status == 409 => {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok(None)
        }
        Answer::Refused(status, body) => panic!("{path}: {status} {body}"),
        Answer::Gone => Err(()),
    }
}

async fn put(client: &Client, writer: u64, ledger: &Ledger) -> bool {
    let (key, value) = (format!("writer/{writer}"), ledger.number());
    let before = ledger.revision();
    let body = json!({ "key": key, "value": value });
    let Ok(answer) = send(client, Method::PUT, "/v1/sys/state", &body).await else {
        return false;
    };
    if let Some((entry, revision)) = answer {
        ledger.revised(before, revision);
        let version = entry["version"].as_u64().unwrap();
        ledger.note(|kept| {
            let old = kept.state.insert(key.clone(), (version, value));
            if let Some((old, _)) = old.filter(|(old, _)| *old >= version) {
                kept.faults.push(format!("{key} went from version {old} to {version}"));
            }
        });
    }
    true
}

async fn compare_and_set(client: &Client, ledger: &Ledger) -> bool {
    let (value, version) = match client
        .send(Method::GET, &format!("/v1/sys/state?key={COUNTER}"), None)
        .await
    {
        Answer::Done(entry, _) => (entry["value"].as_u64().unwrap(), entry["version"].as_u64().unwrap()),
        Answer::Refused(404, _) => (0, 0),
        Answer::Refused(..) => return true,
        Answer::Gone => return false,
    };
    if value != version {
        ledger.fault(format!(
            "the counter is {value} at version {version}: a write was lost or done twice"
        ));
    }
    let body = json!({ "key": COUNTER, "value": value + 1, "expectedVersion": version });
    let Ok(answer) = send(client, Method::PUT, "/v1/sys/state", &body).await else {
        return false;
    };
    if answer.is_some() {
        ledger.note(|kept| {
            kept.counter = kept.counter.max(value + 1);
            kept.counted += 1;
        });
    }
    true
}

async fn emit(client: &Client, ledger: &Ledger) -> bool {
    let body = json!({ "event": "chaos:test", "data": ledger.number() });
    let Ok(answer) = send(client, Method::POST, "/v1/sys/event", &body).await else {
        return false;
    };
    if let Some((event, _)) = answer {
        ledger.note(|kept| kept.events.push(event["id"].as_str().unwrap().to_owned()));
    }
    true
}

async fn enqueue(client: &Client, ledger: &Ledger) -> bool {
    let body = json!({ "name": "effect", "params": ledger.number() });
    let Ok(answer) = send(client, Method::POST, "/v1/sys/job", &body).await else {
        return false;
    };
    if let Some((job, _)) = answer {
        ledger.note(|kept| kept.jobs.push(job["id"].as_str().unwrap().to_owned()));
    }
    true
}

async fn start(client: &Client, ledger: &Ledger) -> bool {
    let body = json!({ "name": "steps", "input": ledger.number() });
    let Ok(answer) = send(client, Method::POST, "/v1/sys/workflow", &body).await else {
        return false;
    };
    if let Some((run, _)) = answer {
        ledger.note(|kept| kept.runs.push(run["id"].as_str().unwrap().to_owned()));
    }
    true
}
