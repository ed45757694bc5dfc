//! Refusals: whatever comes in, what goes out is an error that a program can read and a person can act on.

use reqwest::Method;
use serde_json::json;

use super::probe::Probe;
use super::rule::{Rule, Verdict, ensure, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(Errors V2 Required, "a path where nothing is answers 404 in the error's shape", "Errors, on every path", nowhere),
    rule!(Errors V2 Required, "broken JSON is 400 in the error's shape", "Errors, on every path", broken_json),
    rule!(Errors Ours Required, "a verb that a path does not take is 405 and says which it takes", "Errors, on every path", wrong_verb),
    rule!(Errors Ours Required, "every path that takes a body refuses broken JSON, wrong types and nothing at all", "Errors, on every path", every_body),
    rule!(Errors Ours Required, "a body of 2 MiB is 413", "DESIGN: 1 MiB bodies", too_large),
    rule!(Errors Ours Required, "a body that is no UTF-8 is refused", "UTF-8", not_utf8),
    rule!(Errors Ours Required, "a body nested a thousand deep is refused, and the service lives", "Errors, on every path", deep),
    rule!(Errors Ours Required, "a number that no float holds is refused, and the service lives", "Errors, on every path", huge_number),
    rule!(Errors Ours Required, "a path that is no UTF-8 is refused in the error's shape", "Errors, on every path", bad_path),
    rule!(Errors Ours Required, "a name that is very long is refused, not a failure", "Errors, on every path", long_names),
    rule!(Errors Ours Required, "blank query parameters are as absent", "`null` is as absent", blank_query),
];

/// Paths that take a JSON object, each with the capability it hangs on.
const BODIES: [(&str, Method, &str); 8] = [
    ("logs", Method::POST, "/v1/sys/log"),
    ("metrics", Method::POST, "/v1/sys/metric"),
    ("rpc", Method::POST, "/v1/sys/rpc"),
    ("events", Method::POST, "/v1/sys/event"),
    ("jobs", Method::POST, "/v1/sys/job"),
    ("workflows", Method::POST, "/v1/sys/workflow"),
    ("state", Method::PUT, "/v1/sys/state"),
    ("state", Method::POST, "/v1/sys/state/transaction"),
];

/// Sends a body to every path that takes one, and expects a refusal of this status.
async fn refused_everywhere(probe: &Probe, body: &[u8], status: u16) -> Verdict {
    for (_, method, path) in BODIES.iter().filter(|(capability, ..)| probe.can(capability)) {
        probe
            .read(probe.ask(method.clone(), path).body(body.to_vec()))
            .await?
            .refuses(status, None)?;
    }
    Ok(())
}

async fn lives(probe: &Probe) -> Verdict {
    let reply = probe.get("/health").await?;
    ensure(reply.status == 200, || format!("after that {}", reply.shown()))
}

async fn nowhere(probe: &Probe) -> Verdict {
    for path in ["/v1/conform/no/such/path", "/v1/sys/conform/no/such/path"] {
        probe.get(path).await?.refuses(404, None)?;
    }
    Ok(())
}

async fn broken_json(probe: &Probe) -> Verdict {
    probe.post_raw("/v1/sys/rpc", "{\"method\": ").await?.refuses(400, None)
}

async fn wrong_verb(probe: &Probe) -> Verdict {
    for (method, path) in [
        (Method::DELETE, "/health"),
        (Method::PUT, "/v1/sys/identity"),
        (Method::GET, "/v1/sys/log"),
    ] {
        let reply = probe.read(probe.ask(method, path)).await?;
        reply.refuses(405, None)?;
        ensure(!reply.header("allow").is_empty(), || {
            format!("{}, without Allow", reply.shown())
        })?;
    }
    Ok(())
}

async fn every_body(probe: &Probe) -> Verdict {
    for body in [
        "",
        " ",
        "{",
        "[]",
        "7",
        "\"text\"",
        "null",
        "{}",
        "{'a':1}",
        "{\"a\":1,}",
    ] {
        refused_everywhere(probe, body.as_bytes(), 400).await?;
    }
    Ok(())
}

async fn too_large(probe: &Probe) -> Verdict {
    let body = json!({ "method": "x", "params": "x".repeat(2 * 1024 * 1024) }).to_string();
    refused_everywhere(probe, body.as_bytes(), 413).await?;
    lives(probe).await
}

async fn not_utf8(probe: &Probe) -> Verdict {
    refused_everywhere(
        probe,
        b"{\"method\":\"\xff\xfe\",\"event\":\"\xff\",\"name\":\"\xff\",\"key\":\"\xff\"}",
        400,
    )
    .await
}

async fn deep(probe: &Probe) -> Verdict {
    let nested = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let name = "\"method\":\"x\",\"event\":\"conform:deep\",\"name\":\"x\",\"key\":\"conform/deep\",\"level\":\"info\",\"message\":\"x\"";
    let body = format!(
        "{{{name},\"params\":{nested},\"data\":{nested},\"value\":{nested},\"meta\":{nested},\"operations\":{nested}}}"
    );
    refused_everywhere(probe, body.as_bytes(), 400).await?;
    lives(probe).await
}

async fn huge_number(probe: &Probe) -> Verdict {
    if probe.can("state") {
        let body = r#"{"key":"conform/huge","value":1e999}"#;
        probe
            .read(probe.ask(Method::PUT, "/v1/sys/state").body(body))
            .await?
            .refuses(400, None)?;
    }
    if probe.can("metrics") {
        probe
            .post_raw("/v1/sys/metric", r#"{"name":"conform:huge","value":1e999}"#)
            .await?
            .refuses(400, None)?;
    }
    if probe.can("rpc") {
        let body = r#"{"method":"x","timeout":99999999999999999999999999}"#;
        probe.post_raw("/v1/sys/rpc", body).await?.refuses(400, None)?;
    }
    lives(probe).await
}

async fn bad_path(probe: &Probe) -> Verdict {
    for path in ["/%ff%fe", "/v1/sys/job/%ff", "/v1/sys/trace/%ff"] {
        let reply = probe.get(path).await?;
        ensure((400..500).contains(&reply.status), || reply.shown())?;
        reply.is_error()?;
    }
    Ok(())
}

async fn long_names(probe: &Probe) -> Verdict {
    let long = "x".repeat(10_000);
    let asks = [
        (
            "events",
            probe.ask(Method::POST, "/v1/sys/event").json(&json!({ "event": long })),
        ),
        (
            "state",
            probe
                .ask(Method::PUT, "/v1/sys/state")
                .json(&json!({ "key": long, "value": 1 })),
        ),
        (
            "metrics",
            probe
                .ask(Method::POST, "/v1/sys/metric")
                .json(&json!({ "name": long, "value": 1 })),
        ),
    ];
    for (capability, ask) in asks {
        if probe.can(capability) {
            probe.read(ask).await?.refuses(400, None)?;
        }
    }
    let call = probe.call(&json!({ "method": long })).await?;
    ensure(call.status == 404 || call.status == 400, || call.shown())
}

async fn blank_query(probe: &Probe) -> Verdict {
    if probe.can("logs") {
        probe.get("/v1/sys/logs?level=&limit=&offset=").await?.status(200)?;
    }
    if probe.can("jobs") {
        probe
            .get("/v1/sys/jobs?status=&name=&limit=&cursor=")
            .await?
            .status(200)?;
    }
    if probe.can("workflows") {
        probe
            .get("/v1/sys/workflows?status=&name=&limit=&cursor=")
            .await?
            .status(200)?;
    }
    Ok(())
}
