//! The lives of jobs: waiting for an end, dead ones made anew, keys with modes. What is created is delayed by an hour, and cancelled.

use serde_json::{Value, json};

use super::probe::Probe;
use super::reply::{Is, Reply};
use super::rule::{Rule, Verdict, ensure, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(Jobs Ours Required, "a wait that is over answers with the job as it stands", "Ours: GET /v1/sys/job/{id}?wait", wait),
    rule!(Jobs Ours Required, "a dead job that is retried with an edit becomes another, and each names the other", "Ours: POST /v1/sys/job/{id}/retry with a body", redrive),
    rule!(Jobs Ours Required, "dead jobs are retried in slices, and living ones cannot be", "Ours: POST /v1/sys/jobs/retry", retry_many),
    rule!(Jobs Ours Required, "replacing gives the waiting job of a key new params, and earliest an earlier moment", "Ours: job create `unique`", modes),
    rule!(Jobs Ours Required, "a throttle answers with the job of the window though it has ended", "Ours: job create `unique` in mode throttle", throttle),
    rule!(Jobs Ours Required, "how long a job may wait to begin and be silent is kept and shown", "Ours: job create `startWithin` and `heartbeat`", limits),
];

const HOUR: u64 = 3_600_000;
/// Ten years, the longest window: that this run falls on a border is as good as impossible.
const LONG: u64 = 316_224_000_000;

/// A job that is due in an hour.
async fn due(probe: &Probe, more: Value) -> Verdict<Reply> {
    let mut body = json!({ "name": probe.job()?, "delay": HOUR });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    let reply = probe.post("/v1/sys/job", &body).await?;
    reply.has(201, &[("id", Is::Word), ("status", Is::Word)])?;
    Ok(reply)
}

async fn end(probe: &Probe, job: &Reply) -> Verdict {
    let path = format!("/v1/sys/job/{}/cancel", job.text_at("id")?);
    probe
        .post(&path, &json!({}))
        .await?
        .has(200, &[("completedAt", Is::Moment)])
}

async fn wait(probe: &Probe) -> Verdict {
    let job = due(probe, json!({})).await?;
    let path = format!("/v1/sys/job/{}?wait=", job.text_at("id")?);
    let waits = probe.get(&format!("{path}20")).await?;
    end(probe, &job).await?;
    let ended = probe.get(&format!("{path}20000")).await?;
    waits.has(200, &[("status", Is::Word)])?;
    waits.is("status", &json!("queued"))?;
    ended.is("status", &json!("cancelled"))
}

async fn redrive(probe: &Probe) -> Verdict {
    let old = due(probe, json!({})).await?;
    end(probe, &old).await?;
    let (id, edit) = (old.text_at("id")?, json!({ "params": { "conform": 1 }, "delay": HOUR }));
    let path = format!("/v1/sys/job/{id}/retry");
    let new = probe.post(&path, &edit).await?;
    let twice = probe.post(&path, &edit).await?;
    end(probe, &new).await?;
    let kept = probe.get(&format!("/v1/sys/job/{id}")).await?;
    new.is("redriveOf", &json!(id))?;
    new.is("params", &json!({ "conform": 1 }))?;
    kept.is("redrivenAs", &new.json["id"])?;
    kept.is("status", &json!("cancelled"))?;
    twice.refuses(409, Some("JOB_REDRIVEN"))
}

async fn retry_many(probe: &Probe) -> Verdict {
    let early = json!({ "status": "cancelled", "before": "2000-01-01T00:00:00Z", "limit": 1 });
    let none = probe.post("/v1/sys/jobs/retry", &early).await?;
    let living = probe.post("/v1/sys/jobs/retry", &json!({ "status": "queued" })).await?;
    none.has(
        200,
        &[("retried", Is::Number), ("left", Is::Number), ("cursor?", Is::Word)],
    )?;
    none.is("retried", &json!(0))?;
    living.refuses(400, None)
}

async fn modes(probe: &Probe) -> Verdict {
    for mode in ["replace", "earliest"] {
        let unique = json!({ "key": format!("conform-{}-{mode}", probe.run), "mode": mode });
        let first = due(probe, json!({ "unique": unique, "params": { "n": 1 } })).await?;
        let second = json!({ "unique": unique, "params": { "n": 2 }, "delay": HOUR / 2 });
        let second = due(probe, second).await?;
        end(probe, &first).await?;
        second.is("id", &first.json["id"])?;
        let sooner = second.json["runAt"].as_str() < first.json["runAt"].as_str();
        let newer = second.json["params"]["n"] == 2;
        ensure((newer, sooner) == (mode == "replace", mode == "earliest"), || {
            format!("in mode {mode} {}", second.shown())
        })?;
    }
    Ok(())
}

async fn throttle(probe: &Probe) -> Verdict {
    let key = format!("conform-{}-throttle", probe.run);
    let unique = json!({ "unique": { "key": key, "mode": "throttle", "window": LONG } });
    let first = due(probe, unique.clone()).await?;
    end(probe, &first).await?;
    let second = due(probe, unique).await?;
    second.is("id", &first.json["id"])?;
    second.is("status", &json!("cancelled"))?;
    second.is("uniqueKey", &json!(key))
}

async fn limits(probe: &Probe) -> Verdict {
    let job = due(probe, json!({ "startWithin": 60_000, "heartbeat": 5_000 })).await?;
    end(probe, &job).await?;
    job.has(201, &[("startBy", Is::Moment), ("heartbeat", Is::Number)])?;
    job.is("heartbeat", &json!(5_000))
}
