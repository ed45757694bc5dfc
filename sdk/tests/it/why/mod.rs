//! Why something ran, and why it did not, asked over the wire of services that run.

mod events;
mod flows;
mod ids;
mod jobs;
mod schedules;

use std::path::Path;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use syscall_sdk::config::Variables;
use syscall_sdk::context::{EventContext, FlowContext, JobContext, Kernel};
use syscall_sdk::contract::{Flow, Task, Topic};
use syscall_sdk::error::{Error, Result};
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::policy::Backoff;
use syscall_sdk::service::Service;

use crate::support::{Answer, Text, ask, variables};

const HOUR: Duration = Duration::from_secs(3_600);
const LAME: Task<(), ()> = Task::new("core", "lame")
    .attempts(3)
    .backoff(Backoff::doubling(HOUR, HOUR));
const NARROW: Task<(), ()> = Task::new("core", "narrow").concurrency(1);
const LONE: Task<(), ()> = Task::new("core", "lone");
const UPPER: Task<Text, Text> = Task::new("core", "upper");
const ASK: Flow<Text, Text> = Flow::new("core", "ask");
const HEAR: Flow<(), Option<Text>> = Flow::new("core", "hear");
const SAID: Topic<Text> = Topic::new("core", "said");

async fn ask_first(flow: FlowContext, input: Text) -> Result<Text> {
    let upper = flow.job(&UPPER, &input).await?;
    flow.signal::<String>("go", HOUR).await?;
    Ok(upper)
}

/// Waits for one thing that is said.
async fn hear_yes(flow: FlowContext, (): ()) -> Result<Option<Text>> {
    flow.wait_event(&SAID, json!({ "text": "yes" }), HOUR).await
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
        .flow(HEAR, hear_yes)
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
