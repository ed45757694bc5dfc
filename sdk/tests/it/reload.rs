//! Configuration that is read again while the service runs: what holds, what waits, and what is refused whole.

use std::path::PathBuf;

use http::Method;
use serde_json::{Value, json};
use syscall_sdk::config::{Secret, Variables};
use syscall_sdk::context::{BusEvent, Context};
use syscall_sdk::host::{DrainBudget, Host, Running, Sources};
use syscall_sdk::name::TopicFilter;
use syscall_sdk::service::Service;

use crate::support::ask;

/// A host of two services, the file that it is configured by, and one that holds a secret.
struct World {
    running: Running,
    directory: tempfile::TempDir,
}

impl World {
    async fn start(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("config.env"), config).unwrap();
        std::fs::write(directory.path().join("key"), "the first key\n").unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let sources = Sources::of(Variables::from(
            [
                ("AMNESIA", "true".to_owned()),
                ("CONFIG_FILE", path("config.env")),
                ("STRIPE_KEY_FILE", path("key")),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        ));
        let (variables, problems) = sources.read();
        assert!(problems.is_empty(), "{problems}");
        let host = Host::new(variables).reload_from(sources);
        let host = host
            .mount(|| Service::new("core", "1"))
            .mount(|| Service::new("api", "1"));
        let running = host.start(Vec::new()).await.unwrap();
        World { running, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        // As everyone should: whole or not at all.
        std::fs::write(self.path("draft"), text).unwrap();
        std::fs::rename(self.path("draft"), self.path(name)).unwrap();
    }

    fn context(&self, key: &str) -> Context {
        Context::new(self.running.kernel(key).unwrap())
    }

    fn secret(&self, key: &str) -> Option<Secret> {
        self.context(key).secret("STRIPE_KEY")
    }

    /// Whether scripts of an origin may call.
    async fn lets_in(&self, origin: &str) -> bool {
        let headers = [("origin", origin), ("access-control-request-method", "GET")];
        let handler = self.running.handler("api").unwrap();
        let answer = ask(&handler, Method::OPTIONS, "/v1/sys/health", &headers, "").await;
        answer
            .headers
            .get("access-control-allow-origin")
            .is_some_and(|allowed| allowed == origin)
    }

    /// The data of the events of a name, oldest first.
    async fn told(&self, key: &str, topic: &str) -> Vec<Value> {
        let filter = TopicFilter::parse(Some(topic)).unwrap();
        let mut events = self.context(key).events().recent(filter, None, 10).await.unwrap();
        events.reverse();
        events.into_iter().map(|event| event.data.unwrap().value()).collect()
    }

    /// How a service's reloads are on the record, oldest first.
    async fn outcomes(&self, key: &str) -> Vec<Value> {
        let told = self.told(key, "audit:recorded").await;
        told.into_iter().map(|told| told["outcome"].clone()).collect()
    }

    async fn stop(self) {
        self.running.stop(DrainBudget::none(), "test").await;
    }
}

#[tokio::test]
async fn what_may_change_holds_at_once_in_every_service_and_is_told() {
    let world = World::start("").await;
    assert!(!world.lets_in("https://a.example").await);
    let mut bus = world.context("api").bus().listen();
    world.write(
        "config.env",
        "ALLOWED_ORIGINS=https://a.example\nJOBS_MAX_BYTES=33554432\n",
    );
    world.write("key", "the second key");

    let reloaded = world.running.reload("a test").await.unwrap();
    assert_eq!(reloaded.applied, ["ALLOWED_ORIGINS", "JOBS_MAX_BYTES", "STRIPE_KEY"]);
    assert_eq!(reloaded.waiting, Vec::<String>::new());
    assert!(world.lets_in("https://a.example").await && !world.lets_in("https://b.example").await);
    for key in ["core", "api"] {
        assert_eq!(world.secret(key), Some(Secret::new("the second key")));
        assert_eq!(
            world.context(key).kernel().live.now().settings.kept_max.jobs,
            33_554_432
        );
        let told = world.told(key, "config:updated").await;
        assert_eq!(
            told,
            [json!({ "version": 1, "variables": ["ALLOWED_ORIGINS", "JOBS_MAX_BYTES", "STRIPE_KEY"] })]
        );
        assert_eq!(world.told(key, "audit:recorded").await[0]["action"], "config.reload");
    }
    assert_eq!(bus.next().await, Some(BusEvent::ConfigUpdated { version: 1 }));

    // What did not change is no news.
    assert_eq!(world.running.reload("a test").await.unwrap(), Default::default());
    assert_eq!(world.told("api", "config:updated").await.len(), 1);
    world.write("config.env", "");
    world.running.reload("a test").await.unwrap();
    assert!(!world.lets_in("https://a.example").await);
    world.stop().await;
}

#[tokio::test]
async fn one_fault_and_nothing_changes() {
    let world = World::start("ALLOWED_ORIGINS=https://a.example\n").await;
    world.write("key", "the second key");
    for (config, fault) in [
        ("ALLOWED_ORIGINS=https://b.example\nLOG_LEVEL=loud\n", "LOG_LEVEL"),
        ("ALLOWED_ORIGINS=b.example\n", "ALLOWED_ORIGINS"),
        ("ALLOWED_ORIGINS=https://b.example\nhunter2\n", "line 2"),
    ] {
        world.write("config.env", config);
        let refused = world.running.reload("a test").await.unwrap_err();
        assert_eq!(refused.code(), "CONFIG_INVALID");
        assert!(
            refused.message().contains(fault) && !refused.message().contains("hunter2"),
            "{refused}"
        );
        assert!(world.lets_in("https://a.example").await && !world.lets_in("https://b.example").await);
        assert_eq!(world.secret("core"), Some(Secret::new("the first key")));
    }
    assert_eq!(world.told("core", "config:updated").await, Vec::<Value>::new());
    assert_eq!(world.outcomes("core").await, ["failed", "failed", "failed"]);

    // Mended, all of it holds.
    world.write("config.env", "ALLOWED_ORIGINS=https://b.example\n");
    world.running.reload("a test").await.unwrap();
    assert!(world.lets_in("https://b.example").await);
    assert_eq!(world.secret("core"), Some(Secret::new("the second key")));
    world.stop().await;
}

#[tokio::test]
async fn a_secret_whose_file_is_gone_is_a_fault_and_the_old_one_holds() {
    let world = World::start("").await;
    std::fs::remove_file(world.path("key")).unwrap();
    let refused = world.running.reload("a test").await.unwrap_err();
    assert!(refused.message().contains("STRIPE_KEY was read from"), "{refused}");
    assert_eq!(world.secret("api"), Some(Secret::new("the first key")));
    world.stop().await;
}

#[tokio::test]
async fn what_is_read_at_the_start_alone_is_named_and_waits() {
    let world = World::start("RPC_FALLBACK=none\n").await;
    world.write(
        "config.env",
        "RPC_FALLBACK=railway\nLOG_LEVEL=warn\nOPERATOR_URL=https://o.example\n",
    );
    let reloaded = world.running.reload("a test").await.unwrap();
    assert_eq!(
        (reloaded.applied, reloaded.waiting),
        (
            vec!["LOG_LEVEL".to_owned()],
            vec!["OPERATOR_URL".to_owned(), "RPC_FALLBACK".to_owned()]
        )
    );
    assert_eq!(world.context("api").kernel().live.now().settings.fallback, []);
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_put_on_the_record_of_one_service_is_taken_back_in_all() {
    let world = World::start("").await;
    world.context("api").kernel().store.close().await;
    world.write("config.env", "ALLOWED_ORIGINS=https://a.example\n");
    assert!(world.running.reload("a test").await.is_err());
    assert!(!world.context("core").kernel().live.allows_origins());
    assert_eq!(world.outcomes("core").await, ["allowed", "failed"]);
    world.stop().await;
}

#[tokio::test]
async fn a_life_that_begins_later_is_told_what_holds_now() {
    let world = World::start("").await;
    world.write("key", "the second key");
    world.running.reload("a test").await.unwrap();
    let kernel = world.running.kernel("core").unwrap();
    let mut standing = world.running.standings().remove("core").unwrap();
    kernel.scope.spawn_critical("dies", async { Ok(()) });
    drop(kernel);
    let again =
        standing.wait_for(|standing| standing.restarts == 1 && standing.status == syscall_sdk::host::Status::Running);
    tokio::time::timeout(std::time::Duration::from_secs(20), again)
        .await
        .expect("it lives again")
        .unwrap();
    assert_eq!(world.secret("core"), Some(Secret::new("the second key")));
    world.stop().await;
}

#[tokio::test]
async fn a_file_that_changes_is_read_by_itself() {
    let world = World::start("").await;
    let mut changes = world.context("core").kernel().live.subscribe();
    world.write("key", "another key of another length");
    tokio::time::timeout(std::time::Duration::from_secs(30), changes.changed())
        .await
        .expect("it is read")
        .unwrap();
    assert_eq!(world.secret("core"), Some(Secret::new("another key of another length")));
    world.stop().await;
}
