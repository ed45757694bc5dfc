//! Jobs and schedules. What is created here is delayed by an hour or set for New Year, and cancelled before it can run.

use reqwest::Method;
use serde_json::{Value, json};

use super::probe::Probe;
use super::reply::{Is, Reply, moment};
use super::rule::{Rule, Verdict, ensure, fail, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(Jobs V2 Recommended, "a job of a name that has no handler is refused", "2.0 — jobs: 404 no handler of that name", unknown_name),
    rule!(Jobs V2 Recommended, "a job without a name is refused", "2.0 — jobs: 400 malformed", nameless),
    rule!(Jobs V2 Recommended, "a job that does not exist is 404 to read and to cancel", "2.0 — jobs: 404", unknown_id),
    rule!(Jobs V2 Recommended, "a schedule that is no cron expression is refused", "2.0 — jobs: 400 bad cron", bad_cron),
    rule!(Jobs V2 Recommended, "a schedule is created queued, with its expression, and can be read and cancelled", "2.0 — jobs: with a `schedule` the returned id is the schedule's", schedule),
    rule!(Jobs Ours Required, "a delayed job is created queued, in the contract's shape", "2.0 — jobs: at creation a job is `queued`", create),
    rule!(Jobs Ours Required, "a job is read back as it was created", "2.0 — jobs: GET /v1/sys/job/{id}", read_back),
    rule!(Jobs Ours Required, "cancelling a job answers 200, cancelled, with completedAt", "2.0 — jobs: POST /v1/sys/job/{id}/cancel", cancel),
    rule!(Jobs Ours Required, "cancelling a job that has ended is 400", "2.0 — jobs: 400 it has ended already", cancel_twice),
    rule!(Jobs Ours Required, "a delay sets runAt", "Ours: job create `delay` ms", delay),
    rule!(Jobs Ours Required, "maxAttempts and priority are kept and shown", "Ours: Job also shows", kept),
    rule!(Jobs Ours Required, "a concurrency key and its limit are kept and shown, and a limit without a key is refused", "Ours: job create `concurrencyKey`", concurrency),
    rule!(Jobs Ours Required, "a unique key makes one living job", "Ours: job create `uniqueKey`", unique),
    rule!(Jobs Ours Required, "a cancelled job can be retried, and a living one cannot", "Ours: POST /v1/sys/job/{id}/retry", retry),
    rule!(Jobs Ours Required, "jobs are listed newest first, by status and name, in pages", "Ours: GET /v1/sys/jobs", list),
    rule!(Jobs Ours Required, "a status that there is not, and a bad limit, are refused", "Ours: GET /v1/sys/jobs?status", bad_list),
    rule!(Jobs Ours Required, "schedules are listed with their time zone and next tick until they are cancelled", "Ours: GET /v1/sys/schedules", schedules),
    rule!(Jobs Ours Required, "a job under a known Idempotency-Key is created once", "Ours: Idempotency-Key on POST job", once),
    rule!(Jobs Ours Required, "another job under a known Idempotency-Key is 422", "Ours: another body under the same key 422", reused),
];

const STATUSES: Is = Is::OneOf(&["pending", "queued", "running", "completed", "failed", "cancelled"]);
const JOB: [(&str, Is); 9] = [
    ("id", Is::Word),
    ("name", Is::Word),
    ("status", STATUSES),
    ("createdAt", Is::Moment),
    ("startedAt?", Is::Moment),
    ("completedAt?", Is::Moment),
    ("schedule?", Is::Text),
    ("error?", Is::Object),
    ("runAt?", Is::Moment),
];
/// New Year: as far away as a cron expression without a year can be.
const NEW_YEAR: &str = "0 0 1 1 *";
const HOUR: u64 = 3_600_000;

async fn post(probe: &Probe, body: Value) -> Verdict<Reply> {
    probe.post("/v1/sys/job", &body).await
}

/// A job that is due in an hour, with more fields.
async fn due(probe: &Probe, more: Value) -> Verdict<(String, Reply)> {
    let mut body = json!({ "name": probe.job()?, "delay": HOUR });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    let reply = post(probe, body).await?;
    reply.has(201, &JOB)?;
    Ok((reply.text_at("id")?, reply))
}

async fn act(probe: &Probe, id: &str, action: &str) -> Verdict<Reply> {
    probe
        .read(probe.ask(Method::POST, &format!("/v1/sys/job/{id}/{action}")))
        .await
}

async fn end(probe: &Probe, id: &str) -> Verdict {
    act(probe, id, "cancel").await?.has(200, &JOB)
}

async fn unknown_name(probe: &Probe) -> Verdict {
    post(probe, json!({ "name": "conform-no-such-job" }))
        .await?
        .refuses(404, None)
}

async fn nameless(probe: &Probe) -> Verdict {
    for body in [
        json!({}),
        json!({ "name": null }),
        json!({ "name": 7 }),
        json!({ "params": {} }),
        json!([]),
    ] {
        post(probe, body).await?.refuses(400, None)?;
    }
    Ok(())
}

async fn unknown_id(probe: &Probe) -> Verdict {
    probe.get("/v1/sys/job/conform-no-such-id").await?.refuses(404, None)?;
    act(probe, "conform-no-such-id", "cancel").await?.refuses(404, None)
}

async fn bad_cron(probe: &Probe) -> Verdict {
    let job = probe.job()?;
    for cron in ["every day", "61 * * * *", "", "* *"] {
        let reply = post(probe, json!({ "name": job, "schedule": cron })).await?;
        if reply.status == 201 {
            end(probe, &reply.text_at("id")?).await?;
        }
        reply.refuses(400, None)?;
    }
    Ok(())
}

async fn schedule(probe: &Probe) -> Verdict {
    let reply = post(probe, json!({ "name": probe.job()?, "schedule": NEW_YEAR })).await?;
    reply.has(201, &JOB)?;
    let id = reply.text_at("id")?;
    let read = probe.get(&format!("/v1/sys/job/{id}")).await?;
    let cancelled = act(probe, &id, "cancel").await?;
    reply.is("status", &json!("queued"))?;
    reply.is("schedule", &json!(NEW_YEAR))?;
    read.has(200, &JOB)?;
    read.is("id", &json!(id))?;
    cancelled.has(200, &[("completedAt", Is::Moment)])?;
    cancelled.is("status", &json!("cancelled"))
}

async fn create(probe: &Probe) -> Verdict {
    let (id, reply) = due(probe, json!({})).await?;
    end(probe, &id).await?;
    reply.is("status", &json!("queued"))?;
    reply.is("name", &json!(probe.job()?))
}

async fn read_back(probe: &Probe) -> Verdict {
    let (id, created) = due(probe, json!({})).await?;
    let read = probe.get(&format!("/v1/sys/job/{id}")).await?;
    end(probe, &id).await?;
    read.has(200, &JOB)?;
    for field in ["id", "name", "status", "createdAt", "runAt"] {
        read.is(field, &created.json[field])?;
    }
    Ok(())
}

async fn cancel(probe: &Probe) -> Verdict {
    let (id, _) = due(probe, json!({})).await?;
    let reply = act(probe, &id, "cancel").await?;
    reply.has(200, &JOB)?;
    reply.has(200, &[("completedAt", Is::Moment)])?;
    reply.is("status", &json!("cancelled"))
}

async fn cancel_twice(probe: &Probe) -> Verdict {
    let (id, _) = due(probe, json!({})).await?;
    end(probe, &id).await?;
    act(probe, &id, "cancel").await?.refuses(400, None)
}

async fn delay(probe: &Probe) -> Verdict {
    let (id, reply) = due(probe, json!({})).await?;
    end(probe, &id).await?;
    let (created, run) = (reply.text_at("createdAt")?, reply.text_at("runAt")?);
    let (Some(created), Some(run)) = (moment(&created), moment(&run)) else {
        return fail(reply.shown());
    };
    let apart = (run.0 - created.0).num_milliseconds();
    ensure((apart - 3_600_000).abs() < 1_000, || {
        format!("runAt is {apart} ms after createdAt")
    })
}

async fn kept(probe: &Probe) -> Verdict {
    let (id, reply) = due(probe, json!({ "maxAttempts": 3, "priority": -2, "timeout": 5_000 })).await?;
    end(probe, &id).await?;
    reply.is("maxAttempts", &json!(3))?;
    reply.is("priority", &json!(-2))
}

async fn concurrency(probe: &Probe) -> Verdict {
    let key = format!("conform-{}", probe.run);
    let (one, plain) = due(probe, json!({ "concurrencyKey": key })).await?;
    let (several, said) = due(probe, json!({ "concurrencyKey": key, "concurrencyLimit": 3 })).await?;
    for id in [one, several] {
        end(probe, &id).await?;
    }
    plain.is("concurrencyKey", &json!(key))?;
    plain.is("concurrencyLimit", &json!(1))?;
    said.is("concurrencyLimit", &json!(3))?;
    for wrong in [
        json!({ "concurrencyLimit": 3 }),
        json!({ "concurrencyKey": key, "concurrencyLimit": 0 }),
    ] {
        let mut body = json!({ "name": probe.job()?, "delay": HOUR });
        if let (Value::Object(body), Value::Object(wrong)) = (&mut body, wrong) {
            body.extend(wrong);
        }
        let reply = post(probe, body).await?;
        if reply.status == 201 {
            end(probe, &reply.text_at("id")?).await?;
        }
        reply.refuses(400, None)?;
    }
    Ok(())
}

async fn unique(probe: &Probe) -> Verdict {
    let key = json!({ "uniqueKey": format!("conform-{}", probe.run) });
    let (first, _) = due(probe, key.clone()).await?;
    let (second, _) = due(probe, key.clone()).await?;
    end(probe, &first).await?;
    let (third, _) = due(probe, key).await?;
    end(probe, &third).await?;
    ensure(first == second && third != first, || {
        format!("the ids were {first}, {second}, and after its end {third}")
    })
}

async fn retry(probe: &Probe) -> Verdict {
    let (id, _) = due(probe, json!({})).await?;
    let early = act(probe, &id, "retry").await?;
    end(probe, &id).await?;
    early.refuses(400, None)?;
    act(probe, "conform-no-such-id", "retry").await?.refuses(404, None)?;
    // What is retried runs at once, so it is cancelled at once; either it was quick or it was not.
    let again = act(probe, &id, "retry").await?;
    act(probe, &id, "cancel").await?;
    again.has(200, &JOB)?;
    ensure(again.json["status"] != "cancelled", || again.shown())
}

async fn list(probe: &Probe) -> Verdict {
    let job = probe.job()?;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(due(probe, json!({})).await?.0);
    }
    let first = probe
        .get(&format!("/v1/sys/jobs?status=queued&name={job}&limit=2"))
        .await?;
    let cursor = first.json["cursor"].as_str().unwrap_or_default();
    let rest = probe
        .get(&format!(
            "/v1/sys/jobs?status=queued&name={job}&limit=2&cursor={cursor}"
        ))
        .await?;
    for id in &ids {
        end(probe, id).await?;
    }
    first.has(200, &[("jobs", Is::Array), ("cursor", Is::Word)])?;
    rest.has(200, &[("jobs", Is::Array)])?;
    let jobs = |reply: &Reply| reply.json["jobs"].as_array().cloned().unwrap_or_default();
    let listed: Vec<Value> = jobs(&first).into_iter().chain(jobs(&rest)).collect();
    let order: Vec<&str> = listed.iter().take(3).filter_map(|job| job["id"].as_str()).collect();
    let newest_first: Vec<&str> = ids.iter().rev().map(String::as_str).collect();
    ensure(order == newest_first, || {
        format!("{order:?} came where {newest_first:?} was due")
    })?;
    ensure(
        listed
            .iter()
            .all(|one| one["status"] == "queued" && one["name"] == *job),
        || "a job of another status or name is among them".to_owned(),
    )
}

async fn bad_list(probe: &Probe) -> Verdict {
    for query in ["status=sleeping", "limit=many"] {
        probe.get(&format!("/v1/sys/jobs?{query}")).await?.refuses(400, None)?;
    }
    Ok(())
}

async fn schedules(probe: &Probe) -> Verdict {
    let body = json!({ "name": probe.job()?, "schedule": NEW_YEAR, "timezone": "Europe/Berlin" });
    let created = post(probe, body).await?;
    created.has(201, &JOB)?;
    let id = created.text_at("id")?;
    let before = probe.get("/v1/sys/schedules").await?;
    end(probe, &id).await?;
    let after = probe.get("/v1/sys/schedules").await?;
    before.has(200, &[("schedules", Is::Array)])?;
    let find = |reply: &Reply| {
        reply.json["schedules"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| one["id"] == *id)
            .cloned()
    };
    let Some(found) = find(&before) else {
        return fail("the schedule is not listed");
    };
    super::reply::has(
        &found,
        &[
            ("schedule", Is::Word),
            ("nextRun", Is::Moment),
            ("createdAt", Is::Moment),
        ],
    )?;
    ensure(found["timezone"] == "Europe/Berlin", || {
        format!("it is listed as {found}")
    })?;
    ensure(find(&after).is_none(), || {
        "it is still listed after it was cancelled".to_owned()
    })
}

async fn keyed(probe: &Probe, key: &str, delay: u64) -> Verdict<Reply> {
    let body = json!({ "name": probe.job()?, "delay": delay });
    probe
        .read(
            probe
                .ask(Method::POST, "/v1/sys/job")
                .header("idempotency-key", key)
                .json(&body),
        )
        .await
}

async fn once(probe: &Probe) -> Verdict {
    let key = format!("conform-{}-job", probe.run);
    let first = keyed(probe, &key, HOUR).await?;
    let second = keyed(probe, &key, HOUR).await?;
    first.has(201, &JOB)?;
    end(probe, &first.text_at("id")?).await?;
    ensure((first.status, &first.text) == (second.status, &second.text), || {
        format!("the second time {}", second.shown())
    })
}

async fn reused(probe: &Probe) -> Verdict {
    let key = format!("conform-{}-job-reused", probe.run);
    let first = keyed(probe, &key, HOUR).await?;
    let second = keyed(probe, &key, HOUR + 1).await?;
    first.has(201, &JOB)?;
    end(probe, &first.text_at("id")?).await?;
    second.refuses(422, None)
}
