//! Who a service is, and what holds for every request.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Fixture;

#[tokio::test]
async fn the_six_core_gets_answer_in_the_shape_of_2_0() {
    let core = Fixture::start().await;
    assert_eq!(core.get("/health").await.text, r#"{"status":"healthy"}"#);
    assert_eq!(
        core.get("/version").await.body,
        json!({ "version": "1.2.3", "service": "blackroad-os-core" })
    );

    let identity = core.get("/v1/sys/identity").await.body;
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        keys(&identity),
        [
            "capabilities",
            "dns",
            "environment",
            "health",
            "role",
            "runtime",
            "service",
            "version"
        ]
    );
    assert_eq!(keys(&identity["dns"]), ["cloudflare", "internal", "railway"]);
    assert_eq!(identity["dns"]["cloudflare"], "");
    assert_eq!(
        keys(&identity["runtime"]),
        ["internalHost", "pid", "port", "railwayHost", "uptime"]
    );
    assert_eq!(keys(&identity["health"]), ["lastCheck", "status", "uptime"]);
    let last_check = identity["health"]["lastCheck"].as_str().unwrap();
    assert!(last_check.len() == 24 && last_check.ends_with('Z'), "{last_check}");

    let health = core.get("/v1/sys/health").await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(
        keys(&health.body),
        ["checks", "memory", "status", "timestamp", "uptime"]
    );
    assert_eq!(
        keys(&health.body["memory"]),
        ["external", "heapTotal", "heapUsed", "rss"]
    );
    assert_eq!(health.body["checks"]["database"]["status"], "ok");

    let version = core.get("/v1/sys/version").await.body;
    assert_eq!(version["nodeVersion"], version["runtime"]);
    assert!(
        version["nodeVersion"].as_str().unwrap().starts_with("rustc 1."),
        "{version}"
    );

    let config = core.get("/v1/sys/config").await.body;
    assert_eq!(config["service"]["name"], "blackroad-os-core");
    assert_eq!(
        config["features"],
        json!({ "rpc": true, "events": true, "jobs": true, "state": true })
    );
    core.stop().await;
}

#[tokio::test]
async fn a_host_that_names_another_service_is_misdirected() {
    let core = Fixture::start().await;
    let body = json!({ "method": "echo", "params": { "text": "a" } }).to_string();
    for (host, status) in [
        ("blackroad-os-api.railway.internal:8000", 421),
        ("blackroad-os-core.railway.internal:8000", 200),
        ("10.0.0.7:8000", 200),
        ("healthcheck.railway.app", 200),
    ] {
        let answer = core
            .send(Method::POST, "/v1/sys/rpc", &[("host", host)], body.clone())
            .await;
        assert_eq!(answer.status.as_u16(), status, "{host}");
    }
    core.stop().await;
}

#[tokio::test]
async fn a_request_bears_one_trace_and_one_id_from_end_to_end() {
    let core = Fixture::start().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let traceparent = format!("00-{trace}-b7ad6b7169203331-01");
    let body = json!({ "method": "echo", "params": { "text": "a" } }).to_string();
    let answer = core
        .send(
            Method::POST,
            "/v1/sys/rpc",
            &[("traceparent", &traceparent), ("x-request-id", "req-7")],
            body,
        )
        .await;
    assert_eq!(answer.headers["x-request-id"], "req-7");
    assert!(answer.headers["traceparent"].to_str().unwrap().contains(trace));
    let spans = core.get(&format!("/v1/sys/trace/{trace}")).await.body["spans"].clone();
    let names: Vec<_> = spans
        .as_array()
        .unwrap()
        .iter()
        .map(|span| span["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["POST /v1/sys/rpc", "echo"]);
    assert_eq!(spans[0]["parentId"], "b7ad6b7169203331");
    assert_eq!(spans[1]["parentId"], spans[0]["spanId"]);
    let evil = core
        .send(Method::GET, "/health", &[("x-request-id", "a b\tc")], "")
        .await;
    assert_eq!(evil.headers["x-request-id"].len(), 36);
    core.stop().await;
}

#[tokio::test]
async fn a_family_that_is_switched_off_is_not_there() {
    let core = Fixture::start_with(&[("ENABLE_JOBS", "false"), ("ENABLE_STATE", "false")]).await;
    assert_eq!(core.get("/v1/sys/jobs").await.status, StatusCode::NOT_FOUND);
    assert_eq!(core.get("/v1/sys/state").await.status, StatusCode::NOT_FOUND);
    let capabilities = core.get("/v1/sys/identity").await.body["capabilities"].clone();
    assert!(
        !capabilities.as_array().unwrap().contains(&json!("jobs")),
        "{capabilities}"
    );
    assert_eq!(core.get("/v1/sys/config").await.body["features"]["jobs"], false);
    core.stop().await;
}

#[tokio::test]
async fn what_is_required_is_refused_and_the_public_stays_public() {
    let core = Fixture::start_with(&[("SYSCALL_AUTH", "required")]).await;
    for public in [
        "/health",
        "/version",
        "/v1/sys/identity",
        "/v1/sys/health",
        "/v1/sys/version",
        "/v1/sys/config",
        "/healthz",
        "/readyz",
        "/v1/",
    ] {
        assert_eq!(core.get(public).await.status, StatusCode::OK, "{public}");
    }
    for closed in [
        "/metrics",
        "/v1/sys/state",
        "/v1/sys/logs",
        "/v1/sys/jobs",
        "/v1/sys/rpc",
        "/v1/sys/events/recent",
        "/v1/sys/traces",
    ] {
        let refused = core.get(closed).await;
        assert!(
            refused.status == StatusCode::UNAUTHORIZED,
            "{closed}: {}",
            refused.status
        );
    }
    core.stop().await;
}

#[tokio::test]
async fn the_openapi_document_names_every_route_with_its_access() {
    let core = Fixture::start().await;
    let document = core.get("/v1/sys/openapi.json").await.body;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["paths"]["/health"]["get"]["x-access"], "public");
    assert_eq!(
        document["paths"]["/v1/sys/state"]["put"]["x-access"],
        "right: state write"
    );
    let text = document.to_string();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name} is referred to and not there"
        );
    }
    core.stop().await;
}
