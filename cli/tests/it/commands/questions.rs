//! What is asked, and how it is shown.

use std::process::Stdio;

use anyhow::Result;
use axum::Router;
use axum::routing::get;
use serde_json::json;

use super::start;
use crate::binary::{blackroad, run};

#[test]
fn every_question_is_answered_to_people_and_to_programs() -> Result<()> {
    let fleet = start()?;
    fleet.json(&["call", "core", "createUser", r#"{"email":"a@b.example","name":"Ada"}"#])?;
    fleet.json(&["state", "put", "core", "a/b", r#"{"x":1}"#])?;
    let typed: [(&[&str], &str); 18] = [
        (&["ps"], "healthy"),
        (&["call", "core"], "createUser"),
        (&["call", "core", "listUsers"], "Ada"),
        (&["emit", "core", "test:one", r#"{"n":1}"#], "emitted "),
        (&["logs", "core", "-n", "50"], "ready"),
        (&["jobs", "core"], "no jobs"),
        (&["jobs", "core", "--schedules"], "rotate-signing-keys"),
        (&["state", "get", "core", "a/b"], "\"x\": 1"),
        (&["state", "ls", "core", "a/"], "a/b"),
        (&["health", "core"], "core is healthy"),
        (&["health"], "operator"),
        (&["identity", "core"], "blackroad-os-core"),
        (&["peers", "core"], "in process"),
        (
            &["resolve", "core"],
            "core is in the process of operator: nothing is resolved",
        ),
        (
            &["resolve", "web", "--from", "core"],
            "web is blackroad-os-web.railway.internal:8000 to core, ",
        ),
        (&["registry"], "https://core.blackroad.systems"),
        (&["registry", "blackroad-os-core"], "9gw4d0h2.up.railway.app"),
        (&["traces", "core", "-n", "3"], " ms"),
    ];
    for (args, expected) in typed {
        let ran = fleet.run(args)?;
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
        assert!(ran.out.contains(expected), "{args:?} printed {}", ran.out);
        assert!(!ran.out.contains('\u{1b}'), "{args:?} printed escapes to no terminal");
        assert!(!fleet.json(args)?.is_null(), "{args:?}");
    }
    Ok(())
}

#[test]
fn a_trace_is_drawn_as_a_tree() -> Result<()> {
    let fleet = start()?;
    fleet.json(&["call", "core", "listUsers"])?;
    let traces = fleet.json(&["traces", "core"])?;
    let rpc = traces["traces"]
        .as_array()
        .unwrap()
        .iter()
        .find(|trace| trace["name"] == "POST /v1/sys/rpc")
        .unwrap();
    let drawn = fleet.run(&["trace", "core", rpc["traceId"].as_str().unwrap()])?.out;
    let lines: Vec<&str> = drawn.lines().collect();
    assert!(
        lines[0].starts_with("POST /v1/sys/rpc") && lines[0].contains('━') && lines[0].ends_with(" ms"),
        "{drawn}"
    );
    assert!(lines[1].starts_with("  listUsers"), "{drawn}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_is_listed_and_read() -> Result<()> {
    let root = json!({ "path": "/", "kind": "dir", "entries": [
        { "name": "core", "kind": "dir", "hint": "users" }, { "name": "motd", "kind": "file", "size": 12 },
    ] });
    let routes = Router::new()
        .route("/v1/fs/", get(|| async move { axum::Json(root) }))
        .route(
            "/v1/fs/motd",
            get(|| async { axum::Json(json!({ "path": "/motd", "kind": "file", "value": "hello\nthere\n" })) }),
        )
        .route(
            "/v1/fs/core/a%20b",
            get(|| async { axum::Json(json!({ "path": "/core/a b", "kind": "file", "value": { "n": 1 } })) }),
        );
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port().to_string();
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let typed = move |args: &[&str]| run(&[&["--port", &port], args].concat());
    let ran = tokio::task::spawn_blocking(move || -> Result<_> {
        Ok([
            typed(&["ls"])?,
            typed(&["ls", "/motd"])?,
            typed(&["cat", "motd"])?,
            typed(&["--json", "cat", "/core/a b/"])?,
            typed(&["cat", "/"])?,
        ])
    })
    .await??;
    server.abort();
    let [all, one, text, value, directory] = ran;
    assert_eq!(all.out, " name   size\n core/        users\n motd   12\n");
    assert_eq!(one.out, "/motd\n");
    assert_eq!(text.out, "hello\nthere\n");
    assert_eq!(value.out, "{\"n\":1}\n");
    assert_eq!(
        (directory.code, directory.err.as_str()),
        (Some(1), "error: / is a directory; `blackroad ls /` lists it\n")
    );
    Ok(())
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() -> Result<()> {
    let mut process = blackroad(&["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    drop(process.stdout.take());
    let output = process.wait_with_output()?;
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr)?),
        (Some(0), String::new())
    );
    Ok(())
}

#[test]
fn each_shell_has_its_completions() -> Result<()> {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&["completions", shell])?;
        assert!(
            ran.code == Some(0) && ran.out.contains("blackroad") && ran.out.contains("conform"),
            "{shell}"
        );
    }
    Ok(())
}
