//! Calls of methods.

use http::StatusCode;
use serde_json::json;

use crate::support::Fixture;

#[tokio::test]
async fn rpc_maps_a_handlers_error_by_its_kind_and_keeps_code_and_details() {
    let core = Fixture::start().await;
    assert_eq!(
        core.rpc("echo", json!({ "text": "a" })).await.body,
        json!({ "result": { "text": "a" } })
    );
    for (kind, status) in [
        ("invalid", 400),
        ("forbidden", 403),
        ("missing", 404),
        ("conflict", 409),
        ("unavailable", 500),
    ] {
        let answer = core.rpc("refuse", json!({ "text": kind })).await;
        assert_eq!(answer.status.as_u16(), status, "{kind}: {}", answer.text);
        assert_eq!(answer.headers["x-syscall-origin"], "handler");
    }
    let missing = core.rpc("refuse", json!({ "text": "missing" })).await.body;
    assert_eq!(missing["error"]["code"], "USER_NOT_FOUND");
    assert_eq!(missing["error"]["details"], json!({ "id": "7" }));
    core.stop().await;
}

#[tokio::test]
async fn rpc_refuses_what_it_cannot_do_before_it_does_anything() {
    let core = Fixture::start().await;
    let cases = [
        (json!({ "method": "nope" }), 404, "METHOD_NOT_FOUND"),
        (json!({ "method": "echo", "service": "nope" }), 404, "UNKNOWN_SERVICE"),
        (
            json!({ "method": "echo", "params": { "text": 7 } }),
            400,
            "INVALID_PARAMS",
        ),
        (json!({ "method": "" }), 400, "INVALID_ARGUMENT"),
        (json!({ "method": 7 }), 400, "INVALID_BODY"),
        (json!({ "method": "hang", "timeout": 20 }), 504, "DEADLINE_EXCEEDED"),
        (json!({ "method": "panic" }), 500, "PANIC"),
    ];
    for (body, status, code) in cases {
        let answer = core.post("/v1/sys/rpc", &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["error"]["code"].as_str()),
            (status, Some(code)),
            "{body}: {}",
            answer.text
        );
        assert_eq!(answer.headers["x-syscall-origin"], "kernel", "{body}");
    }
    // The handler's panic was an error of that request alone.
    assert_eq!(
        core.rpc("echo", json!({ "text": "still here" })).await.status,
        StatusCode::OK
    );
    core.stop().await;
}
