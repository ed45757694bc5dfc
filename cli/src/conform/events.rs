//! Events: emitting, and reading back in pages.

use reqwest::Method;
use serde_json::{Value, json};

use super::probe::Probe;
use super::reply::{Is, Reply, has};
use super::rule::{Rule, Verdict, ensure, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(Events V2 Recommended, "an event emitted answers 201 with id and timestamp", "2.0 — events: POST /v1/sys/event", emit_one),
    rule!(Events V2 Recommended, "an event needs no data", "2.0 — events: `data` is optional in and out", without_data),
    rule!(Events V2 Recommended, "an event without a name is refused", "2.0 — events: 400", nameless),
    rule!(Events Ours Required, "recent events come newest first, in pages that join without a seam", "Ours: GET /v1/sys/events/recent", recent),
    rule!(Events Ours Required, "recent events are asked for by name and by prefix", "Ours: GET /v1/sys/events/recent?event", recent_by_name),
    rule!(Events Ours Required, "an event keeps its data as it was given", "2.0 — events: data", data),
    rule!(Events Ours Required, "an event under a known Idempotency-Key is emitted once", "Ours: Idempotency-Key on POST event", once),
    rule!(Events Ours Required, "another event under a known Idempotency-Key is 422", "Ours: another body under the same key 422", reused),
];

/// Emits an event of this run.
pub(super) async fn emit(probe: &Probe, event: &str, data: Value) -> Verdict<Reply> {
    let reply = probe
        .post("/v1/sys/event", &json!({ "event": event, "data": data }))
        .await?;
    reply.has(201, &[("id", Is::Word), ("timestamp", Is::Moment)])?;
    Ok(reply)
}

/// A name that no other rule emits.
pub(super) fn topic(probe: &Probe, name: &str) -> String {
    format!("conform:{}:{name}", probe.run)
}

async fn page(probe: &Probe, query: &[(&str, &str)]) -> Verdict<(Vec<Value>, Option<String>)> {
    let reply = probe
        .read(probe.ask(Method::GET, "/v1/sys/events/recent").query(query))
        .await?;
    reply.has(200, &[("events", Is::Array), ("cursor?", Is::Word)])?;
    let events = reply.json["events"].as_array().cloned().unwrap_or_default();
    Ok((events, reply.json["cursor"].as_str().map(str::to_owned)))
}

async fn emit_one(probe: &Probe) -> Verdict {
    emit(probe, &topic(probe, "one"), json!({ "n": 1 })).await.map(drop)
}

async fn without_data(probe: &Probe) -> Verdict {
    for body in [
        json!({ "event": "conform:bare" }),
        json!({ "event": "conform:bare", "data": null }),
    ] {
        probe
            .post("/v1/sys/event", &body)
            .await?
            .has(201, &[("id", Is::Word)])?;
    }
    Ok(())
}

async fn nameless(probe: &Probe) -> Verdict {
    for body in [
        json!({}),
        json!({ "event": null }),
        json!({ "event": 7 }),
        json!({ "event": "" }),
        json!([]),
    ] {
        probe.post("/v1/sys/event", &body).await?.refuses(400, None)?;
    }
    Ok(())
}

async fn recent(probe: &Probe) -> Verdict {
    let name = topic(probe, "pages");
    for n in 0..3 {
        emit(probe, &name, json!({ "n": n })).await?;
    }
    let (first, cursor) = page(probe, &[("event", &name), ("limit", "2")]).await?;
    let cursor = cursor.ok_or_else(|| super::rule::Stop::Fail("a full page has no cursor".to_owned()))?;
    let (rest, _) = page(probe, &[("event", &name), ("limit", "2"), ("before", &cursor)]).await?;
    let order: Vec<&Value> = first.iter().chain(&rest).map(|event| &event["data"]["n"]).collect();
    ensure(order == [2, 1, 0], || format!("three events came back as {order:?}"))
}

async fn recent_by_name(probe: &Probe) -> Verdict {
    emit(probe, &topic(probe, "a:x"), json!(1)).await?;
    emit(probe, &topic(probe, "a:y"), json!(2)).await?;
    emit(probe, &topic(probe, "b:x"), json!(3)).await?;
    let exact = page(probe, &[("event", &topic(probe, "a:x"))]).await?.0.len();
    let prefix = page(probe, &[("event", &topic(probe, "a:*"))]).await?.0.len();
    ensure((exact, prefix) == (1, 2), || {
        format!("the name gave {exact} events, not 1; the prefix {prefix}, not 2")
    })
}

async fn data(probe: &Probe) -> Verdict {
    let name = topic(probe, "data");
    let given = json!({ "text": "ü\u{1f980}\n\"", "list": [1, 2.5, null, true, {}], "deep": { "a": { "b": [] } } });
    let emitted = emit(probe, &name, given.clone()).await?;
    let (events, _) = page(probe, &[("event", &name)]).await?;
    let event = events.first().cloned().unwrap_or_default();
    has(
        &event,
        &[("id", Is::Word), ("timestamp", Is::Moment), ("source", Is::Word)],
    )?;
    ensure(
        event["data"] == given && event["id"] == emitted.json["id"] && event["source"] == *probe.name(),
        || format!("it came back as {event}"),
    )
}

async fn keyed(probe: &Probe, key: &str, name: &str, n: u64) -> Verdict<Reply> {
    let body = json!({ "event": name, "data": { "n": n } });
    probe
        .read(
            probe
                .ask(Method::POST, "/v1/sys/event")
                .header("idempotency-key", key)
                .json(&body),
        )
        .await
}

async fn once(probe: &Probe) -> Verdict {
    let (key, name) = (format!("conform-{}-event", probe.run), topic(probe, "once"));
    let first = keyed(probe, &key, &name, 1).await?;
    let second = keyed(probe, &key, &name, 1).await?;
    first.has(201, &[("id", Is::Word)])?;
    ensure((first.status, &first.text) == (second.status, &second.text), || {
        format!("the second time {}", second.shown())
    })?;
    let count = page(probe, &[("event", &name)]).await?.0.len();
    ensure(count == 1, || format!("there are {count} events of it"))
}

async fn reused(probe: &Probe) -> Verdict {
    let (key, name) = (format!("conform-{}-event-reused", probe.run), topic(probe, "reused"));
    keyed(probe, &key, &name, 1).await?.has(201, &[("id", Is::Word)])?;
    keyed(probe, &key, &name, 2).await?.refuses(422, None)
}
