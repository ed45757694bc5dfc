//! Headers that every answer bears.

use reqwest::Method;

use super::probe::Probe;
use super::rule::{Rule, Verdict, ensure, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(Headers Ours Required, "a request id is echoed", "Ours: X-Request-Id echoed or made", echoed),
    rule!(Headers Ours Required, "a request id is made where there is none, and each is another", "Ours: X-Request-Id echoed or made", made),
    rule!(Headers Ours Required, "a refusal bears the request id as well", "Ours: X-Request-Id echoed or made", on_refusals),
    rule!(Headers Ours Required, "a trace is continued under the caller's trace id", "Ours: traceparent in and out", traced),
    rule!(Headers Ours Required, "a malformed traceparent begins a new trace", "Ours: traceparent (W3C)", malformed_trace),
    rule!(Headers Ours Required, "a JSON answer says that it is one", "JSON in and out", content_type),
    rule!(Headers Ours Required, "a HEAD of a core GET is answered without a body", "2.0 — core", head),
];

const IDENTITY: &str = "/v1/sys/identity";

async fn echoed(probe: &Probe) -> Verdict {
    let id = format!("conform-{}", probe.run);
    for path in ["/health", IDENTITY] {
        let reply = probe
            .read(probe.ask(Method::GET, path).header("x-request-id", &id))
            .await?;
        ensure(reply.header("x-request-id") == id, || {
            format!("{path} answered X-Request-Id {:?}", reply.header("x-request-id"))
        })?;
    }
    Ok(())
}

async fn made(probe: &Probe) -> Verdict {
    let (first, second) = (probe.get(IDENTITY).await?, probe.get(IDENTITY).await?);
    let (first, second) = (first.header("x-request-id"), second.header("x-request-id"));
    ensure(!first.is_empty() && !second.is_empty() && first != second, || {
        format!("two requests had the ids {first:?} and {second:?}")
    })
}

async fn on_refusals(probe: &Probe) -> Verdict {
    let id = format!("conform-{}-refused", probe.run);
    let asks = [
        probe.ask(Method::GET, "/v1/conform/no/such/path"),
        probe.ask(Method::DELETE, IDENTITY),
        probe.ask(Method::POST, "/v1/sys/rpc").body("{"),
    ];
    for ask in asks {
        let reply = probe.read(ask.header("x-request-id", &id)).await?;
        ensure(reply.header("x-request-id") == id, || {
            format!(
                "{}, with X-Request-Id {:?}",
                reply.shown(),
                reply.header("x-request-id")
            )
        })?;
    }
    Ok(())
}

/// Version, trace, span and flags, each of its length and in lower-case hexadecimal.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    lengths == [2, 32, 16, 2] && parts.iter().all(|part| part.bytes().all(hex))
}

async fn traced(probe: &Probe) -> Verdict {
    let (trace, span) = ("c04f04ad".repeat(4), "00f067aa0ba902b7");
    let request = probe
        .ask(Method::GET, IDENTITY)
        .header("traceparent", format!("00-{trace}-{span}-01"));
    let reply = probe.read(request).await?;
    let told = reply.header("traceparent");
    ensure(
        is_traceparent(told) && told.contains(&trace) && !told.contains(span),
        || format!("traceparent {told:?} came back for trace {trace}"),
    )
}

async fn malformed_trace(probe: &Probe) -> Verdict {
    for bad in [
        "conform",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "ff-c04f04adc04f04adc04f04adc04f04ad-00f067aa0ba902b7-01",
    ] {
        let reply = probe
            .read(probe.ask(Method::GET, IDENTITY).header("traceparent", bad))
            .await?;
        reply.status(200)?;
        let told = reply.header("traceparent");
        ensure(
            is_traceparent(told) && told != bad && !told.contains(&"0".repeat(32)),
            || format!("traceparent {told:?} came back for {bad:?}"),
        )?;
    }
    Ok(())
}

async fn content_type(probe: &Probe) -> Verdict {
    for path in [
        "/health",
        "/version",
        IDENTITY,
        "/v1/sys/health",
        "/v1/conform/no/such/path",
    ] {
        let reply = probe.get(path).await?;
        let kind = reply.header("content-type");
        ensure(kind.starts_with("application/json"), || {
            format!("{path} answered as {kind:?}")
        })?;
    }
    Ok(())
}

async fn head(probe: &Probe) -> Verdict {
    let reply = probe.read(probe.ask(Method::HEAD, "/health")).await?;
    ensure(reply.status == 200 || reply.status == 503, || reply.shown())?;
    ensure(reply.text.is_empty(), || "a HEAD was answered with a body".to_owned())
}
