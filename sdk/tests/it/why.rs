//! Why something ran, and why it did not, asked over the wire of services that run.

use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use http::Method;
use serde_json::{Value, json};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::Variables;
use syscall_sdk::context::{EventContext, FlowContext, JobContext, Kernel};
use syscall_sdk::contract::{Flow, Task, Topic};
use syscall_sdk::error::{Error, Result};
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::policy::Backoff;
use syscall_sdk::registry::Registry;
use syscall_sdk::service::Service;
use syscall_sdk::store::embedded::{Embedded, Options};
use syscall_sdk::store::{Batch, Claim, Enqueue, NewSchedule, Op, Outcome, Store, Want};
use syscall_sdk::wire::{CatchUp, JobStatus, Overlap, UniqueMode};

use crate::support::{Answer, Text, ask, variables};

const HOUR: Duration = Duration::from_secs(3_600);
const LAME: Task<(), ()> = Task::new("core", "lame")
    .attempts(3)
    .backoff(Backoff::doubling(HOUR, HOUR));
const NARROW: Task<(), ()> = Task::new("core", "narrow").concurrency(1);
const LONE: Task<(), ()> = Task::new("core", "lone");
const UPPER: Task<Text, Text> = Task::new("core", "upper");
const ASK: Flow<Text, Text> = Flow::new("core", "ask");
const SAID: Topic<Text> = Topic::new("core", "said");

async fn ask_first(flow: FlowContext, input: Text) -> Result<Text> {
    let upper = flow.job(&UPPER, &input).await?;
    flow.signal::<String>("go", HOUR).await?;
    Ok(upper)
}

fn core() -> Service {
    Service::new("core", "1")
        .task(LAME, |_: JobContext, (): ()| async move {
            Err(Error::unavailable("the printer is out of paper"))
        })
        .task(NARROW, |context: JobContext, (): ()| async move {
            context.cancelled().await;
            Ok(())
        })
        .task(LONE, |context: JobContext, (): ()| async move {
            context.cancelled().await;
            Ok(())
        })
        .task(UPPER, |_: JobContext, input: Text| async move {
            Ok(Text {
                text: input.text.to_uppercase(),
            })
        })
        .flow(ASK, ask_first)
}

/// Hears what core says, and cannot bear it.
fn api() -> Service {
    Service::new("api", "1").on(SAID, |_: EventContext, _: Text| async move {
        Err(Error::invalid("too loud"))
    })
}

struct Fleet(Running);

impl Fleet {
    async fn start() -> Self {
        Fleet(Host::new(variables(&[])).mount(core).start(Vec::new()).await.unwrap())
    }

    /// On a file, with a service that has handlers or none.
    async fn on(directory: &Path, make: fn() -> Service) -> Self {
        let mut variables: Variables = variables(&[("DATA_DIR", directory.to_str().unwrap())]);
        variables.remove("AMNESIA");
        Fleet(Host::new(variables).mount(make).start(Vec::new()).await.unwrap())
    }

    async fn send(&self, service: &str, method: Method, path: &str, body: &Value) -> Answer {
        let handler = self.0.handler(service).unwrap();
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        ask(&handler, method, path, &[], body).await
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.send("core", Method::POST, path, &body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        answer.body
    }

    async fn job(&self, body: Value) -> String {
        self.post("/v1/sys/job", body).await["id"].as_str().unwrap().to_owned()
    }

    async fn why(&self, id: &str) -> Value {
        self.why_of("core", id).await
    }

    async fn why_of(&self, service: &str, id: &str) -> Value {
        let path = format!("/v1/sys/why/{id}");
        let answer = self.send(service, Method::GET, &path, &Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body
    }

    fn kernel(&self, service: &str) -> std::sync::Arc<Kernel> {
        self.0.kernel(service).unwrap()
    }

    /// Asks again at every commit until a story is as it should be.
    async fn until(&self, service: &str, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut heads = self.kernel(service).store.heads();
        let told = async {
            loop {
                heads.borrow_and_update();
                let path = format!("/v1/sys/why/{id}");
                let story = self.send(service, Method::GET, &path, &Value::Null).await.body;
                if wanted(&story) {
                    return story;
                }
                heads.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), told)
            .await
            .expect("it comes")
    }

    async fn stop(self) {
        self.0.stop(DrainBudget::none(), "test").await;
    }
}

fn codes(story: &Value) -> Vec<&str> {
    let facts = story["facts"].as_array().unwrap();
    facts.iter().map(|fact| fact["code"].as_str().unwrap()).collect()
}

fn waits(story: &Value) -> Vec<&str> {
    let waits = story["waits"].as_array().unwrap();
    waits.iter().map(|wait| wait["code"].as_str().unwrap()).collect()
}

fn linked(story: &Value, relation: &str) -> Option<String> {
    let links = story["links"].as_array().unwrap();
    let found = links.iter().find(|link| link["relation"] == relation)?;
    Some(found["id"].as_str().unwrap().to_owned())
}

fn says(story: &Value, words: &str) {
    assert!(story.to_string().contains(words), "{words:?} is not in {story:#}");
}

#[tokio::test]
async fn a_job_that_failed_says_which_failure_it_was_and_when_it_is_tried_again() {
    let fleet = Fleet::start().await;
    let id = fleet.job(json!({ "name": "lame", "uniqueKey": "one" })).await;
    let story = fleet.until("core", &id, |story| waits(story) == ["backoff"]).await;
    assert_eq!(
        (story["kind"].as_str(), codes(&story)),
        (Some("job"), vec!["created", "failed"])
    );
    says(&story, "failure 1 of 3");
    says(&story, "the printer is out of paper");
    says(&story, "unique key \\\"one\\\"");
    assert!(story["waits"][0]["until"].is_string());
    assert_eq!(story["facts"][1]["level"], "error");
    fleet.post(&format!("/v1/sys/job/{id}/cancel"), json!({})).await;
    let story = fleet.why(&id).await;
    assert_eq!(codes(&story).last(), Some(&"cancelled"));
    assert!(waits(&story).is_empty());
    fleet.stop().await;
}

#[tokio::test]
async fn a_job_that_does_not_run_says_what_holds_it() {
    let fleet = Fleet::start().await;
    let later = fleet
        .job(json!({ "name": "upper", "params": { "text": "a" }, "delay": 3_600_000 }))
        .await;
    assert_eq!(waits(&fleet.why(&later).await), ["time"]);

    fleet
        .post(
            "/v1/sys/jobs/upper/pause",
            json!({ "reason": "too many letters", "by": "Ann" }),
        )
        .await;
    let held = fleet.job(json!({ "name": "upper", "params": { "text": "b" } })).await;
    let story = fleet.why(&held).await;
    assert_eq!(waits(&story), ["paused"]);
    says(&story, "by Ann (too many letters) since");
    fleet.post("/v1/sys/jobs/upper/resume", json!({})).await;
    let story = fleet.until("core", &held, |story| waits(story).is_empty()).await;
    assert_eq!(codes(&story), ["created", "completed"]);
    says(&story, "upper is done");

    let running = fleet.job(json!({ "name": "narrow" })).await;
    let story = fleet.until("core", &running, |story| waits(story) == ["attempt"]).await;
    says(&story, "attempt 1 began in the process that was asked");
    let second = fleet.job(json!({ "name": "narrow" })).await;
    let story = fleet.why(&second).await;
    assert_eq!(waits(&story), ["slot"]);
    says(&story, "All 1 slots");

    let keyed = json!({ "name": "lone", "concurrencyKey": "account/7", "concurrencyLimit": 1 });
    let first = fleet.job(keyed.clone()).await;
    fleet.until("core", &first, |story| waits(story) == ["attempt"]).await;
    let behind = fleet.job(keyed).await;
    let story = fleet.until("core", &behind, |story| waits(story) == ["key"]).await;
    says(&story, "concurrency key \\\"account/7\\\"");
    fleet.stop().await;
}

/// Leaves a job on a file as a process does that is killed while it runs it.
async fn die_while_running(directory: &Path, name: &str) {
    let registry = Registry::builtin();
    let clock = Clock::system();
    let at = clock.now();
    let options = Options {
        path: Some(directory.join(registry.get("core").unwrap().file_name())),
        clock,
        owner: "dead".to_owned(),
        name: "core".to_owned(),
    };
    let store = Embedded::open(options).unwrap();
    let job = Enqueue {
        id: "orphan".to_owned(),
        name: name.to_owned(),
        params: Some(json!({ "text": "x" }).into()),
        priority: 0,
        run_at: None,
        max_attempts: 3,
        backoff: Backoff::default(),
        timeout: None,
        max_elapsed: None,
        start_within: None,
        heartbeat: None,
        unique_key: None,
        unique_mode: UniqueMode::Ignore,
        throttle_key: None,
        concurrency: None,
        schedule_id: None,
        trace: None,
    };
    let claim = Claim {
        owner: "dead".to_owned(),
        wants: vec![Want {
            name: name.to_owned(),
            slots: 1,
            rate: None,
        }],
        limit: 1,
        early: false,
    };
    store.commit(Batch::new(at).with(job).with(claim)).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_job_that_was_interrupted_says_so_and_one_without_a_handler_as_well() {
    let directory = tempfile::tempdir().unwrap();
    die_while_running(directory.path(), "upper").await;
    let fleet = Fleet::on(directory.path(), || Service::new("core", "1")).await;
    let story = fleet.why("orphan").await;
    assert_eq!(
        (codes(&story), waits(&story)),
        (vec!["created", "interrupted"], vec!["handler"])
    );
    says(&story, "no handler of that name \\\"upper\\\"");
    fleet.stop().await;
    let fleet = Fleet::on(directory.path(), core).await;
    let story = fleet.until("core", "orphan", |story| waits(story).is_empty()).await;
    assert_eq!(codes(&story), ["created", "interrupted", "completed"]);
    fleet.stop().await;
}

#[tokio::test]
async fn a_schedule_says_which_tick_made_no_job_and_why() {
    let fleet = Fleet::start().await;
    let kernel = fleet.kernel("core");
    let (now, minute) = (kernel.clock.now(), TimeDelta::minutes(1));
    let schedule = NewSchedule {
        id: "nightly".to_owned(),
        name: "narrow".to_owned(),
        params: None,
        cron: "* * * * *".to_owned(),
        timezone: "UTC".to_owned(),
        catch_up: CatchUp::Last,
        overlap: Overlap::Skip,
        next_run: Some(now + minute),
        priority: 0,
        max_attempts: 1,
        backoff: Backoff::default(),
        timeout: None,
        max_elapsed: None,
        start_within: None,
        heartbeat: None,
    };
    let job = Enqueue {
        id: "first".to_owned(),
        name: "narrow".to_owned(),
        params: None,
        priority: 0,
        run_at: None,
        max_attempts: 1,
        backoff: Backoff::default(),
        timeout: None,
        max_elapsed: None,
        start_within: None,
        heartbeat: None,
        unique_key: None,
        unique_mode: UniqueMode::Ignore,
        throttle_key: None,
        concurrency: None,
        schedule_id: Some("nightly".to_owned()),
        trace: None,
    };
    let tick = Op::Tick {
        schedule: "nightly".to_owned(),
        from: now + minute,
        next: Some(now + minute * 2),
    };
    let outcomes = kernel
        .store
        .commit(Batch::new(now).with(schedule).with(job))
        .await
        .unwrap();
    assert!(matches!(outcomes[1], Outcome::Job(_)));
    kernel.store.commit(Batch::new(now).with(tick)).await.unwrap();
    let story = fleet.why("nightly").await;
    assert_eq!(
        (codes(&story), waits(&story)),
        (vec!["created", "ticked", "skipped"], vec!["tick"])
    );
    says(&story, "job first of an earlier tick still lived");
    assert_eq!(linked(&story, "made").as_deref(), Some("first"));
    assert_eq!(
        linked(&fleet.why("first").await, "schedule").as_deref(),
        Some("nightly")
    );
    fleet.stop().await;
}

#[tokio::test]
async fn a_run_says_what_it_waits_for_and_names_what_it_started() {
    let fleet = Fleet::start().await;
    fleet
        .post(
            "/v1/sys/workflow",
            json!({ "name": "ask", "id": "w", "input": { "text": "hi" } }),
        )
        .await;
    let story = fleet.until("core", "w", |story| waits(story) == ["signal"]).await;
    assert_eq!(story["kind"], "workflow");
    assert!(story["waits"][0]["until"].is_string(), "{story}");
    says(&story, "step \\\"job upper\\\" was done");
    let child = linked(&story, "child").unwrap();
    let story = fleet.why(&child).await;
    assert_eq!(
        (story["kind"].as_str(), linked(&story, "parent").as_deref()),
        (Some("job"), Some("w"))
    );
    fleet.post("/v1/sys/workflow/w/signal/go", json!("now")).await;
    let story = fleet.until("core", "w", |story| waits(story).is_empty()).await;
    assert_eq!(codes(&story).last(), Some(&"completed"));
    fleet.stop().await;
}

#[tokio::test]
async fn an_event_says_who_has_taken_it_and_who_gave_it_up() {
    let fleet = Fleet::start().await;
    let emit = async |text: &str| {
        let emitted = fleet
            .post("/v1/sys/event", json!({ "event": "said", "data": { "text": text } }))
            .await;
        emitted["id"].as_str().unwrap().to_owned()
    };
    let alone = emit("anyone?").await;
    let story = fleet.why(&alone).await;
    assert_eq!(
        (story["kind"].as_str(), codes(&story)),
        (Some("event"), vec!["emitted"])
    );
    says(&story, "no service subscribes to it and no group reads it");

    fleet
        .post(
            "/v1/sys/events/groups/mail/fetch",
            json!({ "event": "said", "from": "end" }),
        )
        .await;
    let id = emit("hello").await;
    let story = fleet.why(&id).await;
    assert_eq!(
        (waits(&story), linked(&story, "group").as_deref()),
        (vec!["consumer"], Some("mail"))
    );
    says(&story, "no consumer has fetched it yet");
    let fetched = fleet.post("/v1/sys/events/groups/mail/fetch", json!({})).await;
    says(&fleet.why(&id).await, "given it out 1 of 5 times");
    let lease = json!({ "lease": fetched["lease"] });
    fleet.post("/v1/sys/events/groups/mail/ack", lease).await;
    let story = fleet.why(&id).await;
    assert!(waits(&story).is_empty());
    says(&story, "taken by everyone who is to have it: 1 of 1");
    fleet.stop().await;
}

#[tokio::test]
async fn an_event_that_fails_elsewhere_is_told_there_by_its_id_and_its_letters() {
    let running = Host::new(variables(&[]))
        .mount(core)
        .mount(api)
        .start(Vec::new())
        .await
        .unwrap();
    let fleet = Fleet(running);
    let mut heads = fleet.kernel("core").store.heads();
    while fleet
        .kernel("core")
        .subscriptions
        .list()
        .await
        .unwrap()
        .outgoing
        .is_empty()
    {
        heads.changed().await.unwrap();
    }
    let emitted = fleet
        .post("/v1/sys/event", json!({ "event": "said", "data": { "text": "AH" } }))
        .await;
    let id = emitted["id"].as_str().unwrap();
    let story = fleet.until("api", id, |story| story["kind"] == "delivery").await;
    assert_eq!(codes(&story), ["emitted", "dead"]);
    says(&story, "core/said gave up on it after 1 tries");
    says(&story, "too loud");
    let letter = linked(&story, "deadLetter").unwrap();
    let of_letter = fleet.why_of("api", &letter).await;
    assert_eq!(linked(&of_letter, "event").as_deref(), Some(id));
    fleet.stop().await;
}

#[tokio::test]
async fn an_id_that_nothing_has_is_said_to_be_unknown() {
    let fleet = Fleet::start().await;
    let answer = fleet.send("core", Method::GET, "/v1/sys/why/nope", &Value::Null).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["error"]["code"]),
        (404, &json!("ID_NOT_FOUND"))
    );
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let handler = fleet.0.handler("core").unwrap();
    let job = json!({ "name": "upper", "params": { "text": "t" } }).to_string();
    let made = ask(
        &handler,
        Method::POST,
        "/v1/sys/job",
        &[("traceparent", traceparent)],
        job,
    )
    .await;
    let id = made.body["id"].as_str().unwrap().to_owned();
    let story = fleet.until("core", &id, |story| waits(story).is_empty()).await;
    assert_eq!(
        story["trace"],
        json!({ "traceId": "0af7651916cd43dd8448eb211c80319c", "held": true })
    );
    let kernel = fleet.kernel("core");
    assert_eq!(
        kernel.jobs.get(&id).await.unwrap().unwrap().status,
        JobStatus::Completed
    );
    drop(kernel);
    fleet.stop().await;
}
