//! Committing: state, events and jobs in one call.

use reqwest::Method;
use serde_json::{Value, json};

use super::events::topic;
use super::probe::Probe;
use super::reply::{Is, Reply, has};
use super::rule::{Rule, Verdict, ensure, rule};
use super::state::{get, write};

pub(super) const RULES: &[Rule] = &[
    rule!(State Ours Required, "a commit writes, deletes, checks and emits, and answers each in order", "Ours: POST /v1/sys/commit", mixed),
    rule!(State Ours Required, "a commit one of whose conditions fails does nothing and names the operation", "Ours: POST /v1/sys/commit, conditions per key", refused),
    rule!(State Ours Required, "a commit under a known Idempotency-Key is done once", "Ours: Idempotency-Key on commit", once),
    rule!(State Ours Required, "a commit of nothing, or of what nobody knows, is refused", "Ours: POST /v1/sys/commit", malformed),
];

async fn commit(probe: &Probe, ops: Value) -> Verdict<Reply> {
    probe.post("/v1/sys/commit", &json!({ "ops": ops })).await
}

async fn mixed(probe: &Probe) -> Verdict {
    let (kept, gone, other) = (
        probe.key("commit/kept"),
        probe.key("commit/gone"),
        probe.key("commit/other"),
    );
    write(probe, &gone, json!(1)).await?;
    let ops = json!([
        { "put": { "key": kept, "value": { "n": 1 }, "expectedVersion": 0 } },
        { "delete": { "key": gone } },
        { "check": { "key": other, "expectedVersion": 0 } },
        { "emit": { "event": topic(probe, "commit"), "data": 1 } },
    ]);
    let reply = commit(probe, ops).await?;
    reply.has(200, &[("results", Is::Array)])?;
    let results = &reply.json["results"];
    has(
        &results[0]["put"],
        &[("key", Is::Word), ("version", Is::Whole), ("updatedAt", Is::Moment)],
    )?;
    has(&results[1]["delete"], &[("key", Is::Word), ("deleted", Is::Bool)])?;
    has(&results[2]["check"], &[("key", Is::Word)])?;
    has(&results[3]["emit"], &[("id", Is::Word), ("timestamp", Is::Moment)])?;
    get(probe, &gone).await?.refuses(404, None)
}

async fn refused(probe: &Probe) -> Verdict {
    let (first, second) = (probe.key("commit/first"), probe.key("commit/second"));
    write(probe, &second, json!(1)).await?;
    let ops = json!([
        { "put": { "key": first, "value": 1 } },
        { "check": { "key": second, "expectedVersion": 7 } },
    ]);
    let reply = commit(probe, ops).await?;
    reply.refuses(409, Some("VERSION_CONFLICT"))?;
    let op = &reply.json["error"]["details"]["op"];
    ensure(*op == 1, || format!("details.op is {op}, not 1"))?;
    get(probe, &first).await?.refuses(404, None)
}

async fn once(probe: &Probe) -> Verdict {
    let key = probe.key("commit/once");
    let body = json!({ "ops": [{ "put": { "key": key, "value": 1 } }] });
    let send = || {
        let name = format!("conform-{}-commit", probe.run);
        probe.read(
            probe
                .ask(Method::POST, "/v1/sys/commit")
                .header("idempotency-key", name)
                .json(&body),
        )
    };
    let (first, second) = (send().await?, send().await?);
    first.has(200, &[("results", Is::Array)])?;
    ensure((first.status, &first.text) == (second.status, &second.text), || {
        format!("the second time {}", second.shown())
    })?;
    get(probe, &key).await?.is("version", &json!(1))
}

async fn malformed(probe: &Probe) -> Verdict {
    for ops in [json!([]), json!([{ "drop": {} }]), json!([{ "put": {} }]), json!("x")] {
        commit(probe, ops).await?.refuses(400, None)?;
    }
    Ok(())
}
