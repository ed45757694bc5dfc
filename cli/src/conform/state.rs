//! State as 2.0 knows it: get, put, versions.

use reqwest::Method;
use serde_json::{Value, json};

use super::probe::Probe;
use super::reply::{Is, Reply};
use super::rule::{Rule, Verdict, ensure, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(State V2 Recommended, "a first write is version 1, and each write adds one", "2.0 — state: `version` (1 for the first write)", versions),
    rule!(State V2 Recommended, "a key is read back as it was written", "2.0 — state: GET /v1/sys/state?key=K", read_back),
    rule!(State V2 Recommended, "a value may be any JSON and comes back the same", "2.0 — state: Entry value", any_value),
    rule!(State V2 Recommended, "a key that is absent is 404", "2.0 — state: 404", absent),
    rule!(State V2 Recommended, "without a key everything is given at once", "2.0 — state: GET without a key is never paged", everything),
    rule!(State V2 Recommended, "the expected version lets a write through", "2.0 — state: expectedVersion", expected),
    rule!(State V2 Recommended, "another version than expected is VERSION_CONFLICT", "2.0 — state: 409 VERSION_CONFLICT", conflict),
    rule!(State V2 Recommended, "expecting a version of an absent key is VERSION_CONFLICT", "2.0 — state: also when the key is absent", conflict_absent),
    rule!(State V2 Recommended, "expecting version 0 is expecting that the key is absent", "2.0 — state: 0 = must not exist", zero),
    rule!(State V2 Recommended, "a write without a key, or with what is none, is refused", "2.0 — state: 400", keyless),
    rule!(State V2 Recommended, "an expected version that is no whole number is refused", "2.0 — state: 400", bad_version),
    rule!(State V2 Recommended, "of many writers who expect the same version one wins", "2.0 — state: 409 VERSION_CONFLICT", race),
];

pub(super) const PATH: &str = "/v1/sys/state";
pub(super) const ENTRY: [(&str, Is); 4] = [
    ("key", Is::Word),
    ("value", Is::Any),
    ("version", Is::Whole),
    ("updatedAt", Is::Moment),
];

/// Writes a key with whatever more the body is to hold.
pub(super) async fn put(probe: &Probe, key: &str, value: Value, more: Value) -> Verdict<Reply> {
    let mut body = json!({ "key": key, "value": value });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    probe.read(probe.ask(Method::PUT, PATH).json(&body)).await
}

/// Writes a key, which must succeed.
pub(super) async fn write(probe: &Probe, key: &str, value: Value) -> Verdict<Reply> {
    let reply = put(probe, key, value, json!({})).await?;
    reply.has(200, &ENTRY)?;
    Ok(reply)
}

/// Reads a key.
pub(super) async fn get(probe: &Probe, key: &str) -> Verdict<Reply> {
    probe.read(probe.ask(Method::GET, PATH).query(&[("key", key)])).await
}

/// Deletes everything of this run, as far as the service can.
pub(super) async fn clean_up(probe: &Probe) {
    if !probe.can("state") {
        return;
    }
    let query = [("prefix", probe.key("")), ("limit", "1000".to_owned())];
    let Ok(left) = probe.read(probe.ask(Method::GET, PATH).query(&query)).await else {
        return;
    };
    for entry in left.json["state"].as_array().into_iter().flatten() {
        // A service of 2.0 cannot filter: what is not this run's stays.
        if let Some(key) = entry["key"].as_str().filter(|key| key.starts_with(&probe.key(""))) {
            let _ = probe.read(probe.ask(Method::DELETE, PATH).query(&[("key", key)])).await;
        }
    }
}

async fn versions(probe: &Probe) -> Verdict {
    let key = probe.key("versions");
    for version in 1..=3 {
        write(probe, &key, json!(version))
            .await?
            .is("version", &json!(version))?;
    }
    Ok(())
}

async fn read_back(probe: &Probe) -> Verdict {
    let key = probe.key("back");
    let written = write(probe, &key, json!({ "a": 1 })).await?;
    let read = get(probe, &key).await?;
    read.has(200, &ENTRY)?;
    ensure(read.json == written.json, || {
        format!("{} was written, {} was read", written.json, read.json)
    })
}

async fn any_value(probe: &Probe) -> Verdict {
    let values = [
        json!(null),
        json!(true),
        json!(-0.5),
        json!(9_007_199_254_740_993u64),
        json!(""),
        json!("ü\u{1f980}\u{0}\"\\"),
        json!([1, [2, [3]], {}]),
        json!({ "": { "a.b": [] } }),
    ];
    for (n, value) in values.into_iter().enumerate() {
        let key = probe.key(&format!("any/{n}"));
        write(probe, &key, value.clone()).await?;
        let read = get(probe, &key).await?;
        ensure(read.json.get("value") == Some(&value), || {
            format!("{value} was written, and {}", read.shown())
        })?;
    }
    Ok(())
}

async fn absent(probe: &Probe) -> Verdict {
    get(probe, &probe.key("nobody/wrote/this")).await?.refuses(404, None)
}

async fn everything(probe: &Probe) -> Verdict {
    let key = probe.key("everything");
    write(probe, &key, json!(1)).await?;
    let reply = probe.get(PATH).await?;
    reply.has(200, &[("state", Is::Array)])?;
    let found = reply.json["state"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|entry| entry["key"] == *key);
    ensure(found && reply.json.get("cursor").is_none_or(Value::is_null), || {
        "the key is not among everything".to_owned()
    })
}

async fn expected(probe: &Probe) -> Verdict {
    let key = probe.key("expected");
    write(probe, &key, json!(1)).await?;
    let reply = put(probe, &key, json!(2), json!({ "expectedVersion": 1 })).await?;
    reply.has(200, &ENTRY)?;
    reply.is("version", &json!(2))
}

async fn conflict(probe: &Probe) -> Verdict {
    let key = probe.key("conflict");
    write(probe, &key, json!("kept")).await?;
    for version in [2, 7] {
        let reply = put(probe, &key, json!("lost"), json!({ "expectedVersion": version })).await?;
        reply.refuses(409, Some("VERSION_CONFLICT"))?;
    }
    get(probe, &key).await?.is("value", &json!("kept"))
}

async fn conflict_absent(probe: &Probe) -> Verdict {
    let reply = put(
        probe,
        &probe.key("conflict/absent"),
        json!(1),
        json!({ "expectedVersion": 3 }),
    )
    .await?;
    reply.refuses(409, Some("VERSION_CONFLICT"))
}

async fn zero(probe: &Probe) -> Verdict {
    let key = probe.key("zero");
    let zero = json!({ "expectedVersion": 0 });
    put(probe, &key, json!(1), zero.clone()).await?.has(200, &ENTRY)?;
    put(probe, &key, json!(2), zero)
        .await?
        .refuses(409, Some("VERSION_CONFLICT"))
}

async fn keyless(probe: &Probe) -> Verdict {
    for body in [
        json!({ "value": 1 }),
        json!({ "key": null, "value": 1 }),
        json!({ "key": 7, "value": 1 }),
        json!({ "key": "", "value": 1 }),
    ] {
        probe
            .read(probe.ask(Method::PUT, PATH).json(&body))
            .await?
            .refuses(400, None)?;
    }
    Ok(())
}

async fn bad_version(probe: &Probe) -> Verdict {
    for version in [json!("1"), json!(-1), json!(1.5)] {
        let reply = put(
            probe,
            &probe.key("bad"),
            json!(1),
            json!({ "expectedVersion": version }),
        )
        .await?;
        reply.refuses(400, None)?;
    }
    Ok(())
}

async fn race(probe: &Probe) -> Verdict {
    let key = probe.key("race");
    write(probe, &key, json!(0)).await?;
    let writers = (0..8).map(|n| put(probe, &key, json!(n), json!({ "expectedVersion": 1 })));
    let replies = futures_util::future::join_all(writers)
        .await
        .into_iter()
        .collect::<Verdict<Vec<_>>>()?;
    let won = replies.iter().filter(|reply| reply.status == 200).count();
    let lost = replies.iter().filter(|reply| reply.status == 409).count();
    ensure((won, lost) == (1, 7), || {
        format!("of eight writers {won} won and {lost} were told of the conflict")
    })
}
