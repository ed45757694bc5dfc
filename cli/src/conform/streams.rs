//! The event stream: live, replayed, resumed.

use std::time::Duration;

use serde_json::{Value, json};

use super::events::{emit, topic};
use super::probe::Probe;
use super::rule::{Rule, Verdict, ensure, rule, skip};
use super::stream::{Stream, Told, is_event};

pub(super) const RULES: &[Rule] = &[
    rule!(Events V2 Recommended, "the stream is text/event-stream and brings events as they are emitted", "2.0 — events: GET /v1/sys/events", live),
    rule!(Events V2 Recommended, "every message is an event with id, event, timestamp and source", "2.0 — events: every message is Event-shaped", shaped),
    rule!(Events V2 Recommended, "event asks for one name alone", "2.0 — events: ?event", by_name),
    rule!(Events V2 Recommended, "since replays what is later, then goes on live", "2.0 — events: replay what is later, then go on live", since),
    rule!(Events V2 Recommended, "without since nothing old is sent", "2.0 — events: GET /v1/sys/events", only_new),
    rule!(Events V2 Recommended, "a since that is no moment is refused", "2.0 — events: `since` is RFC 3339", bad_since),
    rule!(Events Ours Required, "a trailing * asks for every name that starts so", "Ours: `event=user:*` prefixes", by_prefix),
    rule!(Events Ours Required, "Last-Event-ID resumes without loss or repeat", "Ours: `Last-Event-ID` and `id:` lines", resumes),
    rule!(Events Ours Required, "no gap is told to a reader who asked for nothing old", "Ours: never sent to others", no_gap),
    rule!(Events Ours Required, "the stream is alive: a comment comes within 15 s of silence", "Ours: a comment heartbeat every 15 s", heartbeat),
];

const PATH: &str = "/v1/sys/events";

fn numbered(n: u64) -> impl Fn(&Value) -> bool {
    move |event| event["data"]["n"] == n
}

/// A stream that is known to be live: the first event after it was opened has come through.
async fn open_live(probe: &Probe, filter: &str, name: &str) -> Verdict<(Stream, Told)> {
    let mut stream = Stream::open(probe, PATH, &[("event", filter)], None).await?;
    emit(probe, name, json!({ "n": 0 })).await?;
    let first = stream.find(numbered(0)).await?;
    Ok((stream, first))
}

async fn live(probe: &Probe) -> Verdict {
    let name = topic(probe, "live");
    let (mut stream, _) = open_live(probe, &name, &name).await?;
    emit(probe, &name, json!({ "n": 1 })).await?;
    let told = stream.next().await?;
    ensure(told.data["data"]["n"] == 1, || {
        format!("the stream brought {}", told.data)
    })
}

async fn shaped(probe: &Probe) -> Verdict {
    let name = topic(probe, "shaped");
    let (_, told) = open_live(probe, &name, &name).await?;
    is_event(&told)?;
    ensure(
        told.data["event"] == *name && told.data["source"] == *probe.name(),
        || format!("the stream brought {}", told.data),
    )
}

async fn by_name(probe: &Probe) -> Verdict {
    let (wanted, other) = (topic(probe, "named"), topic(probe, "named:not"));
    let (mut stream, _) = open_live(probe, &wanted, &wanted).await?;
    emit(probe, &other, json!({ "n": 1 })).await?;
    emit(probe, &wanted, json!({ "n": 2 })).await?;
    let told = stream.next().await?;
    ensure(told.data["data"]["n"] == 2, || {
        format!("the stream brought {}", told.data)
    })
}

async fn since(probe: &Probe) -> Verdict {
    let name = topic(probe, "since");
    // A moment before both, by the service's own clock: `since` tells milliseconds, so the first event waits for the next one.
    let mark = probe.get("/v1/sys/health").await?.text_at("timestamp")?;
    while probe.get("/v1/sys/health").await?.text_at("timestamp")? == mark {}
    emit(probe, &name, json!({ "n": 1 })).await?;
    emit(probe, &name, json!({ "n": 2 })).await?;
    let mut stream = Stream::open(probe, PATH, &[("event", &name), ("since", &mark)], None).await?;
    for n in [1, 2] {
        let told = stream.next().await?;
        ensure(told.data["data"]["n"] == n, || {
            format!("event {n} was due and {} came", told.data)
        })?;
    }
    emit(probe, &name, json!({ "n": 3 })).await?;
    let told = stream.next().await?;
    ensure(told.data["data"]["n"] == 3, || {
        format!("live event 3 was due and {} came", told.data)
    })?;
    let future = [("event", name.as_str()), ("since", "2999-01-01T00:00:00.000Z")];
    let mut stream = Stream::open(probe, PATH, &future, None).await?;
    emit(probe, &name, json!({ "n": 4 })).await?;
    match stream.next().await {
        Ok(told) => ensure(told.data["data"]["n"] == 4, || {
            format!("what is not later came: {}", told.data)
        }),
        // A reader from the future may also be kept waiting for it.
        Err(_) => Ok(()),
    }
}

async fn only_new(probe: &Probe) -> Verdict {
    let name = topic(probe, "new");
    emit(probe, &name, json!({ "n": 9 })).await?;
    let mut stream = Stream::open(probe, PATH, &[("event", &name)], None).await?;
    emit(probe, &name, json!({ "n": 0 })).await?;
    let told = stream.next().await?;
    ensure(told.data["data"]["n"] == 0, || {
        format!("an old event came: {}", told.data)
    })
}

async fn bad_since(probe: &Probe) -> Verdict {
    probe.get("/v1/sys/events?since=yesterday").await?.refuses(400, None)
}

async fn by_prefix(probe: &Probe) -> Verdict {
    let (filter, inside, outside) = (topic(probe, "pre:*"), topic(probe, "pre:in"), topic(probe, "prefix"));
    let (mut stream, _) = open_live(probe, &filter, &inside).await?;
    emit(probe, &outside, json!({ "n": 1 })).await?;
    emit(probe, &inside, json!({ "n": 2 })).await?;
    let told = stream.next().await?;
    ensure(told.data["data"]["n"] == 2, || {
        format!("the stream brought {}", told.data)
    })
}

async fn resumes(probe: &Probe) -> Verdict {
    let name = topic(probe, "resume");
    let (stream, first) = open_live(probe, &name, &name).await?;
    let id = first
        .id
        .ok_or_else(|| super::rule::Stop::Fail("the message has no id: line".to_owned()))?;
    drop(stream);
    for n in 1..=3 {
        emit(probe, &name, json!({ "n": n })).await?;
    }
    let mut stream = Stream::open(probe, PATH, &[("event", &name)], Some(&id)).await?;
    let mut middle = None;
    for n in 1..=3 {
        let told = stream.next().await?;
        ensure(told.data["data"]["n"] == n, || {
            format!("event {n} was due and {} came", told.data)
        })?;
        middle = if n == 2 { told.id } else { middle };
    }
    drop(stream);
    let mut stream = Stream::open(probe, PATH, &[("event", &name)], middle.as_deref()).await?;
    let told = stream.next().await?;
    ensure(told.data["data"]["n"] == 3, || {
        format!("after the second, {} came and not the third", told.data)
    })
}

async fn no_gap(probe: &Probe) -> Verdict {
    let name = topic(probe, "gap");
    let mut stream = Stream::open(probe, PATH, &[], None).await?;
    emit(probe, &name, json!({ "n": 0 })).await?;
    let told = stream
        .find(|event| event["event"] == *name || event["event"] == "gap")
        .await?;
    ensure(told.data["event"] != "gap", || {
        format!("the stream brought {}", told.data)
    })
}

async fn heartbeat(probe: &Probe) -> Verdict {
    if !probe.patient {
        return skip("it takes 16 s; --patient waits for it");
    }
    let mut stream = Stream::open(probe, PATH, &[("event", &topic(probe, "silence"))], None).await?;
    let came = stream.comment(Duration::from_secs(17)).await?;
    ensure(came, || "nothing came for 17 s".to_owned())
}
