//! The syscall contract, through the real handler.

use std::sync::atomic::Ordering;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use syscall_sdk::service::Service;

use crate::support::{Fixture, ask};

#[tokio::test]
async fn the_six_core_gets_answer_in_the_shape_of_2_0() {
    let core = Fixture::start().await;
    assert_eq!(core.get("/health").await.text, r#"{"status":"healthy"}"#);
    assert_eq!(
        core.get("/version").await.body,
        json!({ "version": "1.2.3", "service": "blackroad-os-core" })
    );

    let identity = core.get("/v1/sys/identity").await.body;
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(&identity),
        [
            "capabilities",
            "dns",
            "environment",
            "health",
            "role",
            "runtime",
            "service",
            "version"
        ]
    );
    assert_eq!(keys(&identity["dns"]), ["cloudflare", "internal", "railway"]);
    assert_eq!(identity["dns"]["cloudflare"], "");
    assert_eq!(
        keys(&identity["runtime"]),
        ["internalHost", "pid", "port", "railwayHost", "uptime"]
    );
    assert_eq!(keys(&identity["health"]), ["lastCheck", "status", "uptime"]);
    let last_check = identity["health"]["lastCheck"].as_str().unwrap();
    assert!(last_check.len() == 24 && last_check.ends_with('Z'), "{last_check}");

    let health = core.get("/v1/sys/health").await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(
        keys(&health.body),
        ["checks", "memory", "status", "timestamp", "uptime"]
    );
    assert_eq!(
        keys(&health.body["memory"]),
        ["external", "heapTotal", "heapUsed", "rss"]
    );
    assert_eq!(health.body["checks"]["database"]["status"], "ok");

    let version = core.get("/v1/sys/version").await.body;
    assert_eq!(version["nodeVersion"], version["runtime"]);
    assert!(
        version["nodeVersion"].as_str().unwrap().starts_with("rustc 1."),
        "{version}"
    );

    let config = core.get("/v1/sys/config").await.body;
    assert_eq!(config["service"]["name"], "blackroad-os-core");
    assert_eq!(
        config["features"],
        json!({ "rpc": true, "events": true, "jobs": true, "state": true })
    );
    core.stop().await;
}

#[tokio::test]
async fn rpc_maps_a_handlers_error_by_its_kind_and_keeps_code_and_details() {
    let core = Fixture::start().await;
    assert_eq!(
        core.rpc("echo", json!({ "text": "a" })).await.body,
        json!({ "result": { "text": "a" } })
    );
    for (kind, status) in [
        ("invalid", 400),
        ("forbidden", 403),
        ("missing", 404),
        ("conflict", 409),
        ("unavailable", 500),
    ] {
        let answer = core.rpc("refuse", json!({ "text": kind })).await;
        assert_eq!(answer.status.as_u16(), status, "{kind}: {}", answer.text);
        assert_eq!(answer.headers["x-syscall-origin"], "handler");
    }
    let missing = core.rpc("refuse", json!({ "text": "missing" })).await.body;
    assert_eq!(missing["error"]["code"], "USER_NOT_FOUND");
    assert_eq!(missing["error"]["details"], json!({ "id": "7" }));
    core.stop().await;
}

#[tokio::test]
async fn rpc_refuses_what_it_cannot_do_before_it_does_anything() {
    let core = Fixture::start().await;
    let cases = [
        (json!({ "method": "nope" }), 404, "METHOD_NOT_FOUND"),
        (json!({ "method": "echo", "service": "nope" }), 404, "UNKNOWN_SERVICE"),
        (
            json!({ "method": "echo", "params": { "text": 7 } }),
            400,
            "INVALID_PARAMS",
        ),
        (json!({ "method": "" }), 400, "INVALID_ARGUMENT"),
        (json!({ "method": 7 }), 400, "INVALID_BODY"),
        (json!({ "method": "hang", "timeout": 20 }), 504, "DEADLINE_EXCEEDED"),
        (json!({ "method": "panic" }), 500, "PANIC"),
    ];
    for (body, status, code) in cases {
        let answer = core.post("/v1/sys/rpc", &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["error"]["code"].as_str()),
            (status, Some(code)),
            "{body}: {}",
            answer.text
        );
        assert_eq!(answer.headers["x-syscall-origin"], "kernel", "{body}");
    }
    // The handler's panic was an error of that request alone.
    assert_eq!(
        core.rpc("echo", json!({ "text": "still here" })).await.status,
        StatusCode::OK
    );
    core.stop().await;
}

#[tokio::test]
async fn a_host_that_names_another_service_is_misdirected() {
    let core = Fixture::start().await;
    let body = json!({ "method": "echo", "params": { "text": "a" } }).to_string();
    for (host, status) in [
        ("blackroad-os-api.railway.internal:8000", 421),
        ("blackroad-os-core.railway.internal:8000", 200),
        ("10.0.0.7:8000", 200),
        ("healthcheck.railway.app", 200),
    ] {
        let answer = core
            .send(Method::POST, "/v1/sys/rpc", &[("host", host)], body.clone())
            .await;
        assert_eq!(answer.status.as_u16(), status, "{host}");
    }
    core.stop().await;
}

#[tokio::test]
async fn state_is_versioned_and_conditional() {
    let core = Fixture::start().await;
    let put = |body: Value| {
        let core = &core;
        async move { core.put("/v1/sys/state", &body).await }
    };
    assert_eq!(put(json!({ "key": "a/1", "value": 1 })).await.body["version"], 1);
    assert_eq!(
        put(json!({ "key": "a/1", "value": 2, "expectedVersion": 1 }))
            .await
            .body["version"],
        2
    );
    let stale = put(json!({ "key": "a/1", "value": 3, "expectedVersion": 1 })).await;
    assert_eq!(
        (stale.status.as_u16(), stale.body["error"]["code"].as_str()),
        (409, Some("VERSION_CONFLICT"))
    );
    assert_eq!(
        put(json!({ "key": "b", "value": 3, "expectedVersion": 1 }))
            .await
            .status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        put(json!({ "key": "a/1", "value": 3, "expectedVersion": 0 }))
            .await
            .status,
        StatusCode::CONFLICT
    );

    let one = core.get("/v1/sys/state?key=a%2F1").await;
    let etag = one.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(one.body["value"], 2);
    let conditional = |name: &'static str, value: String| {
        let core = &core;
        async move {
            core.send(Method::GET, "/v1/sys/state?key=a%2F1", &[(name, &value)], "")
                .await
                .status
        }
    };
    assert_eq!(
        conditional("if-none-match", etag.clone()).await,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(conditional("if-none-match", "\"0\"".to_owned()).await, StatusCode::OK);
    let body = json!({ "key": "a/1", "value": 9 }).to_string();
    let refused = core
        .send(Method::PUT, "/v1/sys/state", &[("if-match", "\"0\"")], body.clone())
        .await;
    assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(
        core.send(Method::PUT, "/v1/sys/state", &[("if-match", &etag)], body.clone())
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        core.send(Method::PUT, "/v1/sys/state", &[("if-none-match", "*")], body)
            .await
            .status,
        StatusCode::PRECONDITION_FAILED
    );

    assert_eq!(
        core.get("/v1/sys/state?key=missing").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        core.send(Method::DELETE, "/v1/sys/state?key=a%2F1", &[], "").await.body["deleted"],
        true
    );
    assert_eq!(put(json!({ "key": "a/1", "value": 1 })).await.body["version"], 1);
    core.stop().await;
}

#[tokio::test]
async fn a_list_is_whole_without_a_limit_and_paged_with_one() {
    let core = Fixture::start().await;
    for n in 0..7 {
        core.put("/v1/sys/state", &json!({ "key": format!("p/{n}"), "value": n }))
            .await;
    }
    core.put("/v1/sys/state", &json!({ "key": "pq/1", "value": null }))
        .await;
    assert_eq!(
        core.get("/v1/sys/state").await.body["state"].as_array().unwrap().len(),
        8
    );
    let mut seen = Vec::new();
    let mut path = "/v1/sys/state?prefix=p/&limit=3".to_owned();
    loop {
        let page = core.get(&path).await.body;
        seen.extend(
            page["state"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["key"].as_str().unwrap().to_owned()),
        );
        match page["cursor"].as_str() {
            Some(cursor) => path = format!("/v1/sys/state?prefix=p/&limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ["p/0", "p/1", "p/2", "p/3", "p/4", "p/5", "p/6"]);
    assert_eq!(core.get("/v1/sys/state?prefix=p").await.status, StatusCode::BAD_REQUEST);
    core.stop().await;
}

#[tokio::test]
async fn a_transaction_does_all_or_nothing() {
    let core = Fixture::start().await;
    core.put("/v1/sys/state", &json!({ "key": "a", "value": 1 })).await;
    let transaction = |expected: u64| {
        json!({ "operations": [
            { "op": "put", "key": "b", "value": 2, "expectedVersion": 0 },
            { "op": "delete", "key": "a", "expectedVersion": expected },
        ] })
    };
    assert_eq!(
        core.post("/v1/sys/state/transaction", &transaction(9)).await.status,
        StatusCode::CONFLICT
    );
    assert_eq!(core.get("/v1/sys/state?key=b").await.status, StatusCode::NOT_FOUND);
    let done = core.post("/v1/sys/state/transaction", &transaction(1)).await;
    assert_eq!(done.body["results"][0]["version"], 1, "{}", done.text);
    assert_eq!(core.get("/v1/sys/state?key=a").await.status, StatusCode::NOT_FOUND);
    core.stop().await;
}

#[tokio::test]
async fn an_event_stream_resumes_without_loss_or_repeat() {
    let core = Fixture::start().await;
    let emit = |n: u32| json!({ "event": if n.is_multiple_of(2) { "user:created" } else { "order:placed" }, "data": { "n": n } });
    for n in 0..3 {
        assert_eq!(core.post("/v1/sys/event", &emit(n)).await.status, StatusCode::CREATED);
    }
    let mut all = core.stream("/v1/sys/events?since=2020-01-01T00:00:00Z", &[]).await;
    let first = all.next().await;
    assert_eq!(first.data["data"]["n"], 0);
    assert_eq!(first.data["source"], "blackroad-os-core");
    drop(all);
    let cursor = first.id.unwrap();
    let mut resumed = core.stream("/v1/sys/events", &[("last-event-id", &cursor)]).await;
    assert_eq!(
        [
            resumed.next().await.data["data"]["n"].clone(),
            resumed.next().await.data["data"]["n"].clone()
        ],
        [1, 2]
    );
    core.post("/v1/sys/event", &emit(3)).await;
    assert_eq!(resumed.next().await.data["data"]["n"], 3);

    let mut filtered = core
        .stream("/v1/sys/events?event=user:*", &[("last-event-id", &cursor)])
        .await;
    assert_eq!(filtered.next().await.data["data"]["n"], 2);
    let recent = core.get("/v1/sys/events/recent?limit=2").await.body;
    assert_eq!(recent["events"][0]["data"]["n"], 3);
    let older = core
        .get(&format!(
            "/v1/sys/events/recent?limit=2&before={}",
            recent["cursor"].as_str().unwrap()
        ))
        .await
        .body;
    assert_eq!(older["events"][0]["data"]["n"], 1);
    core.stop().await;
}

#[tokio::test]
async fn a_watch_shows_every_committed_change_under_its_prefix() {
    let core = Fixture::start().await;
    let mut watch = core.stream("/v1/sys/state/watch?prefix=a/", &[]).await;
    core.put("/v1/sys/state", &json!({ "key": "ab", "value": 0 })).await;
    core.put("/v1/sys/state", &json!({ "key": "a/1", "value": 1 })).await;
    core.send(Method::DELETE, "/v1/sys/state?key=a/1", &[], "").await;
    let (put, deleted) = (watch.next().await, watch.next().await);
    assert_eq!(
        (put.data["event"].as_str(), put.data["data"]["entry"]["value"].as_i64()),
        (Some("state:put"), Some(1))
    );
    assert_eq!(
        (deleted.data["event"].as_str(), deleted.data["data"]["key"].as_str()),
        (Some("state:deleted"), Some("a/1"))
    );
    core.stop().await;
}

#[tokio::test]
async fn a_job_runs_fails_retries_and_tells_its_story() {
    let core = Fixture::start().await;
    let created = core
        .post("/v1/sys/job", &json!({ "name": "upper", "params": { "text": "abc" } }))
        .await;
    assert_eq!(
        (created.status.as_u16(), created.body["status"].as_str()),
        (201, Some("queued"))
    );
    let id = created.body["id"].as_str().unwrap();
    core.ended(id).await;
    let job = core.get(&format!("/v1/sys/job/{id}")).await.body;
    assert_eq!(
        (job["status"].as_str(), &job["result"]),
        (Some("completed"), &json!({ "text": "ABC" }))
    );
    assert_eq!(job["progress"], json!({ "half": true }));
    assert_eq!(job["attempts"][0]["outcome"], "completed");
    assert_eq!(job["attempts"][0]["traceId"].as_str().unwrap().len(), 32);

    let flaky = core.post("/v1/sys/job", &json!({ "name": "flaky" })).await.body;
    let flaky = core.ended(flaky["id"].as_str().unwrap()).await;
    assert_eq!((flaky.attempt, flaky.failures), (3, 2));
    let story = core.get(&format!("/v1/sys/job/{}", flaky.id)).await.body;
    let outcomes: Vec<_> = story["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["failed", "failed", "completed"]);

    let unknown = core.post("/v1/sys/job", &json!({ "name": "nope" })).await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.body["error"]["code"].as_str()),
        (404, Some("JOB_UNKNOWN"))
    );
    core.stop().await;
}

#[tokio::test]
async fn an_error_without_retry_and_a_time_that_is_over_each_end_a_job() {
    let core = Fixture::start().await;
    let kernel = core.running.kernel("core").unwrap();
    let story = async |order: serde_json::Value| {
        let id = core.post("/v1/sys/job", &order).await.body["id"]
            .as_str()
            .unwrap()
            .to_owned();
        kernel.jobs.ended(&id).await.unwrap();
        core.get(&format!("/v1/sys/job/{id}")).await.body
    };
    let hopeless = story(json!({ "name": "hopeless" })).await;
    assert_eq!(
        (hopeless["status"].as_str(), &hopeless["attempt"]),
        (Some("failed"), &json!(1))
    );
    assert_eq!(hopeless["error"]["message"], "UNAVAILABLE: the account is closed");

    let late = story(json!({ "name": "stubborn", "maxElapsed": 20 })).await;
    assert_eq!((late["status"].as_str(), &late["attempt"]), (Some("failed"), &json!(1)));
    assert!(
        late["error"]["message"].as_str().unwrap().starts_with("JOB_DEADLINE: "),
        "{late}"
    );
    assert!(late["deadline"].is_string());

    for bad in [json!({ "maxElapsed": 0 }), json!({ "maxElapsed": 5, "delay": 5 })] {
        let mut order = json!({ "name": "upper" });
        order.as_object_mut().unwrap().extend(bad.as_object().unwrap().clone());
        assert_eq!(
            core.post("/v1/sys/job", &order).await.status,
            StatusCode::BAD_REQUEST,
            "{order}"
        );
    }
    core.stop().await;
}

#[tokio::test]
async fn a_paused_job_is_pending_until_it_is_resumed() {
    let core = Fixture::start().await;
    let kernel = core.running.kernel("core").unwrap();
    let why = json!({ "reason": "the mill is closed", "by": "ada" });
    let paused = core.post("/v1/sys/jobs/upper/pause", &why).await;
    assert_eq!((paused.status.as_u16(), &paused.body["by"]), (200, &json!("ada")));
    let order = json!({ "name": "upper", "params": { "text": "abc" } });
    let id = core.post("/v1/sys/job", &order).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // One that is not paused was created later and runs first.
    let other = core.post("/v1/sys/job", &json!({ "name": "hopeless" })).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    kernel.jobs.ended(&other).await.unwrap();

    let held = core.get(&format!("/v1/sys/job/{id}")).await.body;
    assert_eq!((&held["status"], &held["attempt"]), (&json!("pending"), &json!(0)));
    assert_eq!(held["paused"]["reason"], "the mill is closed");
    let pending = core.get("/v1/sys/jobs?status=pending").await.body;
    assert_eq!(
        (&pending["jobs"][0]["id"], &pending["paused"][0]["of"]),
        (&json!(id), &json!("upper"))
    );
    assert_eq!(core.get("/v1/sys/jobs?status=queued").await.body["jobs"], json!([]));

    assert_eq!(
        core.post("/v1/sys/jobs/upper/resume", &json!({})).await.status,
        StatusCode::OK
    );
    assert_eq!(kernel.jobs.ended(&id).await.unwrap().attempt, 1);
    let again = core.post("/v1/sys/jobs/upper/resume", &json!({})).await;
    assert_eq!(
        (again.status.as_u16(), &again.body["error"]["code"]),
        (404, &json!("PAUSE_NOT_FOUND"))
    );
    assert_eq!(
        core.post("/v1/sys/jobs/nope/pause", &json!({})).await.status,
        StatusCode::NOT_FOUND
    );
    core.stop().await;
}

#[tokio::test]
async fn a_paused_schedule_does_not_tick_until_it_is_resumed() {
    let core = Fixture::start().await;
    let kernel = core.running.kernel("core").unwrap();
    let order = json!({ "name": "hopeless", "schedule": "* * * * * *" });
    let id = core.post("/v1/sys/job", &order).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let paused = core.post(&format!("/v1/sys/job/{id}/pause"), &json!({})).await;
    assert_eq!(paused.status, StatusCode::OK);
    let shown = core.get(&format!("/v1/sys/job/{id}")).await.body;
    assert_eq!(
        (&shown["status"], &shown["paused"]["of"]),
        (&json!("pending"), &json!(id))
    );
    let listed = core.get("/v1/sys/schedules").await.body;
    assert_eq!(listed["schedules"][0]["paused"]["of"], json!(id));

    assert_eq!(
        core.post(&format!("/v1/sys/job/{id}/resume"), &json!({})).await.status,
        StatusCode::OK
    );
    let mut heads = kernel.store.heads();
    let before = kernel.store.schedule(&id).await.unwrap().unwrap().last_run;
    while kernel.store.schedule(&id).await.unwrap().unwrap().last_run == before {
        heads.changed().await.unwrap();
    }
    core.stop().await;
}

#[tokio::test]
async fn a_running_job_is_cancelled_at_once_and_its_late_outcome_refused() {
    let core = Fixture::start().await;
    let id = core.post("/v1/sys/job", &json!({ "name": "stubborn" })).await.body["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let kernel = core.running.kernel("core").unwrap();
    let mut heads = kernel.store.heads();
    while kernel.jobs.get(&id).await.unwrap().unwrap().status != syscall_sdk::wire::JobStatus::Running {
        heads.changed().await.unwrap();
    }
    let cancelled = core.post(&format!("/v1/sys/job/{id}/cancel"), &json!({})).await;
    assert_eq!(cancelled.body["status"], "cancelled");
    assert!(cancelled.body["completedAt"].is_string());
    while kernel
        .jobs
        .get(&id)
        .await
        .unwrap()
        .unwrap()
        .cancel_acknowledged_at
        .is_none()
    {
        heads.changed().await.unwrap();
    }
    assert_eq!(
        core.post(&format!("/v1/sys/job/{id}/cancel"), &json!({})).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        core.post("/v1/sys/job/none/cancel", &json!({})).await.status,
        StatusCode::NOT_FOUND
    );
    let revived = core.post(&format!("/v1/sys/job/{id}/retry"), &json!({})).await;
    assert_eq!(
        (revived.status.as_u16(), revived.body["status"].as_str()),
        (200, Some("queued")),
        "{}",
        revived.text
    );
    core.stop().await;
}

#[tokio::test]
async fn a_schedule_is_a_job_in_shape_and_is_cancelled_like_one() {
    let core = Fixture::start().await;
    let schedule = core
        .post(
            "/v1/sys/job",
            &json!({ "name": "upper", "schedule": "0 4 * * *", "timezone": "Europe/Berlin" }),
        )
        .await;
    assert_eq!(
        (schedule.status.as_u16(), schedule.body["status"].as_str()),
        (201, Some("queued")),
        "{}",
        schedule.text
    );
    assert!(schedule.body["nextRun"].is_string());
    let id = schedule.body["id"].as_str().unwrap();
    assert_eq!(
        core.get("/v1/sys/schedules").await.body["schedules"][0]["timezone"],
        "Europe/Berlin"
    );
    assert_eq!(
        core.post(&format!("/v1/sys/job/{id}/cancel"), &json!({})).await.body["status"],
        "cancelled"
    );
    assert_eq!(core.get("/v1/sys/schedules").await.body["schedules"], json!([]));
    for bad in ["61 * * * *", "* * *", "often", "0 3 31 2 *"] {
        let refused = core
            .post("/v1/sys/job", &json!({ "name": "upper", "schedule": bad }))
            .await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    core.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_repeats_the_first_answer_and_refuses_another_body() {
    let core = Fixture::start().await;
    let send = |path: &'static str, key: &'static str, body: Value| {
        let core = &core;
        async move {
            core.send(Method::POST, path, &[("idempotency-key", key)], body.to_string())
                .await
        }
    };
    for (path, body, other) in [
        ("/v1/sys/event", json!({ "event": "a" }), json!({ "event": "b" })),
        (
            "/v1/sys/job",
            json!({ "name": "upper", "params": { "text": "a" } }),
            json!({ "name": "flaky" }),
        ),
    ] {
        let first = send(path, "k1", body.clone()).await;
        let second = send(path, "k1", body).await;
        assert_eq!((first.status, &first.body), (second.status, &second.body));
        assert_eq!(second.headers["idempotency-replayed"], "true");
        assert_eq!(send(path, "k1", other).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let call = json!({ "method": "count" });
    assert_eq!(send("/v1/sys/rpc", "k2", call.clone()).await.body["result"], 1);
    assert_eq!(send("/v1/sys/rpc", "k2", call.clone()).await.body["result"], 1);
    assert_eq!(send("/v1/sys/rpc", "k3", call).await.body["result"], 2);
    assert_eq!(core.calls.load(Ordering::SeqCst), 2);
    core.stop().await;
}

#[tokio::test]
async fn a_relay_passes_the_idempotency_key_on_however_long_it_waits() {
    let core = Fixture::start_beside(|| Service::new("api", "1.0.0")).await;
    let relay = core.running.handler("api").expect("it booted");
    let mut answers = Vec::new();
    for timeout in [1_000, 2_000] {
        let call = json!({ "service": "core", "method": "count", "timeout": timeout });
        let key = [("idempotency-key", "once")];
        answers.push(ask(&relay, Method::POST, "/v1/sys/rpc", &key, call.to_string()).await);
    }
    assert_eq!(answers[0].body["result"], 1);
    assert_eq!(answers[1].body, answers[0].body);
    assert_eq!(answers[1].headers["idempotency-replayed"], "true");
    assert_eq!(core.calls.load(Ordering::SeqCst), 1);
    core.stop().await;
}

#[tokio::test]
async fn logs_and_metrics_are_recorded_and_asked_for() {
    let core = Fixture::start().await;
    let written = core
        .post(
            "/v1/sys/log",
            &json!({ "level": "warn", "message": "careful", "meta": { "a": 1 } }),
        )
        .await;
    assert_eq!(written.status, StatusCode::CREATED);
    let logs = core.get("/v1/sys/logs?level=warn").await.body;
    assert_eq!(
        (logs["total"].as_u64(), logs["limit"].as_u64(), logs["offset"].as_u64()),
        (Some(1), Some(100), Some(0))
    );
    assert_eq!(logs["logs"][0]["message"], "careful");
    assert_eq!(logs["logs"][0]["id"], written.body["id"]);
    for (path, body) in [
        ("/v1/sys/log", json!({ "level": "loud", "message": "x" })),
        ("/v1/sys/metric", json!({ "name": "x" })),
    ] {
        assert_eq!(core.post(path, &body).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    core.post(
        "/v1/sys/metric",
        &json!({ "name": "orders", "value": 2.5, "unit": "1", "tags": { "k": "v" } }),
    )
    .await;
    let metrics = core.get("/v1/sys/metrics?name=orders").await.body;
    assert_eq!(
        (metrics["total"].as_u64(), metrics["metrics"][0]["value"].as_f64()),
        (Some(1), Some(2.5))
    );
    let mut tail = core.stream("/v1/sys/logs?follow=true&level=error", &[]).await;
    core.post("/v1/sys/log", &json!({ "level": "error", "message": "broken" }))
        .await;
    assert_eq!(tail.next().await.data["message"], "broken");
    core.stop().await;
}

#[tokio::test]
async fn a_request_bears_one_trace_and_one_id_from_end_to_end() {
    let core = Fixture::start().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!("00-{trace}-b7ad6b7169203331-01");
    let body = json!({ "method": "echo", "params": { "text": "a" } }).to_string();
    let answer = core
        .send(
            Method::POST,
            "/v1/sys/rpc",
            &[("traceparent", &traceparent), ("x-request-id", "req-7")],
            body,
        )
        .await;
    assert_eq!(answer.headers["x-request-id"], "req-7");
    assert!(answer.headers["traceparent"].to_str().unwrap().contains(trace));
    let spans = core.get(&format!("/v1/sys/trace/{trace}")).await.body["spans"].clone();
    let names: Vec<_> = spans
        .as_array()
        .unwrap()
        .iter()
        .map(|span| span["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["POST /v1/sys/rpc", "echo"]);
    assert_eq!(spans[0]["parentId"], "b7ad6b7169203331");
    assert_eq!(spans[1]["parentId"], spans[0]["spanId"]);
    let evil = core
        .send(Method::GET, "/health", &[("x-request-id", "a b\tc")], "")
        .await;
    assert_eq!(evil.headers["x-request-id"].len(), 36);
    core.stop().await;
}

#[tokio::test]
async fn a_family_that_is_switched_off_is_not_there() {
    let core = Fixture::start_with(&[("ENABLE_JOBS", "false"), ("ENABLE_STATE", "false")]).await;
    assert_eq!(core.get("/v1/sys/jobs").await.status, StatusCode::NOT_FOUND);
    assert_eq!(core.get("/v1/sys/state").await.status, StatusCode::NOT_FOUND);
    let capabilities = core.get("/v1/sys/identity").await.body["capabilities"].clone();
    assert!(
        !capabilities.as_array().unwrap().contains(&json!("jobs")),
        "{capabilities}"
    );
    assert_eq!(core.get("/v1/sys/config").await.body["features"]["jobs"], false);
    core.stop().await;
}

#[tokio::test]
async fn what_is_required_is_refused_and_the_public_stays_public() {
    let core = Fixture::start_with(&[("SYSCALL_AUTH", "required")]).await;
    for public in [
        "/health",
        "/version",
        "/v1/sys/identity",
        "/v1/sys/health",
        "/v1/sys/version",
        "/v1/sys/config",
        "/healthz",
        "/readyz",
        "/v1/",
    ] {
        assert_eq!(core.get(public).await.status, StatusCode::OK, "{public}");
    }
    for closed in [
        "/metrics",
        "/v1/sys/state",
        "/v1/sys/logs",
        "/v1/sys/jobs",
        "/v1/sys/rpc",
        "/v1/sys/events/recent",
        "/v1/sys/traces",
    ] {
        let refused = core.get(closed).await;
        assert!(
            refused.status == StatusCode::UNAUTHORIZED,
            "{closed}: {}",
            refused.status
        );
    }
    core.stop().await;
}

#[tokio::test]
async fn the_openapi_document_names_every_route_with_its_access() {
    let core = Fixture::start().await;
    let document = core.get("/v1/sys/openapi.json").await.body;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["paths"]["/health"]["get"]["x-access"], "public");
    assert_eq!(
        document["paths"]["/v1/sys/state"]["put"]["x-access"],
        "right: state write"
    );
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name} is referred to and not there"
        );
    }
    core.stop().await;
}
