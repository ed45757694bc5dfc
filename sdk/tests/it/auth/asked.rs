//! What each syscall asks for, as a list: a right, what it allows, and what of the same family it does not.

use http::Method;
use serde_json::{Value, json};

/// One right, and what it is asked for: the verb, the path and the body of what it allows, and of what it does not.
pub(super) type Asked = (&'static str, Method, &'static str, Value, &'static str, Value);

pub(super) fn cases() -> Vec<Asked> {
    let none = || Value::Null;
    let get = || Method::GET;
    let post = || Method::POST;
    vec![
        (
            "state read orders/",
            get(),
            "/v1/sys/state?key=orders/7",
            none(),
            "/v1/sys/state?key=users/7",
            none(),
        ),
        (
            "state read orders/",
            get(),
            "/v1/sys/state?prefix=orders/",
            none(),
            "/v1/sys/state?prefix=users/",
            none(),
        ),
        (
            "state read orders/",
            get(),
            "/v1/sys/state/watch?prefix=orders/a/",
            none(),
            "/v1/sys/state",
            none(),
        ),
        (
            "state read orders/",
            get(),
            "/v1/sys/state/watch?prefix=orders/",
            none(),
            "/v1/sys/state/watch",
            none(),
        ),
        (
            "state write orders/",
            Method::PUT,
            "/v1/sys/state",
            json!({ "key": "orders/7", "value": 1 }),
            "/v1/sys/state",
            json!({ "key": "users/7", "value": 1 }),
        ),
        (
            "state write orders/",
            Method::DELETE,
            "/v1/sys/state?key=orders/7",
            none(),
            "/v1/sys/state?key=users/7",
            none(),
        ),
        (
            "state write orders/",
            post(),
            "/v1/sys/state/transaction",
            json!({ "operations": [{ "op": "put", "key": "orders/1", "value": 1 }] }),
            "/v1/sys/state/transaction",
            json!({ "operations": [{ "op": "put", "key": "orders/1", "value": 1 }, { "op": "delete", "key": "users/1" }] }),
        ),
        (
            "state write orders/",
            post(),
            "/v1/sys/commit",
            json!({ "ops": [{ "put": { "key": "orders/1", "value": 1 } }] }),
            "/v1/sys/commit",
            json!({ "ops": [{ "put": { "key": "orders/1", "value": 1 } }, { "emit": { "event": "order:paid" } }] }),
        ),
        (
            "event emit user:*",
            post(),
            "/v1/sys/event",
            json!({ "event": "user:waved" }),
            "/v1/sys/event",
            json!({ "event": "order:paid" }),
        ),
        (
            "event read user:*",
            get(),
            "/v1/sys/events?event=user:created",
            none(),
            "/v1/sys/events?event=use*",
            none(),
        ),
        (
            "event read user:*",
            get(),
            "/v1/sys/events/recent?event=user:*",
            none(),
            "/v1/sys/events/recent",
            none(),
        ),
        (
            "job create upper",
            post(),
            "/v1/sys/job",
            json!({ "name": "upper" }),
            "/v1/sys/job",
            json!({ "name": "flaky" }),
        ),
        (
            "job read upper",
            get(),
            "/v1/sys/jobs?name=upper",
            none(),
            "/v1/sys/jobs",
            none(),
        ),
        (
            "job pause upper",
            post(),
            "/v1/sys/jobs/upper/pause",
            json!({}),
            "/v1/sys/jobs/flaky/pause",
            json!({}),
        ),
        (
            "rpc core echo",
            post(),
            "/v1/sys/rpc",
            call("echo"),
            "/v1/sys/rpc",
            call("count"),
        ),
        (
            "rpc core c*",
            post(),
            "/v1/sys/rpc",
            json!({ "method": "count" }),
            "/v1/sys/rpc",
            call("echo"),
        ),
        (
            "pipe open echo",
            get(),
            "/v1/sys/pipe/echo",
            none(),
            "/v1/sys/pipe/other",
            none(),
        ),
        (
            "workflow read onboard",
            get(),
            "/v1/sys/workflows?name=onboard",
            none(),
            "/v1/sys/workflows",
            none(),
        ),
    ]
}

fn call(method: &str) -> Value {
    json!({ "method": method, "params": { "text": "hello" } })
}
