//! What a trace shows of a call that took more than one attempt.

use serde_json::Value;
use syscall_sdk::context::Context;
use syscall_sdk::host::{DrainBudget, Host};
use syscall_sdk::service::Service;
use tracing::Instrument;

use crate::support::{ECHO, Text, variables};

#[tokio::test]
async fn a_trace_shows_each_attempt_and_why_it_came_to_nothing() {
    let sockets = tempfile::tempdir().unwrap();
    let host = Host::new(variables(&[("SYSCALL_SOCKETS", sockets.path().to_str().unwrap())]));
    let running = host.mount(|| Service::new("api", "1")).start(Vec::new()).await.unwrap();
    let context = Context::new(running.kernel("api").unwrap());
    // Nobody listens on core's socket.
    let text = Text {
        text: "hello".to_owned(),
    };
    let error = context
        .call(&ECHO, text)
        .instrument(context.kernel().scope.span().clone())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "SERVICE_UNREACHABLE");

    let spans: Vec<Value> = context.kernel().recorder.spans().read(|spans| {
        spans
            .iter()
            .map(|span| serde_json::to_value(span.to_wire("api")).unwrap())
            .collect()
    });
    let named = |name: &str| {
        spans
            .iter()
            .find(|span| span["name"] == name)
            .unwrap_or_else(|| panic!("{name} in {spans:#?}"))
    };
    let call = named("call core.echo");
    let tried = call["attributes"]["rpc.tried"].as_str().unwrap();
    assert!(
        tried.contains("attempt 1 at unix:") && tried.contains("attempt 2 at unix:"),
        "{tried}"
    );
    assert!(tried.contains("does not take a connection"), "{tried}");
    let second = spans
        .iter()
        .find(|span| span["name"] == "attempt 2" && span["parentId"] == call["spanId"])
        .unwrap();
    assert_eq!(
        (&second["traceId"], &second["status"]),
        (&call["traceId"], &"error".into())
    );
    running.stop(DrainBudget::none(), "test").await;
}
