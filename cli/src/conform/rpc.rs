//! RPC: calls, refusals, relays, deadlines, repeats.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::HOST;
use serde_json::{Value, json};

use super::probe::Probe;
use super::reply::{Is, has};
use super::rule::{Rule, Verdict, ensure, fail, rule, skip};

pub(super) const RULES: &[Rule] = &[
    rule!(Rpc V2 Required, "an unknown method is METHOD_NOT_FOUND", "2.0 — RPC: 404 METHOD_NOT_FOUND", unknown_method),
    rule!(Rpc V2 Required, "a call without a method, or with one that is no text, is refused", "2.0 — RPC: 400 malformed", no_method),
    rule!(Rpc V2 Required, "a call that is no JSON object is refused", "2.0 — RPC: 400 malformed", no_object),
    rule!(Rpc V2 Required, "a timeout that is no number is refused", "2.0 — RPC: 400 malformed", bad_timeout),
    rule!(Rpc V2 Required, "a service that the registry does not know is UNKNOWN_SERVICE", "2.0 — RPC: 404 UNKNOWN_SERVICE", unknown_service),
    rule!(Rpc V2 Required, "a call gives 200 with the result", "2.0 — RPC: 200 {result}", call),
    rule!(Rpc V2 Required, "naming this service, by key or by name, is calling here", "2.0 — RPC: `service` absent or this service", own_service),
    rule!(Rpc V2 Required, "null is as absent, and unknown fields are passed over", "unknown fields are passed over, `null` is as absent", lenient),
    rule!(Rpc V2 Required, "any content type is taken as JSON", "Any content type is taken as JSON where a body is due", content_types),
    rule!(Rpc V2 Required, "a caller may say who it is", "2.0 — RPC: X-Service-Name, X-Service-Role", caller),
    rule!(Rpc V2 Required, "a timeout beyond the longest is cut, not refused", "2.0 — RPC: at most 30,000", long_timeout),
    rule!(Rpc V2 Required, "a call past its deadline is DEADLINE_EXCEEDED", "2.0 — RPC: past it 504 DEADLINE_EXCEEDED", deadline),
    rule!(Rpc V2 Required, "a call for another service is relayed, and its answer passed back", "2.0 — RPC: relay the call there", relay),
    rule!(Rpc Ours Required, "the methods are listed with description, schemas and idempotency", "Ours: GET /v1/sys/rpc", list),
    rule!(Rpc Ours Required, "params that miss a listed schema are refused", "2.0 — RPC: params that miss the schema 400", schema),
    rule!(Rpc Ours Required, "a refusal says that it is the kernel's own", "Ours: X-Syscall-Origin", origin),
    rule!(Rpc Ours Required, "a Host that names another service is 421", "Ours: rpc 421", misdirected),
    rule!(Rpc Ours Required, "the platform's health check may bear its own Host", "Ours: healthcheck.railway.app is fine", health_host),
    rule!(Rpc Ours Required, "a call under a known Idempotency-Key gives the first answer", "Ours: Idempotency-Key", repeat),
    rule!(Rpc Ours Required, "another call under a known Idempotency-Key is 422", "Ours: another body under the same key 422", reused),
];

const PATH: &str = "/v1/sys/rpc";
/// A method that nobody has.
const NOBODYS: &str = "conform.nobodyHasThis";

async fn unknown_method(probe: &Probe) -> Verdict {
    probe
        .call(&json!({ "method": NOBODYS }))
        .await?
        .refuses(404, Some("METHOD_NOT_FOUND"))
}

async fn no_method(probe: &Probe) -> Verdict {
    for body in [
        json!({}),
        json!({ "method": null }),
        json!({ "method": 7 }),
        json!({ "method": {} }),
        json!({ "params": {} }),
    ] {
        probe.call(&body).await?.refuses(400, None)?;
    }
    Ok(())
}

async fn no_object(probe: &Probe) -> Verdict {
    for body in ["", "{", "[1,2]", "\"text\"", "null", "7", "{\"method\":\"a\"}x"] {
        probe.post_raw(PATH, body).await?.refuses(400, None)?;
    }
    Ok(())
}

async fn bad_timeout(probe: &Probe) -> Verdict {
    probe
        .call(&json!({ "method": NOBODYS, "timeout": "soon" }))
        .await?
        .refuses(400, None)
}

async fn unknown_service(probe: &Probe) -> Verdict {
    let body = json!({ "method": "ping", "service": "conform-no-such-service" });
    probe.call(&body).await?.refuses(404, Some("UNKNOWN_SERVICE"))
}

async fn call(probe: &Probe) -> Verdict {
    let (method, params) = probe.method()?;
    let reply = probe.call(&json!({ "method": method, "params": params })).await?;
    reply.has(200, &[("result", Is::Any)])
}

async fn own_service(probe: &Probe) -> Verdict {
    let name = probe.name();
    if name.is_empty() {
        return fail("identity names no service");
    }
    let key = probe.record().map(|record| record.key.as_str());
    for service in [Some(name), key].into_iter().flatten() {
        let reply = probe.call(&json!({ "method": NOBODYS, "service": service })).await?;
        reply.refuses(404, Some("METHOD_NOT_FOUND"))?;
    }
    Ok(())
}

async fn lenient(probe: &Probe) -> Verdict {
    let body =
        json!({ "method": NOBODYS, "params": null, "timeout": null, "service": null, "conform": [1, { "x": null }] });
    probe.call(&body).await?.refuses(404, Some("METHOD_NOT_FOUND"))
}

async fn content_types(probe: &Probe) -> Verdict {
    let body = json!({ "method": NOBODYS }).to_string();
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json; charset=utf-8"),
    ] {
        let mut request = probe.ask(Method::POST, PATH).body(body.clone());
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        probe.read(request).await?.refuses(404, Some("METHOD_NOT_FOUND"))?;
    }
    Ok(())
}

async fn caller(probe: &Probe) -> Verdict {
    let request = probe
        .ask(Method::POST, PATH)
        .header("x-service-name", "blackroad-os-web")
        .header("x-service-role", "web")
        .json(&json!({ "method": NOBODYS }));
    probe.read(request).await?.refuses(404, Some("METHOD_NOT_FOUND"))
}

async fn long_timeout(probe: &Probe) -> Verdict {
    let (method, params) = probe.method()?;
    let reply = probe
        .call(&json!({ "method": method, "params": params, "timeout": 3_600_000 }))
        .await?;
    reply.has(200, &[("result", Is::Any)])
}

async fn deadline(probe: &Probe) -> Verdict {
    let Some(slow) = &probe.slow else {
        return skip("no method is known that takes a second; name one with --slow");
    };
    let begun = Instant::now();
    let reply = probe
        .call(&json!({ "method": slow, "params": {}, "timeout": 50 }))
        .await?;
    reply.refuses(504, Some("DEADLINE_EXCEEDED"))?;
    ensure(begun.elapsed() < Duration::from_millis(900), || {
        format!(
            "the refusal took {} ms where the deadline was 50 ms",
            begun.elapsed().as_millis()
        )
    })
}

async fn relay(probe: &Probe) -> Verdict {
    let own = probe.record().map(|record| record.key.as_str());
    let Some(peer) = probe.registry.keys().into_iter().find(|key| Some(*key) != own) else {
        return skip("the registry has no other service");
    };
    let reply = probe
        .call(&json!({ "method": NOBODYS, "service": peer, "timeout": 2_000 }))
        .await?;
    if matches!(reply.status, 502..=504) {
        reply.is_error()?;
        return skip(format!(
            "{peer} cannot be reached from there: {}",
            reply.json["error"]["message"]
        ));
    }
    reply.refuses(404, Some("METHOD_NOT_FOUND"))
}

async fn methods(probe: &Probe) -> Verdict<Vec<Value>> {
    let reply = probe.get(PATH).await?;
    reply.has(200, &[("methods", Is::Array)])?;
    Ok(reply.json["methods"].as_array().cloned().unwrap_or_default())
}

async fn list(probe: &Probe) -> Verdict {
    for method in methods(probe).await? {
        let fields = [
            ("name", Is::Word),
            ("description", Is::Word),
            ("params", Is::Any),
            ("result", Is::Any),
            ("idempotent", Is::Bool),
        ];
        has(&method, &fields)?;
    }
    Ok(())
}

async fn schema(probe: &Probe) -> Verdict {
    let demanding = |method: &Value| {
        method["params"]["required"]
            .as_array()
            .is_some_and(|required| !required.is_empty())
    };
    let Some(method) = methods(probe).await?.into_iter().find(demanding) else {
        return skip("no method of this service asks for a parameter");
    };
    for params in [json!({}), json!([]), json!("text"), json!(null)] {
        let reply = probe
            .call(&json!({ "method": method["name"], "params": params }))
            .await?;
        reply.refuses(400, None)?;
    }
    Ok(())
}

async fn origin(probe: &Probe) -> Verdict {
    let reply = probe.call(&json!({ "method": NOBODYS })).await?;
    ensure(reply.header("x-syscall-origin") == "kernel", || {
        format!("X-Syscall-Origin is {:?}", reply.header("x-syscall-origin"))
    })
}

async fn misdirected(probe: &Probe) -> Verdict {
    let Some(record) = probe.record() else {
        return skip("the registry does not know this service");
    };
    let Some(other) = probe.registry.services().find(|service| service.key != record.key) else {
        return skip("the registry has no other service");
    };
    let host = format!("{}.railway.internal:{}", other.name, other.port);
    let ask = |method, path: &str| {
        probe.ask(method, path).headers(
            [(HOST, host.parse().expect("a name is a header value"))]
                .into_iter()
                .collect(),
        )
    };
    let version = probe.read(ask(Method::GET, "/version")).await?;
    if version.json["service"] != *record.name {
        return skip("a front door stands before this service and chooses by Host");
    }
    let reply = probe
        .read(ask(Method::POST, PATH).json(&json!({ "method": NOBODYS })))
        .await?;
    reply.refuses(421, None)
}

async fn health_host(probe: &Probe) -> Verdict {
    let hosts = [(
        HOST,
        "healthcheck.railway.app".parse().expect("a name is a header value"),
    )];
    let reply = probe
        .read(probe.ask(Method::GET, "/health").headers(hosts.into_iter().collect()))
        .await?;
    reply.status(200)
}

async fn repeat(probe: &Probe) -> Verdict {
    let (method, params) = probe.method()?;
    let key = format!("conform-{}-repeat", probe.run);
    let send = || {
        let body = json!({ "method": method, "params": params });
        probe.read(
            probe
                .ask(Method::POST, PATH)
                .header("idempotency-key", &key)
                .json(&body),
        )
    };
    let (first, second) = (send().await?, send().await?);
    first.has(200, &[("result", Is::Any)])?;
    ensure((first.status, &first.text) == (second.status, &second.text), || {
        format!("the second time {}", second.shown())
    })
}

async fn reused(probe: &Probe) -> Verdict {
    let (method, params) = probe.method()?;
    let key = format!("conform-{}-reused", probe.run);
    let send = |params: Value| {
        let body = json!({ "method": method, "params": params });
        probe.read(
            probe
                .ask(Method::POST, PATH)
                .header("idempotency-key", &key)
                .json(&body),
        )
    };
    // An unknown field is passed over by the method, and still makes it another call.
    let mut other = params.as_object().cloned().unwrap_or_default();
    other.insert("conform".to_owned(), json!(probe.run));
    send(params.clone()).await?.has(200, &[("result", Is::Any)])?;
    send(Value::Object(other)).await?.refuses(422, None)
}
