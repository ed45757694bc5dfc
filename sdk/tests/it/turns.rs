//! Whose turn it is, seen from outside: keys over the wire, rates of contracts.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use syscall_sdk::context::{Context, JobContext};
use syscall_sdk::contract::Task;
use syscall_sdk::host::{DrainBudget, Host};
use syscall_sdk::service::Service;
use syscall_sdk::wire::JobStatus;

use crate::support::{Fixture, variables};

/// How long a test waits for what must come.
const SOON: Duration = Duration::from_secs(20);
const PACED: Task<(), ()> = Task::new("core", "paced").rate(10, Duration::from_secs(2)).burst(2);

#[tokio::test]
async fn jobs_of_a_key_run_one_after_the_other_and_tell_what_they_wait_for() {
    let core = Fixture::start().await;
    let order = json!({ "name": "stubborn", "concurrencyKey": "account-7" });
    let mut ids = Vec::new();
    for _ in 0..3 {
        let made = core.post("/v1/sys/job", &order).await;
        assert_eq!(made.status, StatusCode::CREATED);
        assert_eq!(made.body["status"], "queued");
        assert_eq!(made.body["concurrencyLimit"], 1);
        ids.push(made.body["id"].as_str().unwrap().to_owned());
    }
    for number in 0..3 {
        is(&core, &ids[number], JobStatus::Running).await;
        for waits in &ids[number + 1..] {
            is(&core, waits, JobStatus::Pending).await;
            let shown = core.get(&format!("/v1/sys/job/{waits}")).await.body;
            assert_eq!(shown["waitingFor"], json!({ "key": "account-7" }));
        }
        let pending = core.get("/v1/sys/jobs?status=pending").await.body;
        assert_eq!(pending["jobs"].as_array().map(Vec::len), Some(2 - number));
        let cancel = format!("/v1/sys/job/{}/cancel", ids[number]);
        let cancelled = core.post(&cancel, &json!({})).await;
        assert_eq!(cancelled.body["waitingFor"], Value::Null);
    }
    core.stop().await;
}

#[tokio::test]
async fn what_cannot_be_said_of_a_key_is_refused_with_a_sentence() {
    let core = Fixture::start().await;
    for (order, sentence) in [
        (json!({ "concurrencyLimit": 2 }), "give the key"),
        (json!({ "concurrencyKey": "" }), "1 to 512 bytes"),
        (json!({ "concurrencyKey": "k", "concurrencyLimit": 0 }), "1 to 1024"),
        (
            json!({ "concurrencyKey": "k", "schedule": "@daily" }),
            "a schedule takes no",
        ),
    ] {
        let mut body = json!({ "name": "stubborn" });
        body.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
        let refused = core.post("/v1/sys/job", &body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(refused.text.contains(sentence), "{}", refused.text);
    }
    core.stop().await;
}

#[tokio::test]
async fn a_contracts_rate_spreads_the_starts() {
    let service = || Service::new("core", "1").task(PACED, |_: JobContext, (): ()| async { Ok(()) });
    let running = Host::new(variables(&[]))
        .mount(service)
        .start(Vec::new())
        .await
        .unwrap();
    let kernel = running.kernel("core").unwrap();
    let context = Context::new(running.kernel("core").unwrap());
    let mut made = Vec::new();
    for _ in 0..6 {
        made.push(context.enqueue(&PACED, &()).await.unwrap().id);
    }
    let mut starts = Vec::new();
    for id in &made {
        let ended = tokio::time::timeout(SOON, kernel.jobs.ended(id))
            .await
            .unwrap()
            .unwrap();
        starts.push(ended.started_at.unwrap());
    }
    starts.sort();
    // Two at once, then one each 200 ms.
    for (first, last) in starts.iter().zip(&starts[2..]) {
        assert!((*last - *first).num_milliseconds() >= 200, "{starts:?}");
    }
    drop((kernel, context));
    running.stop(DrainBudget::none(), "test").await;
}

/// Waits until a job stands so.
async fn is(core: &Fixture, id: &str, status: JobStatus) {
    let kernel = core.running.kernel("core").unwrap();
    let mut heads = kernel.store.heads();
    let stands = async {
        loop {
            heads.borrow_and_update();
            if kernel.jobs.get(id).await.unwrap().unwrap().status == status {
                return;
            }
            heads.changed().await.unwrap();
        }
    };
    tokio::time::timeout(SOON, stands)
        .await
        .unwrap_or_else(|_| panic!("{id} never is {status}"));
}
