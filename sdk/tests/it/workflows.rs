//! Workflows over the wire: every path, every refusal.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use syscall_sdk::context::FlowContext;
use syscall_sdk::contract::Flow;
use syscall_sdk::error::Result;
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::service::Service;
use syscall_sdk::wire::WorkflowStatus;

use crate::support::{Answer, COUNT, Text, UPPER, ask, service, variables};

const GREET: Flow<Text, Text> = Flow::new("core", "greet");

async fn greet(flow: FlowContext, input: Text) -> Result<Text> {
    let upper = flow.job(&UPPER, &input).await?;
    let count: u32 = flow.call(&COUNT, &()).await?;
    let who: Option<String> = flow.signal("who", None).await?;
    Ok(Text {
        text: format!("{} {count} {}", upper.text, who.unwrap_or_default()),
    })
}

/// Says hello once a run, as often as it is asked to.
const REPEAT: Flow<Times, u32> = Flow::new("core", "repeat");

#[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
struct Times {
    done: u32,
    of: u32,
}

async fn repeat(flow: FlowContext, times: Times) -> Result<u32> {
    flow.job(&UPPER, &Text { text: "hi".to_owned() }).await?;
    let done = times.done + 1;
    if done == times.of {
        flow.signal::<()>("end", None).await?;
        return Ok(done);
    }
    flow.continue_as_new(&Times { done, ..times }).await
}

struct Fleet {
    running: Running,
}

impl Fleet {
    async fn start() -> Self {
        let calls = std::sync::Arc::default();
        let make = move || -> Service { service(&calls).flow(GREET, greet).flow(REPEAT, repeat) };
        let running = Host::new(variables(&[])).mount(make).start(Vec::new()).await.unwrap();
        Fleet { running }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let handler = self.running.handler("core").expect("the service booted");
        ask(&handler, method, path, headers, body.to_owned()).await
    }

    async fn get(&self, path: &str) -> Value {
        self.ask(Method::GET, path, &[], "").await.body
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, &[], &body.to_string()).await
    }

    async fn ended(&self, id: &str) {
        let kernel = self.running.kernel("core").unwrap();
        tokio::time::timeout(Duration::from_secs(20), kernel.jobs.ended(id))
            .await
            .expect("it ends")
            .unwrap();
    }

    /// Waits until a run waits for its signal, out of memory.
    async fn waits(&self, id: &str) {
        let kernel = self.running.kernel("core").unwrap();
        let mut heads = kernel.store.heads();
        loop {
            heads.borrow_and_update();
            // A run that another one continues as may not be there yet.
            if let Ok(run) = kernel.flows.get(id).await {
                let signal = run.steps.iter().flatten().any(|step| step.kind == "signal");
                if signal && run.status == WorkflowStatus::Pending {
                    return;
                }
            }
            tokio::time::timeout(Duration::from_secs(20), heads.changed())
                .await
                .expect("it goes on")
                .unwrap();
        }
    }

    async fn stop(self) {
        self.running.stop(DrainBudget::none(), "test").await;
    }
}

#[tokio::test]
async fn a_workflow_is_started_read_signalled_and_listed() {
    let fleet = Fleet::start().await;
    let start = json!({ "name": "greet", "input": { "text": "hi" }, "id": "one" });
    let started = fleet.post("/v1/sys/workflow", start.clone()).await;
    assert_eq!(started.status, 201, "{}", started.text);
    assert_eq!(
        (&started.body["id"], &started.body["status"]),
        (&json!("one"), &json!("queued"))
    );
    let again = fleet.post("/v1/sys/workflow", start).await;
    assert_eq!((again.status.as_u16(), &again.body["id"]), (201, &json!("one")));
    let sent = fleet.post("/v1/sys/workflow/one/signal/who", json!("Ann")).await;
    assert_eq!((sent.status.as_u16(), &sent.body["first"]), (200, &json!(true)));
    fleet.ended("one").await;
    let run = fleet.get("/v1/sys/workflow/one").await;
    assert_eq!(run["result"], json!({ "text": "HI 1 Ann" }));
    let steps: Vec<_> = run["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["name"].clone())
        .collect();
    assert_eq!(steps, ["job upper", "core.count", "signal who"]);
    let first = &run["steps"][0];
    assert_eq!(
        (&first["kind"], &first["status"], &first["occurrence"]),
        (&json!("job"), &json!("completed"), &json!(0))
    );
    assert!(first["startedAt"].is_string() && first["endedAt"].is_string());
    let list = fleet.get("/v1/sys/workflows?status=completed&name=greet&limit=5").await;
    assert_eq!(list["workflows"][0]["id"], "one");
    assert_eq!(list["workflows"][0].get("steps"), None);
    assert_eq!(
        fleet.get("/v1/sys/workflows?status=failed").await["workflows"],
        json!([])
    );
    let capabilities = fleet.get("/v1/sys/identity").await["capabilities"].clone();
    assert!(capabilities.as_array().unwrap().contains(&json!("workflows")));
    fleet.stop().await;
}

#[tokio::test]
async fn an_old_clients_params_are_the_input() {
    let fleet = Fleet::start().await;
    let start = json!({ "name": "greet", "params": { "text": "hi" }, "id": "one" });
    assert_eq!(
        fleet.post("/v1/sys/workflow", start).await.body["input"],
        json!({ "text": "hi" })
    );
    fleet.stop().await;
}

#[tokio::test]
async fn runs_come_in_pages() {
    let fleet = Fleet::start().await;
    for id in ["a", "b", "c"] {
        let start = json!({ "name": "greet", "input": { "text": id }, "id": id });
        assert_eq!(fleet.post("/v1/sys/workflow", start).await.status, 201);
    }
    let ids = |page: &Value| -> Vec<Value> {
        let runs = page["workflows"].as_array().unwrap();
        runs.iter().map(|run| run["id"].clone()).collect()
    };
    let first = fleet.get("/v1/sys/workflows?limit=2").await;
    assert_eq!(ids(&first), ["c", "b"]);
    let cursor = first["cursor"].as_str().unwrap();
    let second = fleet.get(&format!("/v1/sys/workflows?limit=2&cursor={cursor}")).await;
    assert_eq!(ids(&second), ["a"]);
    assert_eq!(second.get("cursor"), None);
    fleet.stop().await;
}

#[tokio::test]
async fn a_start_under_an_idempotency_key_is_answered_once() {
    let fleet = Fleet::start().await;
    let body = json!({ "name": "greet", "input": { "text": "hi" } }).to_string();
    let key = [("idempotency-key", "k")];
    let first = fleet.ask(Method::POST, "/v1/sys/workflow", &key, &body).await;
    let second = fleet.ask(Method::POST, "/v1/sys/workflow", &key, &body).await;
    assert_eq!((first.status.as_u16(), &first.text), (201, &second.text));
    assert_eq!(second.headers["idempotency-replayed"], "true");
    let other = json!({ "name": "greet", "input": { "text": "ho" } }).to_string();
    let refused = fleet.ask(Method::POST, "/v1/sys/workflow", &key, &other).await;
    assert_eq!(refused.status, 422);
    let id = first.body["id"].as_str().unwrap();
    let kept = fleet.get(&format!("/v1/sys/workflow/{id}")).await;
    assert_eq!(kept["createdAt"], first.body["createdAt"]);
    fleet.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_a_code() {
    let fleet = Fleet::start().await;
    for (path, body, status, code) in [
        ("/v1/sys/workflow", json!({ "name": "none" }), 404, "WORKFLOW_UNKNOWN"),
        ("/v1/sys/workflow", json!({ "name": "greet" }), 400, "INVALID_PARAMS"),
        (
            "/v1/sys/workflow",
            json!({ "name": "greet", "input": { "text": "" }, "id": "a b" }),
            400,
            "INVALID_ARGUMENT",
        ),
        ("/v1/sys/workflow", json!([]), 400, "INVALID_BODY"),
        ("/v1/sys/workflow/none/cancel", json!(null), 404, "WORKFLOW_NOT_FOUND"),
        ("/v1/sys/workflow/none/resume", json!(null), 404, "WORKFLOW_NOT_FOUND"),
        ("/v1/sys/workflow/none/fork", json!({}), 404, "WORKFLOW_NOT_FOUND"),
        ("/v1/sys/workflow/none/signal/x", json!(1), 404, "WORKFLOW_NOT_FOUND"),
        ("/v1/sys/job", json!({ "name": "flow:greet" }), 400, "INVALID_ARGUMENT"),
    ] {
        let answer = fleet.post(path, body.clone()).await;
        let got = (answer.status.as_u16(), answer.body["error"]["code"].as_str());
        assert_eq!(got, (status, Some(code)), "{path} {body}: {}", answer.text);
    }
    let missing = fleet.ask(Method::GET, "/v1/sys/workflow/none", &[], "").await;
    assert_eq!(missing.status, 404);
    fleet.stop().await;
}

#[tokio::test]
async fn a_run_is_cancelled_resumed_and_forked() {
    let fleet = Fleet::start().await;
    let start = json!({ "name": "greet", "input": { "text": "hi" }, "id": "one" });
    fleet.post("/v1/sys/workflow", start).await;
    fleet.waits("one").await;
    let cancelled = fleet.post("/v1/sys/workflow/one/cancel", json!(null)).await;
    assert_eq!(
        (cancelled.status.as_u16(), &cancelled.body["status"]),
        (200, &json!("cancelled"))
    );
    let twice = fleet.post("/v1/sys/workflow/one/cancel", json!(null)).await;
    assert_eq!(
        (twice.status.as_u16(), &twice.body["error"]["code"]),
        (400, &json!("JOB_STATUS"))
    );
    let resumed = fleet.post("/v1/sys/workflow/one/resume", json!(null)).await;
    assert_eq!(resumed.status, 200, "{}", resumed.text);
    fleet.post("/v1/sys/workflow/one/signal/who", json!("Ann")).await;
    fleet.ended("one").await;
    let forked = fleet
        .ask(
            Method::POST,
            "/v1/sys/workflow/one/fork",
            &[],
            r#"{"fromStep":"signal who"}"#,
        )
        .await;
    assert_eq!(forked.status, 201, "{}", forked.text);
    let id = forked.body["id"].as_str().unwrap();
    fleet
        .post(&format!("/v1/sys/workflow/{id}/signal/who"), json!("Bob"))
        .await;
    fleet.ended(id).await;
    let run = fleet.get(&format!("/v1/sys/workflow/{id}")).await;
    assert_eq!(
        (&run["forkedFrom"], &run["status"]),
        (&json!("one"), &json!("completed"))
    );
    fleet.stop().await;
}

#[tokio::test]
async fn a_run_cancelled_as_the_job_that_it_is_is_cancelled_as_a_run() {
    let fleet = Fleet::start().await;
    let start = json!({ "name": "greet", "input": { "text": "hi" }, "id": "one" });
    fleet.post("/v1/sys/workflow", start).await;
    let job = fleet.post("/v1/sys/job/one/cancel", json!(null)).await;
    assert_eq!((job.status.as_u16(), &job.body["status"]), (200, &json!("cancelled")));
    let retried = fleet.post("/v1/sys/job/one/retry", json!(null)).await;
    assert_eq!(retried.status, 200);
    fleet.stop().await;
}

#[tokio::test]
async fn who_waits_for_a_workflow_follows_it_to_the_last_run_of_its_chain() {
    let fleet = Fleet::start().await;
    let start = json!({ "name": "repeat", "input": { "done": 0, "of": 3 }, "id": "one" });
    assert_eq!(fleet.post("/v1/sys/workflow", start.clone()).await.status, 201);
    fleet.waits("one+3").await;
    let lives = fleet.get("/v1/sys/workflow/one?wait=1").await;
    assert_eq!((&lives["id"], &lives["status"]), (&json!("one+3"), &json!("pending")));
    let handler = fleet.running.handler("core").unwrap();
    let waits = ask(
        &handler,
        Method::GET,
        "/v1/sys/workflow/one?wait=20000",
        &[],
        String::new(),
    );
    let sent = fleet.post("/v1/sys/workflow/one/signal/end", json!(null));
    let (waited, sent) = tokio::join!(waits, sent);
    assert_eq!(sent.body["id"], "one+3");
    assert_eq!(
        (&waited.body["id"], &waited.body["status"]),
        (&json!("one+3"), &json!("completed"))
    );
    assert_eq!(waited.body["result"], 3);
    let first = fleet.get("/v1/sys/workflow/one").await;
    assert_eq!(
        (&first["status"], &first["continuedAs"], first.get("continuedFrom")),
        (&json!("continued"), &json!("one+2"), None)
    );
    assert_eq!(
        first["chain"],
        json!({ "first": "one", "latest": "one+3", "number": 1 })
    );
    let second = fleet.get("/v1/sys/workflow/one%2B2").await;
    assert_eq!(
        (
            &second["continuedFrom"],
            &second["continuedAs"],
            &second["chain"]["number"]
        ),
        (&json!("one"), &json!("one+3"), &json!(2))
    );
    let job = fleet.get("/v1/sys/job/one").await;
    assert_eq!(
        (&job["status"], &job["progress"]),
        (&json!("completed"), &json!({ "continuedAs": "one+2" }))
    );
    let listed = fleet.get("/v1/sys/workflows?status=continued").await;
    let ids: Vec<_> = listed["workflows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["id"])
        .collect();
    assert_eq!(ids, ["one+2", "one"]);
    let again = fleet.post("/v1/sys/workflow", start).await;
    assert_eq!(
        (again.status.as_u16(), &again.body["status"]),
        (201, &json!("continued"))
    );
    let missing = fleet
        .ask(Method::GET, "/v1/sys/workflow/none?wait=20000", &[], "")
        .await;
    assert_eq!(missing.status, 404);
    fleet.stop().await;
}

#[tokio::test]
async fn why_tells_how_a_workflow_went_on() {
    let fleet = Fleet::start().await;
    let start = json!({ "name": "repeat", "input": { "done": 0, "of": 3 }, "id": "one" });
    assert_eq!(fleet.post("/v1/sys/workflow", start).await.status, 201);
    fleet.waits("one+3").await;
    let told = fleet.get("/v1/sys/why/one").await;
    assert_eq!(
        told["summary"],
        "repeat was continued as new, as one+2, and is at one+3 by now."
    );
    assert!(
        told["links"]
            .as_array()
            .unwrap()
            .contains(&json!({ "relation": "continuedAs", "id": "one+2" }))
    );
    let told = fleet.get("/v1/sys/why/one+3").await;
    assert_eq!(told["facts"][0]["what"], "started as what run one+2 continued as");
    assert!(
        told["links"]
            .as_array()
            .unwrap()
            .contains(&json!({ "relation": "continuedFrom", "id": "one+2" }))
    );
    assert_eq!(told["waits"][0]["code"], "signal");
    fleet.stop().await;
}
