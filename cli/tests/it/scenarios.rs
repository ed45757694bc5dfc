//! One list of scenarios, typed at the nine services in one process and in nine: nobody can tell them apart.

use anyhow::Result;
use serde_json::{Value, json};

use crate::binary::Fleet;
use crate::up::MODES;

/// What is typed, and what the answer must hold.
const SCENARIOS: [(&str, &[&str], i32, &str); 30] = [
    (
        "users",
        &[
            "call",
            "core",
            "createUser",
            r#"{"email":"Ada@b.example","name":"Ada"}"#,
        ],
        0,
        "Ada@b.example",
    ),
    (
        "users",
        &[
            "call",
            "core",
            "createUser",
            r#"{"email":"ada@B.example","name":"Ada"}"#,
        ],
        1,
        "EMAIL_TAKEN",
    ),
    ("users", &["call", "core", "createUser", r#"{"email":7}"#], 1, "400"),
    (
        "users",
        &["call", "core", "getUserByEmail", r#"{"email":"ADA@b.example"}"#],
        0,
        "Ada",
    ),
    (
        "users",
        &["call", "core", "getUserById", r#"{"id":"7"}"#],
        1,
        "USER_NOT_FOUND",
    ),
    ("users", &["call", "core", "listUsers"], 0, "Ada"),
    (
        "users",
        &["call", "core", "deleteUser", r#"{"id":"7"}"#],
        1,
        "USER_NOT_FOUND",
    ),
    ("methods", &["call", "core"], 0, "getUserById"),
    ("methods", &["call", "core", "nope"], 1, "METHOD_NOT_FOUND"),
    ("names", &["call", "blackroad-os-core", "listUsers"], 0, "Ada"),
    (
        "state",
        &["state", "put", "core", "a/b", r#"{"x":[1,null]}"#],
        0,
        "\"version\":1",
    ),
    (
        "state",
        &["state", "put", "core", "a/b", "2", "--expect", "9"],
        1,
        "VERSION_CONFLICT",
    ),
    (
        "state",
        &["state", "get", "core", "a/b"],
        0,
        r#""value":{"x":[1,null]}"#,
    ),
    ("state", &["state", "get", "api", "a/b"], 1, "KEY_NOT_FOUND"),
    ("state", &["state", "ls", "core", "a"], 1, "must end in"),
    ("state", &["state", "ls", "core", "a/"], 0, "a/b"),
    ("state", &["state", "rm", "core", "a/b"], 0, "true"),
    ("events", &["emit", "core", "order:waved", r#"{"n":1}"#], 0, "timestamp"),
    ("events", &["emit", "core", ""], 1, "400"),
    ("jobs", &["jobs", "core"], 0, "\"jobs\":[]"),
    ("jobs", &["job", "create", "core", "nope"], 1, "JOB_UNKNOWN"),
    (
        "jobs",
        &[
            "job",
            "create",
            "operator",
            "deploy-service",
            r#"{"service":"core"}"#,
            "--delay",
            "1h",
        ],
        0,
        "queued",
    ),
    ("jobs", &["jobs", "operator", "--status", "queued"], 0, "deploy-service"),
    ("identity", &["identity", "core"], 0, "blackroad-os-core"),
    ("identity", &["health", "operator"], 0, "healthy"),
    ("identity", &["registry", "core"], 0, "blackroad-os-core"),
    ("errors", &["trace", "core", "nope"], 1, "400"),
    ("identity", &["health", "web"], 0, "healthy"),
    ("tree", &["ls", "/core"], 0, "identity"),
    ("errors", &["cat", "/core"], 1, "is a directory"),
];

/// Requests that no command types: what they ask, and of whom; each method, path and body.
fn requests() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let relay = |service: &str, method: &str| json!({ "service": service, "method": method, "params": { "id": "7" } });
    vec![
        ("POST", "api", "/v1/sys/rpc", relay("core", "getUserById")),
        (
            "POST",
            "operator",
            "/v1/sys/rpc",
            relay("blackroad-os-core", "getUserById"),
        ),
        ("POST", "core", "/v1/sys/rpc", relay("operator", "nope")),
        ("POST", "core", "/v1/sys/rpc", relay("nobody", "nope")),
        ("POST", "core", "/v1/sys/rpc", json!("no call")),
        ("GET", "core", "/v1/sys/config", Value::Null),
        ("GET", "core", "/v1/", Value::Null),
        ("GET", "core", "/nowhere", Value::Null),
        ("DELETE", "core", "/health", Value::Null),
        ("GET", "nobody", "/health", Value::Null),
        ("GET", "core", "/v1/sys/events/recent?event=user:*", Value::Null),
    ]
}

#[test]
fn a_fleet_in_one_process_and_a_fleet_of_processes_give_the_same_answers_whether_or_not_they_ask_for_tokens()
-> Result<()> {
    let mut transcripts = Vec::new();
    for mode in MODES {
        for auth in ["open", "required"] {
            let fleet = Fleet::start(&[&["--amnesia", "--auth", auth], mode].concat())?;
            transcripts.push(transcript(&fleet)?);
        }
    }
    for other in &transcripts[1..] {
        for (one, other) in transcripts[0].iter().zip(other) {
            assert_eq!(one, other);
        }
    }
    assert_eq!(transcripts[0].len(), SCENARIOS.len() + requests().len());
    Ok(())
}

/// Everything that was answered, without what differs from run to run.
fn transcript(fleet: &Fleet) -> Result<Vec<String>> {
    let mut answers = Vec::new();
    for (what, args, code, expected) in SCENARIOS {
        let ran = fleet.run(&[&["--json"], args].concat())?;
        assert_eq!(ran.code, Some(code), "{what}: {args:?} came to {ran:?}");
        let said = if code == 0 { &ran.out } else { &ran.err };
        assert!(said.contains(expected), "{what}: {args:?} said {said}");
        answers.push(format!("{what} {args:?}: {}", told(said, fleet.port)));
    }
    // Who speaks HTTP by itself shows a token that was narrowed for it.
    let headers = if fleet.told["token"].is_string() {
        let shown = fleet.run(&["token", "narrow", "--right", "admin", "--at", "*"])?;
        format!("Authorization: Bearer {}\r\n", shown.out.trim())
    } else {
        String::new()
    };
    for (method, service, path, body) in requests() {
        let (status, answer) = fleet.send_with(&headers, method, service, path, &body)?;
        answers.push(format!(
            "{method} {service}{path} {body}: {status} {}",
            told(&answer.to_string(), fleet.port)
        ));
    }
    Ok(answers)
}

/// A text without the figures of one run: ids, moments, measures, the port.
fn told(text: &str, port: u16) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(text) else {
        return text.replace(&port.to_string(), "PORT");
    };
    scrub(&mut value);
    value.to_string().replace(&port.to_string(), "PORT")
}

fn scrub(value: &mut Value) {
    const PASSING: [&str; 11] = [
        "id",
        "pid",
        "uptime",
        "rss",
        "heapTotal",
        "heapUsed",
        "external",
        "latency",
        "timestamp",
        "lastCheck",
        "cursor",
    ];
    match value {
        Value::Array(list) => list.iter_mut().for_each(scrub),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| {
            if PASSING.contains(&name.as_str()) || name.ends_with("At") {
                *value = Value::from("…");
            } else {
                scrub(value);
            }
        }),
        _ => {}
    }
}

#[test]
fn a_service_that_does_not_run_is_told_apart_in_both_modes() -> Result<()> {
    for mode in MODES {
        let fleet = Fleet::start(&[&["--amnesia", "--only", "core"], mode].concat())?;
        let ran = fleet.run(&["health", "web"])?;
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("SERVICE_NOT_RUNNING"), "{mode:?}: {ran:?}");
    }
    Ok(())
}
