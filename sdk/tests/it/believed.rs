//! What is believed of who subscribes and who delivers, where everybody is asked for a token.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use syscall_sdk::auth::{Grant, Holder, Rights, SigningKey, seconds, sign_first};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::Secret;
use syscall_sdk::context::{Context, EventContext};
use syscall_sdk::contract::Topic;
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::logs::LogQuery;
use syscall_sdk::name::TopicFilter;
use syscall_sdk::registry::Registry;
use syscall_sdk::service::Service;
use syscall_sdk::transport::Body;
use syscall_sdk::wire::LogLevel;

use crate::support::{Answer, Text, ask, variables};

const SAID: Topic<Text> = Topic::new("core", "said");
const HEARD: Topic<Text> = Topic::new("api", "heard");

/// Longest wait for what is to happen.
const SOON: Duration = Duration::from_secs(20);

fn core() -> Service {
    Service::new("core", "1")
}

/// It repeats what core says.
fn api() -> Service {
    Service::new("api", "1").on(SAID, |context: EventContext, said: Text| async move {
        context.batch().emit(&HEARD, &said).commit().await.map(drop)
    })
}

fn grant(subject: &str, audience: &str, rights: &[&str]) -> Grant {
    Grant {
        subject: subject.to_owned(),
        audience: vec![audience.to_owned()],
        rights: Rights::parse(rights).unwrap(),
        life: Duration::from_secs(600),
        holder: None,
    }
}

/// What api holds where it may do this at core.
fn holding(root: &SigningKey, rights: &[&str]) -> Secret {
    let key = SigningKey::generate().unwrap();
    let grant = Grant {
        holder: Some(key.public()),
        ..grant("service:api", "core", rights)
    };
    let token = sign_first(root, &grant, seconds(&Clock::system())).unwrap();
    Holder::new(token, key).unwrap().to_text()
}

/// Core and api, each behind its gate; api holds the registry's token of it unless another is given.
async fn start(root: &SigningKey, held: Option<Secret>) -> Running {
    let (registry, now) = (Registry::builtin(), seconds(&Clock::system()));
    let mint = |key: &str| registry.mint(key, root, now).unwrap().to_text();
    let tokens = BTreeMap::from([
        ("core".to_owned(), mint("core")),
        ("api".to_owned(), held.unwrap_or_else(|| mint("api"))),
    ]);
    let keys = root.public().text();
    Host::new(variables(&[("SYSCALL_AUTH", "required"), ("SYSCALL_ROOT_KEYS", &keys)]))
        .tokens(tokens)
        .mount(core)
        .mount(api)
        .start(Vec::new())
        .await
        .unwrap()
}

async fn send(running: &Running, service: &str, token: &str, path: &str, body: &Value) -> Answer {
    let handler = running.handler(service).unwrap();
    let bearer = format!("Bearer {token}");
    let (method, body) = match body {
        Value::Null => (Method::GET, Body::empty()),
        body => (Method::POST, Body::from(body.to_string())),
    };
    ask(&handler, method, path, &[("authorization", &bearer)], body).await
}

/// What api has repeated.
async fn heard(running: &Running) -> Vec<Value> {
    let events = running.kernel("api").unwrap().events.clone();
    let heard = events
        .recent(TopicFilter::parse(Some("heard")).unwrap(), None, 10)
        .await;
    let data = heard
        .unwrap()
        .into_iter()
        .map(|event| event.data.unwrap().value()["text"].clone());
    data.collect()
}

#[tokio::test]
async fn a_subscription_that_its_source_refuses_degrades_the_subscriber_which_says_why() {
    let root = SigningKey::generate().unwrap();
    // It may subscribe, and read nothing of what there is.
    let held = holding(&root, &["rpc core events.subscribe", "event read user:*"]);
    let running = start(&root, Some(held)).await;
    let kernel = running.kernel("api").unwrap();
    let errors = LogQuery {
        level: Some(LogLevel::Error),
        ..LogQuery::default()
    };
    let mut errors = kernel.logs.follow(errors, usize::MAX);
    let line = tokio::time::timeout(SOON, errors.next())
        .await
        .expect("it is logged")
        .unwrap();
    assert!(line[0].message.contains("refuses"), "{line:?}");
    kernel.health.run_checks().await;

    let any = sign_first(
        &root,
        &self::grant("owner", "api", &["admin"]),
        seconds(&Clock::system()),
    )
    .unwrap();
    let health = send(&running, "api", &any, "/v1/sys/health", &Value::Null).await.body;
    let check = &health["checks"]["subscriptions"];
    assert_eq!(
        (&health["status"], &check["status"]),
        (&json!("degraded"), &json!("degraded"))
    );
    let why = check["message"].as_str().unwrap();
    assert!(why.contains("core") && why.contains("`event read said`"), "{why}");
    let told = send(&running, "api", &any, "/v1/sys/events/subscriptions", &Value::Null)
        .await
        .body;
    let refused = told["incoming"][0]["refused"].as_str().unwrap();
    assert!(refused.contains("`event read said`"), "{refused}");
    drop(kernel);
    running.stop(DrainBudget::none(), "test").await;
}

/// What a thief changes of a delivery.
type Forged<'a> = &'a dyn Fn(&mut Value);

#[tokio::test]
async fn a_service_delivers_its_own_events_alone_and_those_that_were_asked_for() {
    let root = SigningKey::generate().unwrap();
    let running = start(&root, None).await;
    let stolen = grant("service:core", "api", &["rpc api events.deliver"]);
    let stolen = sign_first(&root, &stolen, seconds(&Clock::system())).unwrap();
    let deliver = async |change: &dyn Fn(&mut Value)| {
        let mut params = json!({
            "source": "core", "id": "said", "log": "x", "head": 9, "after": 1,
            "events": [{ "sequence": 2, "cut": false, "event": {
                "id": "e2", "event": "said", "timestamp": "2025-01-01T00:00:00.000Z", "source": "blackroad-os-core",
                "data": { "text": "forged" },
            }}],
        });
        change(&mut params);
        let call = json!({ "method": "events.deliver", "params": params });
        send(&running, "api", &stolen, "/v1/sys/rpc", &call).await
    };
    let again = json!({ "sequence": 2, "cut": false, "event": {
        "id": "e3", "event": "said", "timestamp": "2025-01-01T00:00:00.000Z", "source": "blackroad-os-core",
    }});
    let changes: [(&str, StatusCode, Forged<'_>); 6] = [
        ("of another service", StatusCode::FORBIDDEN, &|params| {
            params["events"][0]["event"]["source"] = "blackroad-os-web".into();
        }),
        ("in another's place", StatusCode::FORBIDDEN, &|params| {
            params["source"] = "web".into()
        }),
        ("not asked for", StatusCode::BAD_REQUEST, &|params| {
            params["events"][0]["event"]["event"] = "audit:recorded".into();
        }),
        ("beyond the head", StatusCode::BAD_REQUEST, &|params| {
            params["events"][0]["sequence"] = 900_000_000_000_u64.into();
        }),
        ("before its place", StatusCode::BAD_REQUEST, &|params| {
            params["after"] = 2.into()
        }),
        ("out of order", StatusCode::BAD_REQUEST, &|params| {
            params["events"].as_array_mut().unwrap().push(again.clone());
        }),
    ];
    for (what, status, change) in changes {
        let answer = deliver(change).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
    }
    assert_eq!(heard(&running).await, Vec::<Value>::new());
    // As it is, it is core's own word.
    assert_eq!(deliver(&|_| {}).await.body["result"]["taken"], 2);
    assert_eq!(heard(&running).await, [json!("forged")]);
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn a_place_beyond_the_end_of_the_log_holds_up_nothing() {
    let root = SigningKey::generate().unwrap();
    let held = holding(&root, &["rpc core events.subscribe", "event read said"]);
    let running = start(&root, Some(held)).await;
    let core = Context::new(running.kernel("core").unwrap());
    let mut heads = core.kernel().store.heads();
    let subscribed = async {
        while core.kernel().subscriptions.list().await.unwrap().outgoing.is_empty() {
            heads.changed().await.unwrap();
        }
    };
    tokio::time::timeout(SOON, subscribed).await.expect("api subscribes");
    let token = grant("service:api", "core", &["rpc core events.subscribe", "event read said"]);
    let token = sign_first(&root, &token, seconds(&Clock::system())).unwrap();
    let subscribe = |taken: Value| {
        let wanted = json!({ "id": "said", "event": "said", "taken": taken, "fromStart": false });
        let params = json!({ "subscriber": "api", "subscriptions": [wanted] });
        let call = json!({ "method": "events.subscribe", "params": params });
        let (running, token) = (&running, &token);
        async move { send(running, "core", token, "/v1/sys/rpc", &call).await.body["result"]["log"].clone() }
    };
    let log = subscribe(Value::Null).await;
    subscribe(json!({ "log": log, "sequence": 900_000_000_000_u64 })).await;
    let mut heads = running.kernel("api").unwrap().store.heads();
    core.emit(
        &SAID,
        &Text {
            text: "hello".to_owned(),
        },
    )
    .await
    .unwrap();
    let repeated = async {
        while heard(&running).await.is_empty() {
            heads.changed().await.unwrap();
        }
    };
    tokio::time::timeout(SOON, repeated).await.expect("it is delivered");
    drop(core);
    running.stop(DrainBudget::none(), "test").await;
}
