//! Workflows. What is started here is the run of a workflow that waits, as `--workflow` names it, and is cancelled.

use reqwest::Method;
use serde_json::{Value, json};

use super::probe::Probe;
use super::reply::{Is, Reply};
use super::rule::{Rule, Verdict, ensure, rule};

pub(super) const RULES: &[Rule] = &[
    rule!(Workflows Ours Required, "workflows are listed", "Ours: GET /v1/sys/workflows", listed),
    rule!(Workflows Ours Required, "a run that does not exist is 404 to read, to cancel, to resume, to fork and to signal", "Ours: GET /v1/sys/workflow/{id}", no_run),
    rule!(Workflows Ours Required, "a workflow that nobody wrote is refused", "Ours: POST /v1/sys/workflow", unknown),
    rule!(Workflows Ours Required, "a start without a name, and one that is no object, is refused", "Ours: POST /v1/sys/workflow", nameless),
    rule!(Workflows Ours Required, "a status that no run has, and a bad limit of runs, are refused", "Ours: GET /v1/sys/workflows", bad_list),
    rule!(Workflows Ours Required, "a run is started with 201, in the contract's shape", "Ours: POST /v1/sys/workflow", start),
    rule!(Workflows Ours Required, "a run is read back with its steps", "Ours: GET /v1/sys/workflow/{id}", read_back),
    rule!(Workflows Ours Required, "a wait for a run that is over answers with it as it stands", "Ours: GET /v1/sys/workflow/{id}?wait", wait),
    rule!(Workflows Ours Required, "the same id with the same input is the same run, and with another input is refused", "Ours: POST /v1/sys/workflow `id`", same_id),
    rule!(Workflows Ours Required, "an id that does not fit is refused", "Ours: POST /v1/sys/workflow `id`", bad_id),
    rule!(Workflows Ours Required, "cancelling a run answers 200, cancelled, and twice is 400", "Ours: POST /v1/sys/workflow/{id}/cancel", cancel),
    rule!(Workflows Ours Required, "the first signal of a name counts: the same again is no fault, another value is 409", "Ours: POST /v1/sys/workflow/{id}/signal/{name}", signal),
    rule!(Workflows Ours Required, "a signal to a run that has ended is 400", "Ours: POST /v1/sys/workflow/{id}/signal/{name}", late_signal),
    rule!(Workflows Ours Required, "a cancelled run can be resumed, and a living one cannot", "Ours: POST /v1/sys/workflow/{id}/resume", resume),
    rule!(Workflows Ours Required, "a fork is a run of its own that names the other", "Ours: POST /v1/sys/workflow/{id}/fork", fork),
    rule!(Workflows Ours Required, "runs are listed newest first, by status and name, in pages", "Ours: GET /v1/sys/workflows", list),
    rule!(Workflows Ours Required, "a run under a known Idempotency-Key is started once, and another one is 422", "Ours: Idempotency-Key on POST workflow", once),
];

const STATUSES: Is = Is::OneOf(&[
    "pending",
    "queued",
    "running",
    "completed",
    "failed",
    "cancelled",
    "continued",
]);
const RUN: [(&str, Is); 8] = [
    ("id", Is::Word),
    ("name", Is::Word),
    ("status", STATUSES),
    ("createdAt", Is::Moment),
    ("startedAt?", Is::Moment),
    ("completedAt?", Is::Moment),
    ("runAt?", Is::Moment),
    ("error?", Is::Object),
];
const NOBODY: &str = "/v1/sys/workflow/conform-no-such-id";

/// What starts a run, with more fields.
fn order(probe: &Probe, more: Value) -> Verdict<Value> {
    let (name, input) = probe.workflow()?;
    let mut body = json!({ "name": name });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(input.map(|input| ("input".to_owned(), input.clone())));
        body.extend(more);
    }
    Ok(body)
}

async fn started(probe: &Probe) -> Verdict<(String, Reply)> {
    let reply = probe.post("/v1/sys/workflow", &order(probe, json!({}))?).await?;
    reply.has(201, &RUN)?;
    Ok((reply.text_at("id")?, reply))
}

async fn act(probe: &Probe, id: &str, action: &str) -> Verdict<Reply> {
    let path = format!("/v1/sys/workflow/{id}/{action}");
    probe.read(probe.ask(Method::POST, &path)).await
}

async fn end(probe: &Probe, id: &str) -> Verdict {
    act(probe, id, "cancel").await?.has(200, &RUN)
}

async fn listed(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/workflows").await?;
    reply.has(200, &[("workflows", Is::Array), ("cursor?", Is::Word)])
}

async fn no_run(probe: &Probe) -> Verdict {
    probe.get(NOBODY).await?.refuses(404, None)?;
    for action in ["cancel", "resume", "fork", "signal/conform"] {
        let path = format!("{NOBODY}/{action}");
        probe.post(&path, &json!({})).await?.refuses(404, None)?;
    }
    Ok(())
}

async fn unknown(probe: &Probe) -> Verdict {
    let body = json!({ "name": "conform-no-such-workflow" });
    probe.post("/v1/sys/workflow", &body).await?.refuses(404, None)
}

async fn nameless(probe: &Probe) -> Verdict {
    for body in [
        json!({}),
        json!({ "name": null }),
        json!({ "name": 7 }),
        json!({ "input": {} }),
        json!([]),
    ] {
        probe.post("/v1/sys/workflow", &body).await?.refuses(400, None)?;
    }
    Ok(())
}

async fn bad_list(probe: &Probe) -> Verdict {
    for query in ["status=sleeping", "limit=many"] {
        let path = format!("/v1/sys/workflows?{query}");
        probe.get(&path).await?.refuses(400, None)?;
    }
    Ok(())
}

async fn start(probe: &Probe) -> Verdict {
    let (id, reply) = started(probe).await?;
    end(probe, &id).await?;
    reply.is("name", &json!(probe.workflow()?.0))
}

async fn read_back(probe: &Probe) -> Verdict {
    let (id, created) = started(probe).await?;
    let read = probe.get(&format!("/v1/sys/workflow/{id}")).await?;
    end(probe, &id).await?;
    read.has(200, &RUN)?;
    read.has(200, &[("steps", Is::Array)])?;
    for field in ["id", "name", "createdAt", "input"] {
        read.is(field, &created.json[field])?;
    }
    Ok(())
}

async fn wait(probe: &Probe) -> Verdict {
    let (id, _) = started(probe).await?;
    let path = format!("/v1/sys/workflow/{id}?wait=");
    let waits = probe.get(&format!("{path}20")).await?;
    end(probe, &id).await?;
    let ended = probe.get(&format!("{path}10000")).await?;
    waits.has(200, &RUN)?;
    waits.is("id", &json!(id))?;
    ended.is("status", &json!("cancelled"))
}

async fn same_id(probe: &Probe) -> Verdict {
    let id = format!("conform-{}", probe.run);
    let body = order(probe, json!({ "id": id }))?;
    let first = probe.post("/v1/sys/workflow", &body).await?;
    let second = probe.post("/v1/sys/workflow", &body).await?;
    // An unknown field in an object changes the least: where it is let through, it is another input.
    let mut input = body["input"].clone();
    if !input.is_object() {
        input = json!({});
    }
    input["conform"] = json!(probe.run);
    let body = order(probe, json!({ "id": id, "input": input }))?;
    let other = probe.post("/v1/sys/workflow", &body).await?;
    end(probe, &id).await?;
    for reply in [&first, &second] {
        reply.has(201, &RUN)?;
        reply.is("id", &json!(id))?;
    }
    second.is("createdAt", &first.json["createdAt"])?;
    ensure(other.status == 409 || other.status == 400, || other.shown())?;
    other.is_error()
}

async fn bad_id(probe: &Probe) -> Verdict {
    for id in ["", "a b", "a/b", "a+2", &"x".repeat(1_000)] {
        let body = order(probe, json!({ "id": id }))?;
        let reply = probe.post("/v1/sys/workflow", &body).await?;
        if reply.status == 201 {
            end(probe, &reply.text_at("id")?).await?;
        }
        reply.refuses(400, None)?;
    }
    Ok(())
}

async fn cancel(probe: &Probe) -> Verdict {
    let (id, _) = started(probe).await?;
    let reply = act(probe, &id, "cancel").await?;
    reply.has(200, &RUN)?;
    reply.has(200, &[("completedAt", Is::Moment)])?;
    reply.is("status", &json!("cancelled"))?;
    act(probe, &id, "cancel").await?.refuses(400, None)
}

async fn signal(probe: &Probe) -> Verdict {
    let (id, _) = started(probe).await?;
    let path = format!("/v1/sys/workflow/{id}/signal/conform");
    let mut replies = Vec::new();
    for value in [1, 1, 2] {
        replies.push(probe.post(&path, &json!(value)).await?);
    }
    end(probe, &id).await?;
    for (reply, first) in replies.iter().zip([true, false]) {
        reply.has(200, &[("id", Is::Word), ("name", Is::Word)])?;
        reply.is("first", &json!(first))?;
    }
    replies[2].refuses(409, None)
}

async fn late_signal(probe: &Probe) -> Verdict {
    let (id, _) = started(probe).await?;
    end(probe, &id).await?;
    act(probe, &id, "signal/conform").await?.refuses(400, None)
}

async fn resume(probe: &Probe) -> Verdict {
    let (id, _) = started(probe).await?;
    let early = act(probe, &id, "resume").await?;
    end(probe, &id).await?;
    let again = act(probe, &id, "resume").await?;
    end(probe, &id).await?;
    early.refuses(400, None)?;
    again.has(200, &RUN)?;
    ensure(again.json["status"] != "cancelled", || again.shown())
}

async fn fork(probe: &Probe) -> Verdict {
    let (id, _) = started(probe).await?;
    end(probe, &id).await?;
    let forked = act(probe, &id, "fork").await?;
    forked.has(201, &RUN)?;
    let own = forked.text_at("id")?;
    let read = probe.get(&format!("/v1/sys/workflow/{own}")).await?;
    end(probe, &own).await?;
    ensure(own != id, || forked.shown())?;
    read.is("forkedFrom", &json!(id))
}

async fn list(probe: &Probe) -> Verdict {
    let name = probe.workflow()?.0;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let (id, _) = started(probe).await?;
        end(probe, &id).await?;
        ids.push(id);
    }
    let path = format!("/v1/sys/workflows?status=cancelled&name={name}&limit=2");
    let first = probe.get(&path).await?;
    let cursor = first.json["cursor"].as_str().unwrap_or_default();
    let rest = probe.get(&format!("{path}&cursor={cursor}")).await?;
    first.has(200, &[("workflows", Is::Array), ("cursor", Is::Word)])?;
    rest.has(200, &[("workflows", Is::Array)])?;
    let runs = |reply: &Reply| reply.json["workflows"].as_array().cloned().unwrap_or_default();
    let listed: Vec<Value> = runs(&first).into_iter().chain(runs(&rest)).collect();
    let order: Vec<&str> = listed.iter().take(3).filter_map(|run| run["id"].as_str()).collect();
    let newest_first: Vec<&str> = ids.iter().rev().map(String::as_str).collect();
    ensure(order == newest_first, || {
        format!("{order:?} came where {newest_first:?} was due")
    })?;
    let fits = |run: &Value| run["status"] == "cancelled" && run["name"] == *name;
    ensure(listed.iter().all(fits), || {
        "a run of another status or workflow is among them".to_owned()
    })
}

async fn keyed(probe: &Probe, key: &str, more: Value) -> Verdict<Reply> {
    let request = probe
        .ask(Method::POST, "/v1/sys/workflow")
        .header("idempotency-key", key);
    probe.read(request.json(&order(probe, more)?)).await
}

async fn once(probe: &Probe) -> Verdict {
    let key = format!("conform-{}-run", probe.run);
    let first = keyed(probe, &key, json!({})).await?;
    let second = keyed(probe, &key, json!({})).await?;
    let other = keyed(probe, &key, json!({ "id": format!("conform-{}-other", probe.run) })).await?;
    first.has(201, &RUN)?;
    end(probe, &first.text_at("id")?).await?;
    ensure((first.status, &first.text) == (second.status, &second.text), || {
        format!("the second time {}", second.shown())
    })?;
    other.refuses(422, None)
}
