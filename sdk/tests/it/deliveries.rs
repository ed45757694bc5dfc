//! Events between services that a host runs: in one process, and in two that speak over sockets.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use syscall_sdk::config::Variables;
use syscall_sdk::context::{Context, EventContext};
use syscall_sdk::contract::Topic;
use syscall_sdk::error::Result;
use syscall_sdk::host::{Door, DrainBudget, Host, Running};
use syscall_sdk::service::Service;
use syscall_sdk::store::Condition;
use syscall_sdk::transport::Bind;

use crate::support::{Text, variables};

const SAID: Topic<Text> = Topic::new("core", "said");
const HEARD: Topic<Text> = Topic::new("api", "heard");

/// Notes each text once, tells of it, and commits both with the event's place.
async fn hear(context: EventContext, said: Text) -> Result<()> {
    let heard = context.namespace("heard")?;
    context
        .batch()
        .put(&heard, &said.text, &1, Condition::Absent)
        .emit(&HEARD, &said)
        .commit()
        .await?;
    Ok(())
}

fn core() -> Service {
    Service::new("core", "1")
}

fn api() -> Service {
    Service::new("api", "1").on(SAID, hear)
}

/// Waits until api has noted a text.
async fn noted(running: &Running, text: &str) {
    let context = Context::new(running.kernel("api").unwrap());
    let heard = context.namespace("heard").unwrap();
    let mut watch = heard.watch(syscall_sdk::name::Prefix::all(), 0);
    let found = async {
        while heard.entry(text).await.unwrap().is_none() {
            watch.next().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found)
        .await
        .expect("it is heard");
}

/// Waits until core knows of api's subscription.
async fn registered(running: &Running) {
    let kernel = running.kernel("core").unwrap();
    let mut heads = kernel.store.heads();
    let found = async {
        while kernel.subscriptions.list().await.unwrap().outgoing.is_empty() {
            heads.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found)
        .await
        .expect("it is registered");
}

async fn say(running: &Running, text: &str) {
    let context = Context::new(running.kernel("core").unwrap());
    let said = Text { text: text.to_owned() };
    context.emit(&SAID, &said).await.unwrap();
}

async fn stop(running: Running) {
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn a_service_hears_of_anothers_events_in_the_same_process() {
    let running = Host::new(variables(&[]))
        .mount(api)
        .mount(core)
        .start(Vec::new())
        .await
        .unwrap();
    registered(&running).await;
    say(&running, "hello").await;
    noted(&running, "hello").await;
    let kernel = running.kernel("api").unwrap();
    let heard = kernel
        .events
        .recent(syscall_sdk::name::TopicFilter::All, None, 10)
        .await
        .unwrap();
    assert_eq!(
        (heard.len(), heard[0].data.as_ref().unwrap().value()),
        (1, json!({ "text": "hello" }))
    );
    drop(kernel);
    stop(running).await;
}

/// A process of its own for one service: its store on disk, its door a socket.
async fn process(directory: &Path, make: fn() -> Service) -> Running {
    let key = make().key();
    let path = directory.to_str().unwrap();
    let mut variables: Variables = variables(&[("DATA_DIR", path), ("SYSCALL_SOCKETS", path)]);
    variables.remove("AMNESIA");
    let door = Door::of_service(key, vec![Bind::Unix(directory.join(format!("{key}.sock")))]);
    Host::new(variables).mount(make).start(vec![door]).await.unwrap()
}

#[tokio::test]
async fn a_subscription_goes_on_where_it_was_whichever_process_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let source = process(directory.path(), core).await;
    let subscriber = process(directory.path(), api).await;
    registered(&source).await;
    say(&source, "both-are-up").await;
    noted(&subscriber, "both-are-up").await;

    stop(subscriber).await;
    say(&source, "nobody-listens").await;
    stop(source).await;
    // The subscriber is back first, and its source has something for it at once.
    let subscriber = process(directory.path(), api).await;
    let source = process(directory.path(), core).await;
    noted(&subscriber, "nobody-listens").await;
    say(&source, "after").await;
    noted(&subscriber, "after").await;
    let kernel = subscriber.kernel("api").unwrap();
    let heard = kernel
        .events
        .recent(syscall_sdk::name::TopicFilter::All, None, 10)
        .await
        .unwrap();
    assert_eq!(heard.len(), 3, "each had its effect once");
    drop(kernel);
    stop(source).await;
    stop(subscriber).await;
}
