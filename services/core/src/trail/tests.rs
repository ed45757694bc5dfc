//! The trail of a host in which core and another service run: put on the record here and there, read back over HTTP.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use syscall_sdk::audit::{Record, Verifier};
use syscall_sdk::config::Variables;
use syscall_sdk::context::Context;
use syscall_sdk::host::{DrainBudget, Host, Running};
use syscall_sdk::name::Prefix;
use syscall_sdk::service::Service;
use syscall_sdk::store::Condition;
use syscall_sdk::transport::Body;
use syscall_sdk::wire::{AuditEntry, AuditPage};

/// Longest wait for what is to happen.
const SOON: Duration = Duration::from_secs(20);

/// Core's trail alone: what core decides of its own at its start is not on it.
fn service() -> Service {
    super::keep(Service::new("core", "1").routes(super::routes()))
}

async fn start() -> Running {
    let variables = Variables::from([("AMNESIA".to_owned(), "true".to_owned())]);
    let host = Host::new(variables)
        .mount(service)
        .mount(|| Service::new("api", "1").own_events(&["webhook"]));
    host.start(Vec::new()).await.unwrap()
}

async fn stop(running: Running) {
    running.stop(DrainBudget::none(), "test").await;
}

fn context(running: &Running, key: &str) -> Context {
    Context::new(running.kernel(key).unwrap())
}

async fn ask(running: &Running, path: &str) -> (StatusCode, serde_json::Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = running.handler("core").unwrap().answer(request).await;
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

async fn page(running: &Running, query: &str) -> AuditPage {
    let (status, body) = ask(running, &format!("/v1/audit?{query}")).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_value(body).unwrap()
}

/// Waits until the chain has so many entries, and gives them, oldest first.
async fn chain(running: &Running, length: u64) -> Vec<AuditEntry> {
    let kernel = running.kernel("core").unwrap();
    let mut heads = kernel.store.heads();
    let found = async {
        loop {
            let page = page(running, "after=0&limit=1000").await;
            if page.head.sequence >= length {
                return page.entries;
            }
            heads.changed().await.unwrap();
        }
    };
    tokio::time::timeout(SOON, found).await.expect("it is in the chain")
}

fn faults(entries: &[AuditEntry]) -> Vec<String> {
    let mut verifier = Verifier::default();
    entries.iter().for_each(|entry| verifier.entry(entry).unwrap());
    verifier.finish().1.into_iter().map(|fault| fault.what).collect()
}

#[tokio::test]
async fn what_any_service_puts_on_the_record_is_in_one_chain() {
    let running = start().await;
    for (key, action) in [("api", "key.create"), ("core", "login"), ("api", "key.revoke")] {
        let record = Record::allowed(action, "key/abc").by("user/7").with("name", "deploys");
        context(&running, key).audit(record).await.unwrap();
    }
    let entries = chain(&running, 3).await;
    assert_eq!(faults(&entries), Vec::<String>::new());
    let mut told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.action.as_str(), entry.service.as_str()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("key.create", "blackroad-os-api"),
            ("key.revoke", "blackroad-os-api"),
            ("login", "blackroad-os-core")
        ]
    );
    assert!(
        entries
            .iter()
            .all(|entry| entry.actor == "user/7" && entry.details["name"] == "deploys")
    );
    assert!(
        entries.iter().all(|entry| entry.received >= Some(entry.at)),
        "core says when it took them: {entries:?}"
    );
    stop(running).await;
}

#[tokio::test]
async fn a_record_is_there_exactly_where_its_effect_is() {
    let running = start().await;
    let api = context(&running, "api");
    let rows = api.namespace("rows").unwrap();
    let write = |key: &'static str, condition| {
        let record = Record::allowed("row.write", key).by("user/7");
        api.batch().put(&rows, key, &1, condition).audit(record).commit()
    };
    write("a", Condition::Absent).await.unwrap();
    assert!(write("a", Condition::Absent).await.is_err());
    write("b", Condition::Absent).await.unwrap();
    let entries = chain(&running, 2).await;
    assert_eq!(
        entries.iter().map(|entry| entry.target.as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    stop(running).await;
}

#[tokio::test]
async fn the_trail_is_read_by_who_and_what_and_how_in_either_direction() {
    let running = start().await;
    let core = context(&running, "core");
    for number in 0..30 {
        let target = format!("key/{number}");
        let record = match number % 3 {
            0 => Record::denied("login", &target).by("user/8"),
            _ => Record::allowed("key.create", &target).by("user/7"),
        };
        core.audit(record).await.unwrap();
    }
    chain(&running, 30).await;
    let newest = page(&running, "limit=4").await;
    assert_eq!(
        newest.entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(),
        [30, 29, 28, 27]
    );
    assert_eq!(newest.cursor, Some(27));
    let denied = page(&running, "outcome=denied&before=27").await;
    assert_eq!(denied.entries.len(), 9);
    assert!(
        denied
            .entries
            .iter()
            .all(|entry| entry.actor == "user/8" && entry.sequence < 27)
    );
    assert_eq!(denied.cursor, None);
    let keys = page(&running, "after=10&action=key.*&actor=user/7&limit=2").await;
    assert_eq!(
        keys.entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(),
        [11, 12]
    );
    assert_eq!(keys.cursor, Some(12));
    assert_eq!(page(&running, "service=api").await.entries, []);
    assert_eq!(
        ask(&running, "/v1/audit?after=1&before=2").await.0,
        StatusCode::BAD_REQUEST
    );
    stop(running).await;
}

#[tokio::test]
async fn an_entry_that_is_taken_out_of_the_store_or_changed_in_it_shows() {
    let running = start().await;
    let core = context(&running, "core");
    for number in 0..6 {
        core.audit(Record::allowed("login", format!("user/{number}")))
            .await
            .unwrap();
    }
    chain(&running, 6).await;
    let trail = core.namespace(super::NAMESPACE).unwrap();
    let mut entry: AuditEntry = trail.get(&super::key(2)).await.unwrap().unwrap();
    entry.actor = "user/999".to_owned();
    trail.put(&super::key(2), &entry).await.unwrap();
    trail.delete(&super::key(4), Condition::Present).await.unwrap();
    trail.delete(&super::key(6), Condition::Present).await.unwrap();
    let page = page(&running, "after=0").await;
    let mut verifier = Verifier::default().pinned(page.head.clone());
    page.entries.iter().for_each(|entry| verifier.entry(entry).unwrap());
    let (_, found) = verifier.finish();
    assert!(
        found.iter().any(|fault| fault.what.starts_with("entry 2 was changed")),
        "{found:?}"
    );
    assert!(
        found.iter().any(|fault| fault.what.starts_with("entry 4 is not there")),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .any(|fault| fault.what.starts_with("the chain ends at entry 5")),
        "{found:?}"
    );
    stop(running).await;
}

#[tokio::test]
async fn nobody_writes_the_trail_over_the_wire() {
    let running = start().await;
    let forged = serde_json::json!({ "event": "audit:recorded", "data": { "action": "login" } });
    for (path, body) in [
        ("/v1/sys/event", forged.clone()),
        ("/v1/sys/commit", serde_json::json!({ "ops": [{ "emit": forged }] })),
    ] {
        let request = Request::post(path).body(Body::from(body.to_string())).unwrap();
        let response = running.handler("api").unwrap().answer(request).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
    }
    stop(running).await;
}

#[tokio::test]
async fn nobody_emits_over_the_wire_what_a_service_keeps_for_its_own_code() {
    let running = start().await;
    for (event, status) in [
        ("webhook:github:push", StatusCode::FORBIDDEN),
        ("config:updated", StatusCode::FORBIDDEN),
        ("order:placed", StatusCode::CREATED),
    ] {
        let body = serde_json::json!({ "event": event }).to_string();
        let request = Request::post("/v1/sys/event").body(Body::from(body)).unwrap();
        let response = running.handler("api").unwrap().answer(request).await;
        assert_eq!(response.status(), status, "{event}");
    }
    stop(running).await;
}

#[tokio::test]
async fn what_a_service_sends_is_kept_within_the_bounds_of_a_record() {
    let running = start().await;
    let forged = serde_json::json!({
        "action": "x".repeat(10_000), "actor": "user/7", "address": "nowhere", "count": u64::MAX, "outcome": "allowed", "target": "a\nb",
    });
    // As a service would that does without the SDK's own records.
    let api = running.kernel("api").unwrap();
    let data = syscall_sdk::wire::Json::from(forged);
    api.events.emit("audit:recorded", Some(data)).await.unwrap();
    let entry = &chain(&running, 1).await[0];
    assert_eq!(
        (entry.action.len(), entry.count, &entry.address),
        (300, 1_000_000, &None)
    );
    assert_eq!(entry.target, "a\u{fffd}b");
    stop(running).await;
}

#[tokio::test]
async fn where_the_chain_ends_is_told_when_it_has_grown() {
    let running = start().await;
    let core = context(&running, "core");
    core.audit(Record::allowed("login", "user/7")).await.unwrap();
    chain(&running, 1).await;
    for _ in 0..2 {
        let job = core
            .enqueue(&blackroad_os_contracts::audit::TELL_HEAD, &())
            .await
            .unwrap();
        tokio::time::timeout(SOON, core.jobs().ended(&job.id))
            .await
            .unwrap()
            .unwrap();
    }
    let head = page(&running, "").await.head;
    let filter = syscall_sdk::name::TopicFilter::parse(Some("audit:head")).unwrap();
    let told = core.events().recent(filter, None, 10).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0]
            .data
            .as_ref()
            .unwrap()
            .to::<syscall_sdk::wire::AuditHead>()
            .unwrap(),
        head
    );
    let trail = core.namespace(super::NAMESPACE).unwrap();
    assert_eq!(
        trail
            .list::<AuditEntry>(&Prefix::new(super::ENTRIES).unwrap())
            .await
            .unwrap()
            .len(),
        1
    );
    stop(running).await;
}

#[test]
fn every_service_of_the_fleet_is_heard() {
    let registry = syscall_sdk::registry::Registry::builtin();
    let mut heard = blackroad_os_contracts::audit::RECORDS.map(|topic| topic.service);
    let mut keys = registry.keys();
    heard.sort_unstable();
    keys.sort_unstable();
    assert_eq!(heard.as_slice(), keys.as_slice());
}
