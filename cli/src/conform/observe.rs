//! Logs and metrics.

use reqwest::Method;
use serde_json::{Value, json};

use super::probe::Probe;
use super::reply::{Is, Reply, has};
use super::rule::{Rule, Verdict, ensure, rule};
use super::stream::Stream;

pub(super) const RULES: &[Rule] = &[
    rule!(Logs V2 Recommended, "a line written answers 201 with id and timestamp", "2.0 — logs and metrics: POST /v1/sys/log", write),
    rule!(Logs V2 Recommended, "every level of the contract is taken, and no other", "2.0 — logs and metrics: level", levels),
    rule!(Logs V2 Recommended, "a line without a message is refused", "2.0 — logs and metrics: 400", no_message),
    rule!(Logs V2 Recommended, "a line written is read back with its level, service and meta", "2.0 — logs and metrics: GET /v1/sys/logs", read_back),
    rule!(Logs V2 Recommended, "level asks for exactly that level", "2.0 — logs and metrics: exactly that level", exactly),
    rule!(Logs V2 Recommended, "lines come oldest first, and limit, offset and total count them", "2.0 — logs and metrics: oldest first", paging),
    rule!(Logs V2 Recommended, "a malformed level, limit or offset is refused", "2.0 — logs and metrics: 400", bad_query),
    rule!(Logs Ours Required, "q asks for lines that hold a text", "Ours: GET /v1/sys/logs `q`", text),
    rule!(Logs Ours Required, "since asks for later lines alone", "Ours: GET /v1/sys/logs `since`", since),
    rule!(Logs Ours Required, "traceId asks for the lines of one trace", "Ours: GET /v1/sys/logs `traceId`", by_trace),
    rule!(Logs Ours Required, "follow streams lines as they come", "Ours: GET /v1/sys/logs `follow=true`", follow),
    rule!(Metrics V2 Recommended, "a figure recorded answers 201 with id and timestamp", "2.0 — logs and metrics: POST /v1/sys/metric", record),
    rule!(Metrics V2 Recommended, "a figure recorded is read back by its name, with unit and tags", "2.0 — logs and metrics: GET /v1/sys/metrics", figures),
    rule!(Metrics V2 Recommended, "from and to bound the figures", "2.0 — logs and metrics: from, to", bounds),
    rule!(Metrics V2 Recommended, "a figure without a name or a number is refused", "2.0 — logs and metrics: 400", bad_metric),
];

const RECORDED: [(&str, Is); 2] = [("id", Is::Word), ("timestamp", Is::Moment)];

async fn log(probe: &Probe, level: &str, message: &str) -> Verdict<Reply> {
    let body = json!({ "level": level, "message": message, "meta": { "run": probe.run } });
    probe.post("/v1/sys/log", &body).await
}

async fn logs(probe: &Probe, query: &[(&str, &str)]) -> Verdict<Vec<Value>> {
    let reply = probe.read(probe.ask(Method::GET, "/v1/sys/logs").query(query)).await?;
    reply.has(
        200,
        &[
            ("logs", Is::Array),
            ("total", Is::Whole),
            ("limit", Is::Whole),
            ("offset", Is::Whole),
        ],
    )?;
    Ok(reply.json["logs"].as_array().cloned().unwrap_or_default())
}

/// The latest lines of a level: the answer counts from the oldest.
async fn latest(probe: &Probe, level: &str) -> Verdict<Vec<Value>> {
    let query = [("level", level), ("limit", "1")];
    let reply = probe.read(probe.ask(Method::GET, "/v1/sys/logs").query(&query)).await?;
    reply.has(200, &[("total", Is::Whole)])?;
    let offset = reply.json["total"].as_u64().unwrap_or(0).saturating_sub(50).to_string();
    logs(probe, &[("level", level), ("offset", &offset)]).await
}

async fn write(probe: &Probe) -> Verdict {
    log(probe, "info", "conform: a line").await?.has(201, &RECORDED)
}

async fn levels(probe: &Probe) -> Verdict {
    for level in ["debug", "info", "warn", "error", "fatal"] {
        log(probe, level, "conform: a level").await?.has(201, &RECORDED)?;
    }
    log(probe, "loud", "conform: no level").await?.refuses(400, None)
}

async fn no_message(probe: &Probe) -> Verdict {
    for body in [
        json!({ "level": "info" }),
        json!({ "level": "info", "message": null }),
        json!({ "level": "info", "message": 7 }),
    ] {
        probe.post("/v1/sys/log", &body).await?.refuses(400, None)?;
    }
    Ok(())
}

async fn read_back(probe: &Probe) -> Verdict {
    let message = format!("conform: {} is read back", probe.run);
    let written = log(probe, "warn", &message).await?;
    written.has(201, &RECORDED)?;
    let lines = latest(probe, "warn").await?;
    let found = lines.iter().find(|line| line["message"] == *message);
    let line = found.ok_or_else(|| super::rule::Stop::Fail("the line is not among the latest".to_owned()))?;
    has(
        line,
        &[
            ("id", Is::Word),
            ("timestamp", Is::Moment),
            ("level", Is::Word),
            ("message", Is::Word),
            ("service", Is::Word),
        ],
    )?;
    ensure(
        line["id"] == written.json["id"] && line["service"] == *probe.name() && line["meta"]["run"] == *probe.run,
        || format!("it was read back as {line}"),
    )
}

async fn exactly(probe: &Probe) -> Verdict {
    log(probe, "error", "conform: an error line")
        .await?
        .has(201, &RECORDED)?;
    let lines = logs(probe, &[("level", "error")]).await?;
    ensure(!lines.is_empty(), || "no line of the level came back".to_owned())?;
    match lines.iter().find(|line| line["level"] != "error") {
        Some(line) => super::rule::fail(format!("level=error gave {line}")),
        None => Ok(()),
    }
}

async fn paging(probe: &Probe) -> Verdict {
    log(probe, "fatal", "conform: one").await?;
    log(probe, "fatal", "conform: two").await?;
    let reply = probe.get("/v1/sys/logs?level=fatal&limit=2&offset=1").await?;
    reply.has(200, &[("logs", Is::Array), ("total", Is::Whole)])?;
    reply.is("limit", &json!(2))?;
    reply.is("offset", &json!(1))?;
    let all = logs(probe, &[("level", "fatal"), ("limit", "1000")]).await?;
    let times: Vec<&str> = all.iter().filter_map(|line| line["timestamp"].as_str()).collect();
    ensure(times.is_sorted(), || "the lines are not oldest first".to_owned())?;
    let page = reply.json["logs"].as_array().cloned().unwrap_or_default();
    ensure(page.len() <= 2 && page.first() == all.get(1), || {
        "offset=1 does not begin with the second line".to_owned()
    })
}

async fn bad_query(probe: &Probe) -> Verdict {
    for query in ["level=loud", "limit=many", "limit=-1", "offset=x"] {
        probe.get(&format!("/v1/sys/logs?{query}")).await?.refuses(400, None)?;
    }
    Ok(())
}

async fn text(probe: &Probe) -> Verdict {
    let needle = format!("needle-{}", probe.run);
    log(probe, "info", &format!("conform: {needle}")).await?;
    log(probe, "info", "conform: hay").await?;
    let lines = logs(probe, &[("q", &needle)]).await?;
    ensure(lines.len() == 1, || {
        format!("q gave {} lines where one holds the text", lines.len())
    })
}

async fn since(probe: &Probe) -> Verdict {
    let mark = log(probe, "info", "conform: before").await?.text_at("timestamp")?;
    let lines = logs(probe, &[("since", &mark), ("limit", "1000")]).await?;
    let early = lines
        .iter()
        .find(|line| line["timestamp"].as_str().is_some_and(|at| at < mark.as_str()));
    ensure(early.is_none(), || format!("since={mark} gave {early:?}"))
}

async fn by_trace(probe: &Probe) -> Verdict {
    let trace = "c0f0".repeat(8);
    let request = probe
        .ask(Method::POST, "/v1/sys/log")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .json(&json!({ "level": "info", "message": format!("conform: traced {}", probe.run) }));
    probe.read(request).await?.has(201, &RECORDED)?;
    let lines = logs(probe, &[("traceId", &trace)]).await?;
    ensure(
        !lines.is_empty() && lines.iter().all(|line| line["traceId"] == *trace),
        || format!("traceId={trace} gave {} lines", lines.len()),
    )
}

async fn follow(probe: &Probe) -> Verdict {
    let mut stream = Stream::open(probe, "/v1/sys/logs", &[("follow", "true"), ("limit", "0")], None).await?;
    let message = format!("conform: followed {}", probe.run);
    log(probe, "info", &message).await?;
    let told = stream.find(|line| line["message"] == *message).await?;
    has(
        &told.data,
        &[("id", Is::Word), ("timestamp", Is::Moment), ("level", Is::Word)],
    )
}

async fn metric(probe: &Probe, name: &str, value: Value) -> Verdict<Reply> {
    let body = json!({ "name": name, "value": value, "unit": "ms", "tags": { "run": probe.run } });
    probe.post("/v1/sys/metric", &body).await
}

async fn metrics(probe: &Probe, query: &[(&str, &str)]) -> Verdict<Vec<Value>> {
    let reply = probe
        .read(probe.ask(Method::GET, "/v1/sys/metrics").query(query))
        .await?;
    reply.has(
        200,
        &[("metrics", Is::Array), ("total", Is::Whole), ("limit", Is::Whole)],
    )?;
    Ok(reply.json["metrics"].as_array().cloned().unwrap_or_default())
}

async fn record(probe: &Probe) -> Verdict {
    metric(probe, "conform:figure", json!(1.5)).await?.has(201, &RECORDED)
}

async fn figures(probe: &Probe) -> Verdict {
    let name = format!("conform:{}", probe.run);
    metric(probe, &name, json!(-2.25)).await?.has(201, &RECORDED)?;
    let found = metrics(probe, &[("name", &name)]).await?;
    ensure(found.len() == 1, || {
        format!("{} figures came back where one was recorded", found.len())
    })?;
    has(
        &found[0],
        &[
            ("id", Is::Word),
            ("timestamp", Is::Moment),
            ("name", Is::Word),
            ("value", Is::Number),
        ],
    )?;
    ensure(
        found[0]["value"] == -2.25 && found[0]["unit"] == "ms" && found[0]["tags"]["run"] == *probe.run,
        || format!("it was read back as {}", found[0]),
    )
}

async fn bounds(probe: &Probe) -> Verdict {
    let name = format!("conform:{}:bounds", probe.run);
    metric(probe, &name, json!(1)).await?.has(201, &RECORDED)?;
    let future = metrics(probe, &[("name", &name), ("from", "2999-01-01T00:00:00.000Z")]).await?;
    let past = metrics(probe, &[("name", &name), ("to", "2000-01-01T00:00:00.000Z")]).await?;
    let both = [
        ("name", name.as_str()),
        ("from", "2000-01-01T00:00:00Z"),
        ("to", "2999-01-01T00:00:00Z"),
    ];
    let within = metrics(probe, &both).await?;
    ensure(future.is_empty() && past.is_empty() && within.len() == 1, || {
        format!(
            "{} after 2999, {} before 2000, {} between",
            future.len(),
            past.len(),
            within.len()
        )
    })?;
    probe.get("/v1/sys/metrics?from=yesterday").await?.refuses(400, None)
}

async fn bad_metric(probe: &Probe) -> Verdict {
    for body in [
        json!({ "value": 1 }),
        json!({ "name": "conform:bad" }),
        json!({ "name": "conform:bad", "value": "much" }),
    ] {
        probe.post("/v1/sys/metric", &body).await?.refuses(400, None)?;
    }
    Ok(())
}
