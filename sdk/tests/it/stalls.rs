//! A queue whose store does not answer: said in health, and the end of the process where it stays so.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use serde_json::json;
use syscall_sdk::host::{DrainBudget, Host};
use syscall_sdk::jobs::{HUNG_AFTER, STALLED_AFTER};
use syscall_sdk::store::Store;
use syscall_sdk::store::fault::Fault;
use syscall_sdk::transport::Body;

use crate::support::{ask, service, variables};

#[tokio::test]
async fn a_store_that_hangs_degrades_the_service_and_then_gives_it_up() {
    let held: Arc<Mutex<Option<Arc<Fault>>>> = Arc::default();
    let kept = Arc::clone(&held);
    let running = Host::new(variables(&[]))
        .mount(|| service(&Arc::default()))
        .wrap_stores(move |store| {
            let fault = Arc::new(Fault::new(store));
            *kept.lock().unwrap() = Some(Arc::clone(&fault));
            fault as Arc<dyn Store>
        })
        .start(Vec::new())
        .await
        .unwrap();
    let handler = running.handler("core").unwrap();
    let health = async || {
        ask(&handler, Method::GET, "/v1/sys/health", &[], Body::empty())
            .await
            .body
    };
    assert_eq!(health().await["checks"]["jobs"]["status"], "ok");

    let fault = held.lock().unwrap().clone().unwrap();
    tokio::time::pause();
    fault.hold();
    // It wakes the runner, whose claim is not answered; who asked for it goes unanswered too.
    let jobs = running.kernel("core").unwrap().jobs.clone();
    let waits = jobs.pulse().clone();
    let stalled = async {
        while waits.stalled().is_none() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        // Until the checks have run once more.
        tokio::time::sleep(Duration::from_secs(15)).await;
    };
    tokio::time::timeout(STALLED_AFTER * 4, stalled)
        .await
        .expect("it is stalled");
    let body = health().await;
    assert_eq!(
        (&body["status"], &body["checks"]["jobs"]["status"]),
        (&json!("degraded"), &json!("degraded"))
    );
    let said = body["checks"]["jobs"]["message"].as_str().unwrap();
    assert!(
        said.contains("no answer of the store for") && said.contains("look at its disk"),
        "{said}"
    );
    let exposed = ask(&handler, Method::GET, "/metrics", &[], Body::empty()).await.text;
    let figure = exposed
        .lines()
        .find(|line| line.starts_with("jobs_waiting_for_store_seconds "));
    assert!(figure.is_some_and(|line| !line.ends_with(" 0")), "{figure:?}");

    let (service, reason) = tokio::time::timeout(HUNG_AFTER * 2, running.quarantined())
        .await
        .expect("it is given up");
    assert_eq!(service, "core");
    assert!(
        reason.starts_with("stalled-queue: ") && reason.contains("taking due jobs has had no answer"),
        "{reason}"
    );
    running.stop(DrainBudget::none(), "test").await;
}
