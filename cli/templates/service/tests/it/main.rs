//! The service from outside: everything real but the socket.

use http::{Method, StatusCode, Uri};
use http_body_util::BodyExt as _;
use sample_contracts::REGISTRY;
use serde_json::{Value, json};
use syscall_sdk::config::Variables;
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::registry::Registry;
use syscall_sdk::transport::{Body, Request};

/// The service alone, with its store in memory.
async fn start() -> Running {
    let variables = Variables::from([("AMNESIA".to_owned(), "true".to_owned())]);
    let registry = Registry::parse(REGISTRY).expect("the fleet's registry");
    let host = Host::new(variables).registry(registry);
    let host = host.mount(sample_service::service);
    host.start(Vec::new()).await.expect("it boots")
}

async fn ask(running: &Running, method: Method, path: &'static str, body: Value) -> (StatusCode, String) {
    let mut request = Request::new(Body::from(body.to_string()));
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from_static(path);
    let handler = running.handler("sample-key").expect("it runs");
    let (parts, body) = handler.answer(request).await.into_parts();
    let bytes = body.collect().await.expect("the answer is read").to_bytes();
    (parts.status, String::from_utf8_lossy(&bytes).into_owned())
}

async fn add(running: &Running, name: &str) -> (StatusCode, Value) {
    let call = json!({ "method": "addItem", "params": { "name": name } });
    let (status, body) = ask(running, Method::POST, "/v1/sys/rpc", call).await;
    (status, serde_json::from_str(&body).expect("JSON"))
}

#[tokio::test]
async fn an_item_is_kept_and_told_of() {
    let running = start().await;
    let (status, answer) = add(&running, " the first ").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["result"]["name"], "the first");
    let path = "/v1/sys/events/recent?event=item:added";
    let (_, events) = ask(&running, Method::GET, path, json!({})).await;
    let events: Value = serde_json::from_str(&events).unwrap();
    assert_eq!(events["events"][0]["data"], answer["result"]);
    running.stop(DrainBudget::none(), "the test is over").await;
}

#[tokio::test]
async fn an_item_without_a_name_is_refused() {
    let running = start().await;
    let (status, answer) = add(&running, " ").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(answer["error"]["code"], "NAME_INVALID");
    running.stop(DrainBudget::none(), "the test is over").await;
}

#[tokio::test]
async fn the_job_counts_what_is_kept() {
    let running = start().await;
    add(&running, "one").await;
    add(&running, "two").await;
    let (status, job) = ask(&running, Method::POST, "/v1/sys/job", json!({ "name": "count-items" })).await;
    assert_eq!(status, StatusCode::CREATED);
    let job: Value = serde_json::from_str(&job).unwrap();
    let kernel = running.kernel("sample-key").unwrap();
    let ended = kernel.jobs.ended(job["id"].as_str().unwrap()).await.unwrap();
    let result = ended.result.unwrap().value();
    assert_eq!(result, json!({ "items": 2 }));
    running.stop(DrainBudget::none(), "the test is over").await;
}

#[tokio::test]
async fn the_page_says_how_to_fill_it_and_then_lists_what_is_there() {
    let running = start().await;
    let (status, page) = ask(&running, Method::GET, "/", json!({})).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Items will be listed here."));
    add(&running, "<the first>").await;
    let (_, page) = ask(&running, Method::GET, "/", json!({})).await;
    assert!(page.contains("&lt;the first&gt;"), "{page}");
    running.stop(DrainBudget::none(), "the test is over").await;
}
