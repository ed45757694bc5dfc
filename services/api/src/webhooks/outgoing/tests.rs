//! Webhooks to an endpoint of the tests' own, over a real socket.

use std::time::Duration;

use blackroad_os_contracts::api::{
    CREATE_WEBHOOK, CreateWebhook, DELIVER_WEBHOOK, ENABLE_WEBHOOK, LIST_DEAD_WEBHOOKS, LIST_WEBHOOKS, OneWebhook,
    REDELIVER_WEBHOOK, ROTATE_WEBHOOK, RedeliverWebhook, WebhookWithSecret,
};
use blackroad_os_contracts::core::{DeletedUser, USER_DELETED};
use http::HeaderMap;
use reqwest::dns::Resolve as _;
use serde_json::json;
use syscall_sdk::config::{Environment, Variables};
use syscall_sdk::context::Context;
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::name::TopicFilter;
use syscall_sdk::policy::Reach;
use syscall_sdk::rpc::CheckedNames;
use syscall_sdk::service::Service;
use syscall_sdk::store::{Batch, Job, JobQuery, Op};
use syscall_sdk::wire::{JobStatus, Timestamp};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::dial::check;
use super::shelf::{Shelf, key};
use crate::webhooks::signature;

const SOON: Duration = Duration::from_secs(20);

/// An endpoint that answers as it is told, one request after the other.
struct Endpoint(TcpListener);

struct Got {
    headers: HeaderMap,
    body: String,
}

impl Endpoint {
    async fn open() -> Self {
        Endpoint(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}/hooks?for=us", self.0.local_addr().unwrap())
    }

    /// Takes one request and answers it.
    async fn answer(&self, status: &str) -> Got {
        let (mut stream, _) = tokio::time::timeout(SOON, self.0.accept())
            .await
            .expect("it is called")
            .unwrap();
        let mut read = BufReader::new(&mut stream);
        let (mut headers, mut line) = (HeaderMap::new(), String::new());
        read.read_line(&mut line).await.unwrap();
        assert!(line.starts_with("POST /hooks?for=us "), "{line}");
        loop {
            line.clear();
            read.read_line(&mut line).await.unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                break;
            };
            headers.insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        read.read_exact(&mut body).await.unwrap();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        Got {
            headers,
            body: String::from_utf8(body).unwrap(),
        }
    }
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// How many of its signatures a secret made.
    fn signed_by(&self, secret: &str) -> usize {
        let key = signature::key(&signature::decoded(secret).unwrap());
        let parts = [
            self.header("webhook-id"),
            ".",
            self.header("webhook-timestamp"),
            ".",
            &self.body,
        ];
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        let expected = signature::versioned(&signature::sign(&key, &parts));
        self.header("webhook-signature")
            .split(' ')
            .filter(|claim| *claim == expected)
            .count()
    }
}

/// A gateway beside a core that emits what it is told.
async fn start() -> Running {
    let variables = Variables::from([("AMNESIA".to_owned(), "true".to_owned())]);
    let host = Host::new(variables)
        .mount(crate::service)
        .mount(|| Service::new("core", "1"));
    let running = host.start(Vec::new()).await.unwrap();
    let core = running.kernel("core").unwrap();
    let mut heads = core.store.heads();
    let registered = async {
        while core.subscriptions.list().await.unwrap().outgoing.is_empty() {
            heads.changed().await.unwrap();
        }
    };
    tokio::time::timeout(SOON, registered).await.expect("api is subscribed");
    running
}

async fn stop(running: Running) {
    running.stop(DrainBudget::none(), "test").await;
}

fn context(running: &Running, key: &str) -> Context {
    Context::new(running.kernel(key).unwrap())
}

async fn subscribe(api: &Context, endpoint: &Endpoint, events: &[&str]) -> WebhookWithSecret {
    let create = CreateWebhook {
        url: endpoint.url(),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        description: None,
    };
    api.call(&CREATE_WEBHOOK, create).await.unwrap()
}

async fn delete_user(running: &Running, id: &str) {
    let deleted = DeletedUser { id: id.to_owned() };
    context(running, "core").emit(&USER_DELETED, &deleted).await.unwrap();
}

/// Waits until the newest delivery fits.
async fn delivery(api: &Context, fits: impl Fn(&Job) -> bool) -> Job {
    let mut heads = api.kernel().store.heads();
    let found = async {
        loop {
            let query = JobQuery {
                status: None,
                name: Some(DELIVER_WEBHOOK.name.to_owned()),
                schedule_id: None,
                before: None,
                limit: 1,
            };
            let newest = api.jobs().list(query).await.unwrap().into_iter().next();
            if let Some(job) = newest.filter(|job| fits(job)) {
                return job;
            }
            heads.changed().await.unwrap();
        }
    };
    tokio::time::timeout(SOON, found)
        .await
        .expect("a delivery comes to that")
}

#[tokio::test]
async fn an_event_is_sent_signed_and_sent_again_as_it_was_until_it_is_taken() {
    let (running, endpoint) = (start().await, Endpoint::open().await);
    let api = context(&running, "api");
    let made = subscribe(&api, &endpoint, &["user:*"]).await;
    delete_user(&running, "7").await;

    let first = endpoint.answer("500 Oh No").await;
    let waits = delivery(&api, |job| job.failures == 1 && job.status == JobStatus::Queued).await;
    let wait = (waits.run_at - api.clock().now()).num_milliseconds();
    assert!(
        (3_000..=5_500).contains(&wait),
        "the first wait is five seconds: {wait} ms"
    );
    let wake = Batch::new(api.clock().now()).with(Op::Wake { job: waits.id });
    api.kernel().store.commit(wake).await.unwrap();
    let second = endpoint.answer("204 Thanks").await;

    assert_eq!(
        (first.header("webhook-id"), &first.body),
        (second.header("webhook-id"), &second.body)
    );
    assert_eq!((first.signed_by(&made.secret), second.signed_by(&made.secret)), (1, 1));
    let body: serde_json::Value = serde_json::from_str(&second.body).unwrap();
    assert_eq!(
        (&body["type"], &body["source"], &body["data"]),
        (
            &json!("user:deleted"),
            &json!("blackroad-os-core"),
            &json!({ "id": "7" })
        )
    );
    delivery(&api, |job| job.status == JobStatus::Completed).await;
    let known = api.call(&LIST_WEBHOOKS, Default::default()).await.unwrap();
    assert_eq!(known.subscriptions[0].failing_since, None);
    stop(running).await;
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    let (running, endpoint) = (start().await, Endpoint::open().await);
    let api = context(&running, "api");
    let old = subscribe(&api, &endpoint, &["user:deleted"]).await;
    let one = OneWebhook {
        id: old.subscription.id.clone(),
    };
    let new = api.call(&ROTATE_WEBHOOK, one).await.unwrap();
    assert_ne!(old.secret, new.secret);
    delete_user(&running, "7").await;
    let got = endpoint.answer("200 OK").await;
    assert_eq!((got.signed_by(&old.secret), got.signed_by(&new.secret)), (1, 1));
    stop(running).await;
}

#[tokio::test]
async fn an_endpoint_that_fails_for_days_is_given_up_and_what_was_not_delivered_can_be_again() {
    let (running, endpoint) = (start().await, Endpoint::open().await);
    let api = context(&running, "api");
    let made = subscribe(&api, &endpoint, &["user:*"]).await.subscription;
    let shelf = Shelf::of(&api).unwrap();
    let (mut kept, _) = shelf.find(&made.id).await.unwrap();
    kept.subscription.failing_since = Some(Timestamp(api.clock().now() - chrono::TimeDelta::days(6)));
    shelf.0.put(&key(&made.id), &kept).await.unwrap();

    delete_user(&running, "7").await;
    endpoint.answer("502 Bad Gateway").await;
    let waits = delivery(&api, |job| job.failures == 1).await;
    let given_up = api
        .call(&LIST_WEBHOOKS, Default::default())
        .await
        .unwrap()
        .subscriptions
        .remove(0);
    assert!(given_up.disabled_at.is_some());
    let told = |topic: &'static str| {
        let events = api.events().clone();
        async move {
            events
                .recent(TopicFilter::parse(Some(topic)).unwrap(), None, 10)
                .await
                .unwrap()
        }
    };
    assert_eq!(told("webhook-subscription:disabled").await.len(), 1);
    let recorded: Vec<_> = told("audit:recorded")
        .await
        .into_iter()
        .map(|event| event.data.unwrap().value()["action"].clone())
        .collect();
    assert_eq!(recorded, ["webhook.disable", "webhook.create"]);

    // What waits for it is given up with it, and nothing new is made for it.
    let wake = Batch::new(api.clock().now()).with(Op::Wake { job: waits.id.clone() });
    api.kernel().store.commit(wake).await.unwrap();
    delivery(&api, |job| job.status == JobStatus::Failed).await;
    let dead = api
        .call(&LIST_DEAD_WEBHOOKS, Default::default())
        .await
        .unwrap()
        .deliveries;
    assert_eq!((dead.len(), dead[0].delivery.as_str()), (1, waits.id.as_str()));

    api.call(&ENABLE_WEBHOOK, OneWebhook { id: made.id }).await.unwrap();
    let again = RedeliverWebhook { delivery: waits.id };
    let (got, _) = tokio::join!(endpoint.answer("200 OK"), api.call(&REDELIVER_WEBHOOK, again));
    assert_eq!(got.header("webhook-id"), dead[0].message);
    stop(running).await;
}

#[tokio::test]
async fn a_subscription_to_what_cannot_be_sent_or_to_where_it_cannot_go_is_refused() {
    let running = start().await;
    let api = context(&running, "api");
    let create = |url: &str, events: &[&str]| {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        api.call(
            &CREATE_WEBHOOK,
            CreateWebhook {
                url: url.to_owned(),
                events,
                description: None,
            },
        )
    };
    for (url, events, code) in [
        ("https://example.com/", &["order:paid"][..], "INVALID_EVENTS"),
        ("https://example.com/", &[][..], "INVALID_EVENTS"),
        ("ftp://example.com/", &["user:*"][..], "INVALID_URL"),
        (
            "https://169.254.169.254/latest/meta-data",
            &["user:*"][..],
            "INVALID_URL",
        ),
    ] {
        assert_eq!(create(url, events).await.unwrap_err().code(), code, "{url}");
    }
    assert!(create("https://example.com/", &["*"]).await.is_ok());
    stop(running).await;
}

#[test]
fn in_production_no_webhook_goes_to_an_address_that_is_not_public_however_it_is_written() {
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd12:3456::1]/",
        "https://10.1.2.3/",
        "https://100.64.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://localhost/",
        "https://hooks.localhost./",
        "https://core.railway.internal/",
        "https://METADATA.google.internal/computeMetadata/v1/",
        "https://printer.local/",
        "https://example.com:22/",
        "https://example.com:80/",
        "https://93.184.216.34:25/",
        "http://example.com/",
        "https://user:password@example.com/",
        "file:///etc/passwd",
        "no url",
    ] {
        assert!(check(url, Environment::Production).is_err(), "{url}");
    }
    assert!(check("https://example.com/hooks?a=b", Environment::Production).is_ok());
    assert!(check("https://example.com:8443/", Environment::Production).is_ok());
    assert!(check("https://internal.example.com/", Environment::Production).is_ok());
    assert!(check("http://127.0.0.1:8080/", Environment::Development).is_ok());
    assert!(check("http://localhost:8080/", Environment::Development).is_ok());
    assert!(check("http://10.1.2.3/", Environment::Development).is_err());
}

#[tokio::test]
async fn a_name_is_looked_at_when_it_is_dialled() {
    let resolve = |reach| CheckedNames(reach).resolve("localhost".parse().unwrap());
    assert!(resolve(Reach::PUBLIC).await.is_err());
    assert!(resolve(Reach::PUBLIC.or_loopback()).await.unwrap().next().is_some());
}
