//! A service whose secrets are known, asked everything: none of them is in any answer, line, span or panic.

use http::Method;
use serde_json::{Value, json};
use syscall_sdk::config::{Secret, Variables};
use syscall_sdk::context::Context;
use syscall_sdk::contract::Method as Rpc;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::service::Service;

use crate::support::{Answer, ask};

const SECRETS: [(&str, &str); 5] = [
    ("SYSCALL_TOKEN", "hush-1.hush-syscall.hush-token"),
    ("DATABASE_URL", "postgres://hush-2-user:hush-3-password@db.example/main"),
    ("STRIPE_KEY", "hush-4-stripe-key"),
    ("WEBHOOK_GITHUB_SECRETS", "hush-5-github-secret"),
    ("RAILWAY_TOKEN", "hush-6-railway-token"),
];
/// What the caller shows.
const CREDENTIAL: &str = "Bearer hush-7-credential";
const MARK: &str = "hush-";

const PANICS: Rpc<(), ()> = Rpc::new("core", "panics", "Panics with what it has.");
const FAILS: Rpc<(), ()> = Rpc::new("core", "fails", "Fails with what it has.");
const LOGS: Rpc<(), ()> = Rpc::new("core", "logs", "Logs what it has.");

/// All that a careless handler could print of what it has.
fn everything(context: &Context) -> String {
    let kernel = context.kernel();
    let secret: Option<Secret> = context.secret("STRIPE_KEY");
    format!(
        "{secret:?} {context:?} {kernel:?} {:?} {:?} {:?} {:?}",
        kernel.settings,
        kernel.live,
        kernel.live.now(),
        context.request(),
    )
}

fn service() -> Service {
    Service::new("core", "1")
        .method(PANICS, |context: Context, (): ()| async move {
            panic!("{}", everything(&context))
        })
        .method(FAILS, |context: Context, (): ()| async move {
            let cause = Error::internal(everything(&context));
            let result: Result<()> = Err(Error::internal(everything(&context)).with_source(cause));
            result
        })
        .method(LOGS, |context: Context, (): ()| async move {
            let secret = context.secret("STRIPE_KEY");
            tracing::error!(?secret, settings = ?context.kernel().settings, "{}", everything(&context));
            Ok(())
        })
}

async fn start() -> Running {
    let own = [("AMNESIA", "true"), ("LOG_LEVEL", "debug")];
    let variables: Variables = own
        .iter()
        .chain(&SECRETS)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Host::new(variables).mount(service).start(Vec::new()).await.unwrap()
}

async fn say(running: &Running, method: Method, path: &str, body: &str) -> Answer {
    let handler = running.handler("core").unwrap();
    let headers = [("authorization", CREDENTIAL), ("x-service-name", "blackroad-os-api")];
    ask(&handler, method, path, &headers, body.to_owned()).await
}

#[tokio::test]
async fn no_secret_is_in_any_answer_line_span_or_panic() {
    let running = start().await;
    let mut seen = Vec::new();
    for method in ["panics", "fails", "logs", "none"] {
        let body = json!({ "method": method }).to_string();
        let answer = say(&running, Method::POST, "/v1/sys/rpc", &body).await;
        seen.push((format!("rpc {method}"), answer));
    }
    let document = say(&running, Method::GET, "/v1/sys/openapi.json", "").await.body;
    // A stream has no end to wait for.
    let streams = |get: &Value| get["responses"]["200"]["content"]["text/event-stream"].is_object();
    let paths = document["paths"].as_object().unwrap().iter();
    for (path, _) in paths.filter(|(path, item)| !path.contains('{') && !streams(&item["get"])) {
        seen.push((path.clone(), say(&running, Method::GET, path, "").await));
        // Of another method, of no body, of one that does not fit.
        seen.push((path.clone(), say(&running, Method::POST, path, "{\"no\":").await));
    }
    seen.push((
        "lines".to_owned(),
        say(&running, Method::GET, "/v1/sys/logs?limit=1000", "").await,
    ));
    seen.push((
        "spans".to_owned(),
        say(&running, Method::GET, "/v1/sys/traces?limit=1000", "").await,
    ));
    let lines = seen.iter().find(|(what, _)| what == "lines").unwrap().1.body["logs"].clone();
    assert!(
        lines.as_array().is_some_and(|lines| lines.len() >= 3),
        "the handlers' lines are among them: {lines}"
    );
    for (what, answer) in &seen {
        let told = format!("{} {:?}", answer.text, answer.headers);
        assert!(!told.contains(MARK), "{what}: {told}");
    }
    let traces: Value = seen.last().unwrap().1.body["traces"].clone();
    for trace in traces.as_array().unwrap() {
        let path = format!("/v1/sys/trace/{}", trace["traceId"].as_str().unwrap());
        let answer = say(&running, Method::GET, &path, "").await;
        assert!(!answer.text.contains(MARK), "{}", answer.text);
    }
    running.stop(DrainBudget::none(), "test").await;
}

#[test]
fn what_keeps_a_service_from_starting_tells_no_secret() {
    let variables: Variables = SECRETS
        .iter()
        .chain(&[("PORT", "none"), ("LOG_LEVEL", "loud")])
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut broken = variables.clone();
    broken.insert(
        "DATABASE_URL".to_owned(),
        "mysql://hush-8-user:hush-9-password@db.example/main".to_owned(),
    );
    for variables in [variables, broken] {
        let printed = format!("{variables:?}");
        let host = Host::new(variables).mount(service);
        let refused = host.check().unwrap_err();
        assert!(refused.to_string().contains("LOG_LEVEL"));
        for told in [refused.to_string(), format!("{refused:?}"), printed] {
            assert!(!told.contains(MARK), "{told}");
        }
    }
}

#[test]
fn secrets_are_equal_where_their_texts_are() {
    let secret = Secret::new("hush");
    assert_eq!(secret, Secret::new("hush"));
    assert_ne!(secret, Secret::new("hus"));
    assert_ne!(secret, Secret::new("husj"));
    assert_eq!(serde_json::from_str::<Secret>("\"hush\"").unwrap(), secret);
    assert_eq!(format!("{secret:?}"), "[secret]");
}
