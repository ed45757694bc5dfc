//! What is asked by an id.

use http::Method;
use serde_json::{Value, json};
use syscall_sdk::wire::JobStatus;

use super::{Fleet, waits};
use crate::support::ask;

#[tokio::test]
async fn an_id_that_nothing_has_is_said_to_be_unknown() {
    let fleet = Fleet::start().await;
    let answer = fleet.send("core", Method::GET, "/v1/sys/why/nope", &Value::Null).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["error"]["code"]),
        (404, &json!("ID_NOT_FOUND"))
    );
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let handler = fleet.0.handler("core").unwrap();
    let job = json!({ "name": "upper", "params": { "text": "t" } }).to_string();
    let made = ask(
        &handler,
        Method::POST,
        "/v1/sys/job",
        &[("traceparent", traceparent)],
        job,
    )
    .await;
    let id = made.body["id"].as_str().unwrap().to_owned();
    let story = fleet.until("core", &id, |story| waits(story).is_empty()).await;
    assert_eq!(
        story["trace"],
        json!({ "traceId": "0af7651916cd43dd8448eb211c80319c", "held": true })
    );
    let kernel = fleet.kernel("core");
    assert_eq!(
        kernel.jobs.get(&id).await.unwrap().unwrap().status,
        JobStatus::Completed
    );
    drop(kernel);
    fleet.stop().await;
}
