//! Groups of consumers, dead letters, subscriptions, CloudEvents.

use reqwest::Method;
use serde_json::{Value, json};

use super::events::{emit, topic};
use super::probe::Probe;
use super::reply::{Is, Reply, has};
use super::rule::{Rule, Verdict, ensure, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(Events Ours Required, "consumers of a group share its events, and what is acknowledged does not come again", "Ours: POST /v1/sys/events/groups/{group}/fetch, ack", shared),
    rule!(Events Ours Required, "an event that was released comes again, counted", "Ours: POST /v1/sys/events/groups/{group}/release", released),
    rule!(Events Ours Required, "a group can be moved to the start and to the end", "Ours: POST /v1/sys/events/groups/{group}/seek", moved),
    rule!(Events Ours Required, "an event that nobody acknowledges becomes a dead letter, is edited, redriven and done with", "Ours: /v1/sys/events/dead", dead),
    rule!(Events Ours Required, "subscriptions are listed from both sides", "Ours: GET /v1/sys/events/subscriptions", subscriptions),
    rule!(Events Ours Required, "a CloudEvent is taken by its content type and given back by format", "Ours: application/cloudevents+json", cloudevents),
    rule!(Events Ours Required, "a CloudEvent that does not fit is refused", "Ours: application/cloudevents+json", bad_cloudevent),
];

/// Times that an event is given out at most before it is laid aside; far above any sensible bound.
const DELIVERIES_MAX: usize = 50;

fn path(probe: &Probe, group: &str, action: &str) -> String {
    // A group is a label of letters, digits and dashes; the run's id is one.
    format!("/v1/sys/events/groups/conform-{group}-{}{action}", probe.run)
}

async fn fetch(probe: &Probe, group: &str, max: usize) -> Verdict<Reply> {
    let body = json!({ "event": topic(probe, group), "from": "start", "max": max });
    let reply = probe.post(&path(probe, group, "/fetch"), &body).await?;
    reply.has(200, &[("events", Is::Array), ("lease?", Is::Word)])?;
    Ok(reply)
}

fn data(reply: &Reply) -> Vec<Value> {
    let events = reply.json["events"].as_array().into_iter().flatten();
    events.map(|event| event["event"]["data"].clone()).collect()
}

async fn settle(probe: &Probe, group: &str, action: &str, fetched: &Reply) -> Verdict {
    let body = json!({ "lease": fetched.json["lease"] });
    let reply = probe.post(&path(probe, group, action), &body).await?;
    reply.has(200, &[("events", Is::Whole)])
}

async fn forget(probe: &Probe, group: &str) -> Verdict {
    let gone = probe.read(probe.ask(Method::DELETE, &path(probe, group, ""))).await?;
    gone.status(204)?;
    probe
        .get(&path(probe, group, ""))
        .await?
        .refuses(404, Some("GROUP_NOT_FOUND"))
}

async fn shared(probe: &Probe) -> Verdict {
    for n in 0..3 {
        emit(probe, &topic(probe, "shared"), json!(n)).await?;
    }
    let first = fetch(probe, "shared", 2).await?;
    let second = fetch(probe, "shared", 2).await?;
    ensure(data(&first) == [0, 1] && data(&second) == [2], || {
        format!("two fetches gave {:?} and {:?}", data(&first), data(&second))
    })?;
    settle(probe, "shared", "/ack", &first).await?;
    settle(probe, "shared", "/ack", &second).await?;
    let rest = fetch(probe, "shared", 2).await?;
    ensure(data(&rest).is_empty(), || format!("then came {:?}", data(&rest)))?;
    let group = probe.get(&path(probe, "shared", "")).await?;
    group.has(
        200,
        &[
            ("name", Is::Word),
            ("cursor", Is::Word),
            ("outstanding", Is::Whole),
            ("lag", Is::Whole),
            ("dead", Is::Whole),
            ("createdAt", Is::Moment),
        ],
    )?;
    forget(probe, "shared").await
}

async fn released(probe: &Probe) -> Verdict {
    emit(probe, &topic(probe, "released"), json!(1)).await?;
    let first = fetch(probe, "released", 1).await?;
    settle(probe, "released", "/release", &first).await?;
    let second = fetch(probe, "released", 1).await?;
    let delivery = &second.json["events"][0]["delivery"];
    ensure(*delivery == 2, || format!("the second delivery says {delivery}"))?;
    forget(probe, "released").await
}

async fn moved(probe: &Probe) -> Verdict {
    emit(probe, &topic(probe, "moved"), json!(1)).await?;
    settle(probe, "moved", "/ack", &fetch(probe, "moved", 9).await?).await?;
    let seek = path(probe, "moved", "/seek");
    for (to, due) in [("start", 1), ("end", 0)] {
        let group = probe.post(&seek, &json!({ "to": to })).await?;
        group.is("lag", &json!(due))?;
    }
    probe
        .post(&seek, &json!({ "to": "nowhere" }))
        .await?
        .refuses(400, None)?;
    forget(probe, "moved").await
}

async fn dead(probe: &Probe) -> Verdict {
    emit(probe, &topic(probe, "dead"), json!("poison")).await?;
    for _ in 0..DELIVERIES_MAX {
        let fetched = fetch(probe, "dead", 1).await?;
        if data(&fetched).is_empty() {
            break;
        }
        settle(probe, "dead", "/release", &fetched).await?;
    }
    let holder = format!("conform-dead-{}", probe.run);
    let list = probe
        .read(
            probe
                .ask(Method::GET, "/v1/sys/events/dead")
                .query(&[("holder", &holder)]),
        )
        .await?;
    list.has(200, &[("letters", Is::Array)])?;
    let letter = &list.json["letters"][0];
    has(
        letter,
        &[
            ("id", Is::Word),
            ("kind", Is::OneOf(&["group"])),
            ("event", Is::Object),
            ("attempts", Is::Whole),
            ("error", Is::Word),
            ("diedAt", Is::Moment),
        ],
    )?;
    let id = letter["id"].as_str().unwrap_or_default();
    let one = format!("/v1/sys/events/dead/{id}");
    let edited = probe.ask(Method::PUT, &one).json(&json!({ "data": "mended" }));
    probe.read(edited).await?.status(200)?;
    probe
        .post(&format!("{one}/redrive"), &json!({}))
        .await?
        .is("outcome", &json!("queued"))?;
    let again = fetch(probe, "dead", 1).await?;
    ensure(data(&again) == ["mended"], || {
        format!("redriven came {:?}", data(&again))
    })?;
    settle(probe, "dead", "/ack", &again).await?;
    probe.get(&one).await?.refuses(404, None)?;
    forget(probe, "dead").await
}

async fn subscriptions(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/events/subscriptions").await?;
    reply.has(200, &[("outgoing", Is::Array), ("incoming", Is::Array)])
}

async fn send(probe: &Probe, event: &Value) -> Verdict<Reply> {
    let body = probe
        .ask(Method::POST, "/v1/sys/event")
        .header("content-type", "application/cloudevents+json")
        .body(event.to_string());
    probe.read(body).await
}

async fn cloudevents(probe: &Probe) -> Verdict {
    let name = topic(probe, "cloud");
    let event = json!({
        "specversion": "1.0", "id": probe.run, "source": "https://conform.example/", "type": name, "data": { "n": 1 },
    });
    send(probe, &event)
        .await?
        .has(201, &[("id", Is::Word), ("timestamp", Is::Moment)])?;
    let query = [("event", name.as_str()), ("format", "cloudevents")];
    let back = probe
        .read(probe.ask(Method::GET, "/v1/sys/events/recent").query(&query))
        .await?;
    back.status(200)?;
    for field in ["specversion", "id", "source", "type", "data"] {
        let found = &back.json[0][field];
        ensure(*found == event[field], || format!("{field} came back as {found}"))?;
    }
    has(&back.json[0], &[("time", Is::Moment)])
}

async fn bad_cloudevent(probe: &Probe) -> Verdict {
    for event in [
        json!({ "specversion": "0.3", "id": "1", "source": "s", "type": "conform:bad" }),
        json!({ "specversion": "1.0", "id": "1", "type": "conform:bad" }),
        json!({ "specversion": "1.0", "id": "", "source": "s", "type": "conform:bad" }),
    ] {
        send(probe, &event).await?.refuses(400, None)?;
    }
    Ok(())
}
