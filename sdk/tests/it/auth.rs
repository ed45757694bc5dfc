//! Who is let in, at the boundary: tokens against a running service.

mod asked;
mod void;

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use syscall_sdk::auth::{
    Access, EVERY_SERVICE, Grant, Of, Rights, SigningKey, Word, seconds, sign_first, sign_revocation,
};
use syscall_sdk::clock::Clock;
use syscall_sdk::config::Variables;
use syscall_sdk::contract::audit::RECORDED;
use syscall_sdk::host::{DrainBudget, Host, Running, StartError};
use syscall_sdk::name::TopicFilter;
use syscall_sdk::registry::Registry;
use syscall_sdk::service::{Route, Routes, Service};
use syscall_sdk::wire::{AuditRecord, Revoked};

use crate::support::{Answer, Fixture, ask, variables};

/// A service behind its gate, and the root whose tokens it takes.
struct Guarded {
    fixture: Fixture,
    root: SigningKey,
}

fn guarded(root: &SigningKey) -> [(&'static str, String); 2] {
    [
        ("SYSCALL_AUTH", "required".to_owned()),
        ("SYSCALL_ROOT_KEYS", root.public().text()),
    ]
}

fn token(root: &SigningKey, subject: &str, rights: &[&str]) -> String {
    let grant = Grant {
        subject: subject.to_owned(),
        audience: vec![EVERY_SERVICE.to_owned()],
        rights: Rights::parse(rights).unwrap(),
        life: Duration::from_secs(600),
        holder: None,
    };
    sign_first(root, &grant, seconds(&Clock::system())).unwrap()
}

impl Guarded {
    async fn start() -> Self {
        let root = SigningKey::generate().unwrap();
        let own = guarded(&root);
        let own: Vec<(&str, &str)> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Guarded {
            fixture: Fixture::start_with(&own).await,
            root,
        }
    }

    async fn ask(&self, right: &str, verb: Method, path: &str, body: &Value) -> Answer {
        let token = format!("Bearer {}", token(&self.root, "program", &[right]));
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.fixture.send(verb, path, &[("authorization", &token)], body).await
    }
}

#[tokio::test]
async fn each_syscall_asks_for_the_very_thing_that_it_is_about() {
    let core = Guarded::start().await;
    for (right, verb, path, body, other_path, other_body) in asked::cases() {
        if path.contains("/watch") || path.contains("/events?") {
            // A stream lasts: that it begins is the answer.
            let token = format!("Bearer {}", token(&core.root, "program", &[right]));
            drop(core.fixture.stream(path, &[("authorization", &token)]).await);
        } else {
            let answer = core.ask(right, verb.clone(), path, &body).await;
            assert!(
                !refused(answer.status),
                "{right}: {verb} {path} answered {} {}",
                answer.status,
                answer.text
            );
        }
        let answer = core.ask(right, verb.clone(), other_path, &other_body).await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{right}: {verb} {other_path} {other_body}: {}",
            answer.text
        );
        assert_eq!(answer.body["error"]["code"], "FORBIDDEN");
        assert!(answer.body["error"]["details"]["right"].is_string(), "{}", answer.text);
    }
    core.fixture.stop().await;
}

fn refused(status: StatusCode) -> bool {
    status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN
}

#[tokio::test]
async fn a_job_is_known_by_the_name_that_its_id_stands_for() {
    let core = Guarded::start().await;
    let made = core
        .ask(
            "job create upper",
            Method::POST,
            "/v1/sys/job",
            &json!({ "name": "upper", "delay": 60_000 }),
        )
        .await;
    let path = format!("/v1/sys/job/{}", made.body["id"].as_str().unwrap());
    assert_eq!(
        core.ask("job read upper", Method::GET, &path, &Value::Null)
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        core.ask("job read flaky", Method::GET, &path, &Value::Null)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    let cancel = format!("{path}/cancel");
    assert_eq!(
        core.ask("job cancel flaky", Method::POST, &cancel, &Value::Null)
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        core.ask("job cancel up*", Method::POST, &cancel, &Value::Null)
            .await
            .status,
        StatusCode::OK
    );
    let nowhere = core
        .ask("job read upper", Method::GET, "/v1/sys/job/nope", &Value::Null)
        .await;
    assert_eq!(nowhere.body["error"]["code"], "JOB_NOT_FOUND");
    core.fixture.stop().await;
}

#[tokio::test]
async fn nobody_speaks_for_a_service_but_its_token() {
    let core = Guarded::start().await;
    let body = json!({ "method": "events.renew", "params": { "source": "operator" } }).to_string();
    for (subject, status) in [
        ("program", StatusCode::FORBIDDEN),
        ("service:web", StatusCode::FORBIDDEN),
        ("service:operator", StatusCode::OK),
    ] {
        let token = format!("Bearer {}", token(&core.root, subject, &["rpc core events.renew"]));
        let headers = [
            ("authorization", token.as_str()),
            ("x-service-name", "blackroad-os-operator"),
        ];
        let answer = core
            .fixture
            .send(Method::POST, "/v1/sys/rpc", &headers, body.clone())
            .await;
        assert_eq!(answer.status, status, "{subject}: {}", answer.text);
    }
    core.fixture.stop().await;
}

#[tokio::test]
async fn a_handler_that_forgets_to_ask_answers_nothing() {
    let service = || {
        let secret = |_: syscall_sdk::context::Context| async { "a secret" };
        Service::new("core", "1").routes(Routes::new().with(Route::get("/secret", Access::right("state read"), secret)))
    };
    let running = Host::new(variables(&[]))
        .mount(service)
        .start(Vec::new())
        .await
        .unwrap();
    let handler = running.handler("core").unwrap();
    let answer = ask(&handler, Method::GET, "/secret", &[], "").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.body["error"]["code"], "UNASKED");
    assert!(!answer.text.contains("secret"), "{}", answer.text);
    running.stop(DrainBudget::none(), "test").await;
}

async fn start(root: &SigningKey, data: &std::path::Path) -> Running {
    let mut variables: Variables = guarded(root).map(|(name, value)| (name.to_owned(), value)).into();
    variables.insert("DATA_DIR".to_owned(), data.display().to_string());
    let host = Host::new(variables).mount(|| Service::new("core", "1"));
    host.start(Vec::new()).await.unwrap()
}

#[tokio::test]
async fn what_was_revoked_stays_so_after_a_restart() {
    let (root, data) = (SigningKey::generate().unwrap(), tempfile::tempdir().unwrap());
    let shown = format!("Bearer {}", token(&root, "program", &["logs read"]));
    let bringer = format!(
        "Bearer {}",
        token(&root, "owner", &["revocation write", "revocation read"])
    );
    let read = async |running: &Running| {
        let handler = running.handler("core").unwrap();
        ask(&handler, Method::GET, "/v1/sys/logs", &[("authorization", &shown)], "").await
    };
    let running = start(&root, data.path()).await;
    assert_eq!(read(&running).await.status, StatusCode::OK);
    let statement = sign_revocation(&root, Revoked::Subject("program".to_owned()), seconds(&Clock::system())).unwrap();
    let body = json!({ "statements": [statement] }).to_string();
    let handler = running.handler("core").unwrap();
    let brought = async |body: String| {
        let headers = [("authorization", bringer.as_str())];
        ask(&handler, Method::POST, "/v1/sys/revocations", &headers, body).await
    };
    assert_eq!(brought(body.clone()).await.body, json!({ "taken": 1, "known": 1 }));
    assert_eq!(brought(body).await.body, json!({ "taken": 0, "known": 1 }));
    let events = running.kernel("core").unwrap().events.clone();
    let mut told = events.follow(TopicFilter::parse(Some(RECORDED)).unwrap(), 0, None);
    let told: Vec<AuditRecord> = told
        .next()
        .await
        .unwrap()
        .iter()
        .map(|event| event.data.as_ref().unwrap().to().unwrap())
        .collect();
    let said: Vec<_> = told
        .iter()
        .map(|record| [&record.action, &record.target, &record.actor])
        .collect();
    assert_eq!(
        said,
        [["token.revoke", "subject/program", "owner"]],
        "once, and by whom"
    );
    assert_eq!(read(&running).await.body["error"]["code"], "TOKEN_REVOKED");
    running.stop(DrainBudget::none(), "test").await;
    let running = start(&root, data.path()).await;
    assert_eq!(read(&running).await.body["error"]["code"], "TOKEN_REVOKED");
    running.stop(DrainBudget::none(), "test").await;
}

#[tokio::test]
async fn production_without_keys_does_not_start_and_says_what_makes_them() {
    let faults = |pairs: &[(&str, &str)]| {
        let host = Host::new(variables(pairs)).mount(|| Service::new("core", "1"));
        match host.check() {
            Ok(_) => String::new(),
            Err(StartError::Config(problems)) => problems.to_string(),
            Err(error) => panic!("{error}"),
        }
    };
    let said = faults(&[("ENVIRONMENT", "production")]);
    for sentence in [
        "SYSCALL_ROOT_KEYS is not set",
        "blackroad token keygen",
        "SYSCALL_TOKEN is not set",
        "blackroad token mint core",
    ] {
        assert!(said.contains(sentence), "{said}");
    }
    let root = SigningKey::generate().unwrap();
    let now = seconds(&Clock::system());
    let own = |service: &str| Registry::builtin().mint(service, &root, now).unwrap().to_text();
    let keys = root.public().text();
    let given = |token: &str| {
        faults(&[
            ("ENVIRONMENT", "production"),
            ("SYSCALL_ROOT_KEYS", &keys),
            ("SYSCALL_TOKEN", token),
        ])
    };
    assert_eq!(given(own("core").reveal()), "");
    assert!(given(own("api").reveal()).contains("SYSCALL_TOKEN is that of service:api"));
    let said = given("secret-nonsense");
    assert!(
        said.contains("SYSCALL_TOKEN: that is no token") && !said.contains("secret-nonsense"),
        "{said}"
    );
    assert_eq!(faults(&[("ENVIRONMENT", "production"), ("SYSCALL_AUTH", "open")]), "");
}

#[test]
fn the_page_of_rights_is_the_vocabulary() {
    let page = include_str!("../../../docs/reference/rights.md");
    let rows: BTreeMap<String, String> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(right, rest)| (right.to_owned(), rest.to_owned()))
        .collect();
    for word in Word::ALL {
        let right = match (word, word.of()) {
            (Word::Rpc, _) => "rpc SERVICE METHOD".to_owned(),
            (_, Of::Nothing) => word.to_string(),
            (_, Of::Key) => format!("{word} KEY"),
            (_, Of::Name(name)) => format!("{word} {}", name.to_uppercase()),
        };
        let wanted = format!("{} | {} |", word.allows(), word.needed_by());
        assert_eq!(rows.get(&right), Some(&wanted), "the row of {right}");
    }
}
