//! Services whose data lies in PostgreSQL: everything real, the database too.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use serde_json::json;
use syscall_sdk::config::Variables;
use syscall_sdk::host::{DrainBudget, Host, Running, StartError};
use syscall_sdk::service::Service;
use syscall_sdk::store::postgres::cluster::Cluster;

use crate::support::{Fixture, ask, service, variables};

fn in_database(url: &str) -> Variables {
    let mut variables = variables(&[("DATABASE_URL", url)]);
    variables.remove("AMNESIA");
    variables
}

async fn replica(url: &str) -> Fixture {
    let calls = Arc::<AtomicU32>::default();
    let counted = Arc::clone(&calls);
    let host = Host::new(in_database(url))
        .mount(move || service(&counted))
        .mount(|| Service::new("api", "1"));
    let running: Running = host.start(Vec::new()).await.unwrap();
    let handler = running.handler("core").expect("the service booted");
    Fixture {
        running,
        handler,
        calls,
    }
}

#[tokio::test]
async fn two_replicas_of_a_service_share_its_state_and_its_jobs() {
    let cluster = Cluster::start();
    let (one, two) = (replica(&cluster.url()).await, replica(&cluster.url()).await);
    let written = one
        .put(
            "/v1/sys/state",
            &json!({ "key": "orders/7", "value": { "paid": true } }),
        )
        .await;
    assert!(written.status.is_success(), "{}", written.text);
    let read = two.get("/v1/sys/state?key=orders%2F7").await;
    assert_eq!(read.body["value"], json!({ "paid": true }), "{}", read.text);
    let api = one.running.handler("api").expect("it booted");
    let elsewhere = ask(&api, http::Method::GET, "/v1/sys/state?key=orders%2F7", &[], "").await;
    assert_eq!(
        elsewhere.status,
        http::StatusCode::NOT_FOUND,
        "another service has a schema of its own: {}",
        elsewhere.text
    );

    let job = json!({ "name": "upper", "params": { "text": "a" } });
    let created = two.post("/v1/sys/job", &job).await;
    let ended = one.ended(created.body["id"].as_str().unwrap()).await;
    assert_eq!(ended.result.unwrap().value(), json!({ "text": "A" }));

    let health = two.get("/v1/sys/health").await;
    assert_eq!(
        health.body["checks"]["database"]["status"],
        json!("ok"),
        "{}",
        health.text
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_service_outlives_a_restart_of_its_database() {
    let cluster = Cluster::start();
    let core = replica(&cluster.url()).await;
    let put = |value: u32| json!({ "key": "a", "value": value });
    assert!(core.put("/v1/sys/state", &put(1)).await.status.is_success());
    cluster.kill();
    let refused = core.put("/v1/sys/state", &put(2)).await;
    assert_eq!(
        refused.status,
        http::StatusCode::SERVICE_UNAVAILABLE,
        "{}",
        refused.text
    );
    cluster.run();
    let back = async {
        while !core.put("/v1/sys/state", &put(3)).await.status.is_success() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), back)
        .await
        .expect("it comes back");
    assert_eq!(core.get("/v1/sys/state?key=a").await.body["version"], json!(2));
    core.stop().await;
}

#[tokio::test]
async fn a_database_url_that_is_none_is_a_fault_of_the_environment_and_its_password_is_not_said() {
    for (url, said) in [
        ("mysql://u:hunter2@h/d", "does not start with postgres://"),
        ("postgres://u:hunter2@h/d?sslmode=maybe", "sslmode"),
    ] {
        let host = Host::new(in_database(url))
            .mount(|| Service::new("core", "1"))
            .mount(|| Service::new("api", "1"));
        let StartError::Config(problems) = host.start(Vec::new()).await.unwrap_err() else {
            panic!("{url} is refused")
        };
        let problems = problems.to_string();
        assert!(problems.contains(said) && !problems.contains("hunter2"), "{problems}");
        assert!(problems.contains("1 fault:"), "{problems}");
    }
}

#[tokio::test]
async fn what_one_life_wrote_the_next_one_reads() {
    let cluster = Cluster::start();
    let core = replica(&cluster.url()).await;
    assert!(
        core.put("/v1/sys/state", &json!({ "key": "a", "value": 1 }))
            .await
            .status
            .is_success()
    );
    core.running.stop(DrainBudget::none(), "test").await;
    let core = replica(&cluster.url()).await;
    assert_eq!(core.get("/v1/sys/state?key=a").await.body["value"], json!(1));
    core.stop().await;
}

#[tokio::test]
async fn a_request_that_another_replica_still_works_on_is_in_progress_until_that_one_is_gone() {
    let cluster = Cluster::start();
    let (one, two) = (replica(&cluster.url()).await, replica(&cluster.url()).await);
    let call = json!({ "method": "hang", "params": null, "timeout": 30_000 }).to_string();
    let key = [("idempotency-key", "once")];
    let first = one.handler.clone();
    let body = call.clone();
    let mut working = tokio::task::JoinSet::new();
    working.spawn(async move { ask(&first, http::Method::POST, "/v1/sys/rpc", &key, body).await.status });
    // From the moment at which the first replica has noted it, the second knows of it.
    let store = two.running.kernel("core").unwrap().store.clone();
    let noted = async {
        while store.remembered("rpc hang ", "once").await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), noted)
        .await
        .expect("it is noted");
    let again = two.send(http::Method::POST, "/v1/sys/rpc", &key, call.clone()).await;
    assert_eq!(
        (again.status.as_u16(), &again.body["error"]["code"]),
        (409, &json!("REQUEST_IN_PROGRESS")),
        "{}",
        again.text
    );
    assert_eq!(again.headers["retry-after"], "1");
    one.stop().await;
    let after = two.send(http::Method::POST, "/v1/sys/rpc", &key, call).await;
    assert_eq!(
        (after.status.as_u16(), &after.body["error"]["code"]),
        (409, &json!("OUTCOME_UNKNOWN")),
        "{}",
        after.text
    );
    drop(working);
    drop(store);
    two.stop().await;
}
