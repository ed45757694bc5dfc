//! Traces that the service recorded.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use super::probe::Probe;
use super::reply::{Is, has};
use super::rule::{Rule, Verdict, ensure, fail, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(Traces Ours Required, "recent traces are listed with name, start, duration and spans", "Ours: GET /v1/sys/traces", list),
    rule!(Traces Ours Required, "a request's span is found under the caller's trace and parent", "Ours: GET /v1/sys/trace/{traceId}; traceparent", found),
    rule!(Traces Ours Required, "a trace that is not kept is 404, and what is no id is 400", "Ours: GET /v1/sys/trace/{traceId}", unknown),
    rule!(Traces Ours Required, "minDuration and limit are kept to, and refused where malformed", "Ours: GET /v1/sys/traces?limit&minDuration&error", filters),
];

async fn list(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/traces?limit=10").await?;
    reply.has(200, &[("traces", Is::Array)])?;
    let traces = reply.json["traces"].as_array().cloned().unwrap_or_default();
    ensure(!traces.is_empty() && traces.len() <= 10, || {
        format!("{} traces came", traces.len())
    })?;
    let fields = [
        ("traceId", Is::Word),
        ("name", Is::Word),
        ("start", Is::Moment),
        ("duration", Is::Number),
        ("spans", Is::Whole),
        ("error", Is::Bool),
    ];
    traces.iter().try_for_each(|trace| has(trace, &fields))
}

async fn found(probe: &Probe) -> Verdict {
    let (trace, parent) = ("c04f04ab".repeat(4), "00f067aa0ba902b7");
    let request = probe
        .ask(Method::GET, "/v1/sys/traces?limit=1")
        .header("traceparent", format!("00-{trace}-{parent}-01"));
    probe.read(request).await?.status(200)?;
    let begun = Instant::now();
    // A span is recorded when it closes, which may be after its answer was sent.
    loop {
        let reply = probe.get(&format!("/v1/sys/trace/{trace}")).await?;
        let spans = reply.json["spans"].as_array().cloned().unwrap_or_default();
        if let Some(span) = spans.iter().find(|span| span["parentId"] == parent) {
            return shaped(span, &trace);
        }
        if begun.elapsed() > Duration::from_secs(3) {
            return fail(format!("no span has our own as its parent: {}", reply.shown()));
        }
    }
}

fn shaped(span: &Value, trace: &str) -> Verdict {
    has(
        span,
        &[
            ("traceId", Is::Word),
            ("spanId", Is::Word),
            ("name", Is::Word),
            ("service", Is::Word),
            ("start", Is::Moment),
            ("duration", Is::Number),
            ("status", Is::OneOf(&["ok", "error"])),
        ],
    )?;
    ensure(span["traceId"] == *trace, || {
        format!("the span is of trace {}", span["traceId"])
    })
}

async fn unknown(probe: &Probe) -> Verdict {
    probe
        .get(&format!("/v1/sys/trace/{}", "9".repeat(32)))
        .await?
        .refuses(404, None)?;
    probe.get("/v1/sys/trace/conform").await?.refuses(400, None)
}

async fn filters(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/traces?minDuration=3600000").await?;
    reply.has(200, &[("traces", Is::Array)])?;
    let long = reply.json["traces"].as_array().map_or(0, Vec::len);
    ensure(long == 0, || format!("{long} traces took an hour"))?;
    for query in ["minDuration=long", "limit=x", "error=perhaps"] {
        probe
            .get(&format!("/v1/sys/traces?{query}"))
            .await?
            .refuses(400, None)?;
    }
    Ok(())
}
