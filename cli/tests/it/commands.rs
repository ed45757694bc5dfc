//! Every command, typed as a person types it and as a program does.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};

use crate::binary::{Fleet, Following, SOON, blackroad, run};

fn start() -> Result<Fleet> {
    Fleet::start(&["--amnesia", "--only", "operator,core"])
}

#[test]
fn every_question_is_answered_to_people_and_to_programs() -> Result<()> {
    let fleet = start()?;
    fleet.json(&["call", "core", "createUser", r#"{"email":"a@b.example","name":"Ada"}"#])?;
    fleet.json(&["state", "put", "core", "a/b", r#"{"x":1}"#])?;
    let typed: [(&[&str], &str); 15] = [
        (&["ps"], "healthy"),
        (&["call", "core"], "createUser"),
        (&["call", "core", "listUsers"], "Ada"),
        (&["emit", "core", "test:one", r#"{"n":1}"#], "emitted "),
        (&["logs", "core", "-n", "5"], "ready"),
        (&["jobs", "core"], "no jobs"),
        (&["jobs", "core", "--schedules"], "no schedules"),
        (&["state", "get", "core", "a/b"], "\"x\": 1"),
        (&["state", "ls", "core", "a/"], "a/b"),
        (&["health", "core"], "core is healthy"),
        (&["health"], "operator"),
        (&["identity", "core"], "blackroad-os-core"),
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
fn a_commit_is_read_from_a_file_and_does_all_or_nothing() -> Result<()> {
    let fleet = start()?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("commit.json");
    let ops = json!({ "ops": [
        { "put": { "key": "orders/1", "value": 1, "expectedVersion": 0 } },
        { "emit": { "event": "order:placed" } },
    ] });
    std::fs::write(&file, ops.to_string())?;
    let path = file.to_str().context("a path of text")?;
    let done = fleet.run(&["commit", "core", path, "--idempotency-key", "k"])?;
    assert!(done.out.starts_with("orders/1 is at version 1\nemitted "), "{done:?}");
    // The same one again under its key is answered, not done.
    let again = fleet.run(&["commit", "core", path, "--idempotency-key", "k"])?;
    assert_eq!(again.out, done.out);
    let refused = fleet.run(&["commit", "core", path])?;
    assert!(
        refused.code == Some(1) && refused.err.contains("ops[0]") && refused.err.contains("VERSION_CONFLICT, 409"),
        "{refused:?}"
    );
    let missing = fleet.run(&["commit", "core", "/nowhere/at/all.json"])?;
    assert!(missing.err.contains("cannot be read"), "{missing:?}");
    Ok(())
}

#[test]
fn subscriptions_groups_and_dead_letters_are_shown_to_people_and_to_programs() -> Result<()> {
    let fleet = Fleet::start(&["--amnesia", "--only", "operator,web"])?;
    // Web hears from the operator which processes come and go.
    let log = ["logs", "web", "--follow", "--grep", "subscribed: the source"];
    Following::start(fleet.command(&log))?.next()?;
    let both = fleet.json(&["subscriptions", "operator"])?;
    assert_eq!(both["outgoing"].as_array().map(Vec::len), Some(3), "{both}");
    let shown = fleet.run(&["subscriptions", "operator"])?;
    assert!(
        shown.out.contains("to  web") && shown.out.contains("mesh:joined"),
        "{}",
        shown.out
    );
    let shown = fleet.run(&["subscriptions", "web"])?;
    assert!(
        shown.out.contains("from") && shown.out.contains("mesh:lost"),
        "{}",
        shown.out
    );
    for (args, expected) in [
        (["groups", "operator"].as_slice(), "no groups"),
        (&["dead-letters", "web"], "no dead letters"),
    ] {
        assert_eq!(fleet.run(args)?.out.trim(), expected);
        assert!(!fleet.json(args)?.is_null());
    }
    for (args, code) in [
        (
            ["group", "seek", "operator", "mail", "2h"].as_slice(),
            "GROUP_NOT_FOUND, 404",
        ),
        (&["group", "rm", "operator", "mail"], "GROUP_NOT_FOUND, 404"),
        (&["dead-letter", "show", "web", "x"], "DEAD_LETTER_NOT_FOUND, 404"),
        (&["dead-letter", "redrive", "web", "x"], "DEAD_LETTER_NOT_FOUND, 404"),
        (&["dead-letter", "edit", "web", "x", "1"], "DEAD_LETTER_NOT_FOUND, 404"),
        (&["dead-letter", "rm", "web", "x"], "DEAD_LETTER_NOT_FOUND, 404"),
    ] {
        let ran = fleet.run(args)?;
        assert!(ran.code == Some(1) && ran.err.contains(code), "{args:?}: {ran:?}");
    }
    Ok(())
}

#[test]
fn a_key_is_written_expected_listed_and_deleted() -> Result<()> {
    let fleet = start()?;
    assert_eq!(
        fleet
            .run(&["state", "put", "core", "a/b", "[1,2]", "--expect", "0"])?
            .out,
        "a/b is at version 1\n"
    );
    let refused = fleet.run(&["state", "put", "core", "a/b", "3", "--expect", "0"])?;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.err.contains("VERSION_CONFLICT, 409") && refused.err.contains("read it again"),
        "{}",
        refused.err
    );
    assert_eq!(
        fleet.json(&["state", "put", "core", "c", "1", "--ttl", "1h"])?["expiresAt"]
            .as_str()
            .map(str::len),
        Some(24)
    );
    assert_eq!(
        fleet.json(&["state", "ls", "core"])?["state"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(
        fleet.run(&["state", "rm", "core", "a/b", "--expect", "1"])?.out,
        "a/b is deleted\n"
    );
    assert_eq!(fleet.run(&["state", "rm", "core", "a/b"])?.out, "a/b was not there\n");
    let missing = fleet.run(&["state", "get", "core", "a/b"])?;
    assert!(
        missing.code == Some(1) && missing.err.contains("`blackroad state ls core`"),
        "{missing:?}"
    );
    Ok(())
}

#[test]
fn dead_jobs_are_retried_one_by_one_edited_and_all_at_once() -> Result<()> {
    let fleet = start()?;
    let dead = |params: &str| -> Result<String> {
        let job = fleet.json(&["job", "create", "operator", "deploy-service", params, "--delay", "1h"])?;
        let id = job["id"].as_str().context("an id")?.to_owned();
        fleet.json(&["job", "cancel", "operator", &id])?;
        Ok(id)
    };
    let (first, second) = (dead(r#"{"service":"core"}"#)?, dead(r#"{"service":"api"}"#)?);
    let edited = [
        "job",
        "retry",
        "operator",
        &first,
        "--params",
        r#"{"service":"web"}"#,
        "--delay",
        "1h",
    ];
    let new = fleet.json(&edited)?;
    assert_eq!(
        (&new["redriveOf"], &new["params"]["service"]),
        (&json!(first), &json!("web"))
    );
    let old = fleet.run(&["job", "show", "operator", &first])?.out;
    assert!(
        old.contains("made anew") && old.contains(new["id"].as_str().unwrap()),
        "{old}"
    );
    let again = fleet.run(&["job", "retry", "operator", &first])?;
    assert!(again.code == Some(1) && again.err.contains("JOB_REDRIVEN"), "{again:?}");

    let none = fleet.run(&["jobs", "retry", "operator"])?;
    assert!(none.out.contains("0 failed jobs are queued anew"), "{none:?}");
    let all = fleet.json(&[
        "jobs",
        "retry",
        "operator",
        "--status",
        "cancelled",
        "--name",
        "deploy-service",
    ])?;
    assert_eq!((&all["retried"], &all["left"]), (&json!(1), &json!(1)));
    assert_ne!(
        fleet.json(&["job", "show", "operator", &second])?["status"],
        "cancelled"
    );
    assert_eq!(
        fleet.run(&["jobs", "retry", "operator", "--status", "queued"])?.code,
        Some(1)
    );
    assert_eq!(run(&["jobs"])?.code, Some(2), "a service is to be named");
    Ok(())
}

#[test]
fn a_wait_ends_with_its_job_or_with_its_time() -> Result<()> {
    let fleet = start()?;
    let swept = fleet.json(&["job", "create", "operator", "sweep-roster"])?;
    let done = fleet.run(&["job", "wait", "operator", swept["id"].as_str().unwrap()])?;
    assert!(done.code == Some(0) && done.out.contains("completed"), "{done:?}");

    let later = fleet.json(&["job", "create", "operator", "sweep-roster", "--delay", "1h"])?;
    let id = later["id"].as_str().unwrap();
    let still = fleet.run(&["job", "wait", "operator", id, "--for", "50ms"])?;
    assert!(
        still.code == Some(1) && still.out.contains("queued") && still.err.contains("queued still"),
        "{still:?}"
    );
    fleet.json(&["job", "cancel", "operator", id])?;
    let ended = fleet.run(&["job", "wait", "operator", id])?;
    assert!(
        ended.code == Some(1) && ended.err.contains("the job is cancelled"),
        "{ended:?}"
    );
    Ok(())
}

#[test]
fn a_job_is_created_shown_listed_cancelled_and_retried() -> Result<()> {
    let fleet = start()?;
    let params = r#"{"service":"core"}"#;
    let job = fleet.json(&[
        "job",
        "create",
        "operator",
        "deploy-service",
        params,
        "--delay",
        "1h",
        "--priority",
        "-3",
    ])?;
    let id = job["id"].as_str().unwrap();
    assert_eq!((&job["status"], &job["priority"]), (&json!("queued"), &json!(-3)));
    let shown = fleet.run(&["job", "show", "operator", id])?.out;
    assert!(
        shown.contains("deploy-service") && shown.contains("(in 1 h)") && shown.contains(params),
        "{shown}"
    );
    let listed = fleet
        .run(&["jobs", "operator", "--status", "queued", "--name", "deploy-service"])?
        .out;
    assert!(listed.contains(id) && listed.contains("due in 1 h"), "{listed}");
    assert_eq!(fleet.json(&["job", "cancel", "operator", id])?["status"], "cancelled");
    assert_eq!(fleet.run(&["job", "cancel", "operator", id])?.code, Some(1));
    assert_ne!(fleet.json(&["job", "retry", "operator", id])?["status"], "cancelled");

    let cron = [
        "job",
        "create",
        "operator",
        "deploy-service",
        params,
        "--cron",
        "0 0 1 1 *",
        "--tz",
        "Europe/Berlin",
    ];
    let schedule = fleet.json(&cron)?;
    let pause = [
        "job",
        "pause",
        "operator",
        schedule["id"].as_str().unwrap(),
        "--schedule",
        "--reason",
        "a freeze",
        "--by",
        "ada",
    ];
    assert_eq!(fleet.json(&pause)?["reason"], "a freeze");
    let listed = fleet.run(&["jobs", "operator", "--schedules"])?.out;
    assert!(
        listed.contains("Europe/Berlin") && listed.contains("by ada: a freeze"),
        "{listed}"
    );
    let resume = [
        "job",
        "resume",
        "operator",
        schedule["id"].as_str().unwrap(),
        "--schedule",
    ];
    assert_eq!(fleet.run(&resume)?.code, Some(0));
    assert_eq!(fleet.run(&resume)?.code, Some(1), "it is not paused any more");
    assert_eq!(
        fleet.json(&["job", "cancel", "operator", schedule["id"].as_str().unwrap()])?["status"],
        "cancelled"
    );
    assert_eq!(
        run(&["job", "create", "core", "x", "--tz", "UTC"])?.code,
        Some(2),
        "a time zone is for a schedule"
    );
    Ok(())
}

#[test]
fn a_refusal_says_whose_it_is_and_what_to_do() -> Result<()> {
    let fleet = start()?;
    let refusals: [(&[&str], &str); 8] = [
        (
            &["call", "core", "getUserById", r#"{"id":"7"}"#],
            "core's handler says no",
        ),
        (&["call", "core", "nope"], "`blackroad call core` lists its methods"),
        (
            &["call", "core", "listUsers", "{"],
            "is no JSON; quote it for the shell",
        ),
        (&["health", "cor"], "Unknown service: cor; there are operator, core"),
        (&["health", "web"], "left out by --only"),
        (&["job", "show", "core", "nope"], "`blackroad jobs core` lists its jobs"),
        (
            &["trace", "core", "0af7651916cd43dd8448eb211c80319c"],
            "`blackroad traces core` lists the latest",
        ),
        (&["events", "core", "--since", "yesterday"], "or an age such as 15m"),
    ];
    for (args, expected) in refusals {
        let ran = fleet.run(args)?;
        assert_eq!(ran.code, Some(1), "{args:?}: {ran:?}");
        assert!(
            ran.err.starts_with("error: ") && ran.err.contains(expected),
            "{args:?}: {}",
            ran.err
        );
        assert_eq!(ran.out, "", "{args:?}");
    }
    let nobody = std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port()
        .to_string();
    for args in [&["ps"][..], &["health"], &["events", "core"], &["call", "core", "x"]] {
        let ran = blackroad(&[&["--port", &nobody], args].concat()).output()?;
        let said = String::from_utf8(ran.stderr)?;
        assert_eq!(ran.status.code(), Some(1));
        assert!(said.contains("start one with `blackroad up`"), "{args:?}: {said}");
    }
    Ok(())
}

/// A follower that is known to be live: it has printed what was said after it began.
fn live(
    fleet: &Fleet,
    args: &[&str],
    mut say: impl FnMut(u32) -> Result<()>,
    wanted: impl Fn(&str) -> Option<u32>,
) -> Result<(Following, u32)> {
    let following = Following::start(fleet.command(&[&["--json"], args].concat()))?;
    // What is said before the stream is open is not heard, so it is said until it is.
    let mut said = 0;
    let begun = Instant::now();
    let first = loop {
        say(said)?;
        said += 1;
        if let Some(first) = following.next_within(Duration::from_millis(100)) {
            break first;
        }
        anyhow::ensure!(begun.elapsed() < SOON, "the stream is not live after {said} tries");
    };
    // The others that were said meanwhile come after it.
    let first = wanted(&first).context("what was said is heard")?;
    for due in first + 1..said {
        assert_eq!(wanted(&following.next()?), Some(due));
    }
    Ok((following, said - 1))
}

fn number(line: &str) -> Option<u32> {
    let value: Value = serde_json::from_str(line).ok()?;
    value["data"]["n"].as_u64().and_then(|n| u32::try_from(n).ok())
}

#[test]
fn events_are_followed_across_a_restart_without_loss_or_repeat() -> Result<()> {
    let data = tempfile::tempdir()?;
    let args = ["--only", "core", "--data-dir", data.path().to_str().unwrap()];
    let fleet = Fleet::start(&args)?;
    let emit = |fleet: &Fleet, n: u32| {
        fleet
            .json(&["emit", "core", "test:n", &json!({ "n": n }).to_string()])
            .map(drop)
    };
    let (following, last) = live(
        &fleet,
        &["events", "core", "--event", "test:*"],
        |n| emit(&fleet, n),
        number,
    )?;
    let port = fleet.port;
    fleet.signal("TERM")?;
    fleet.wait()?;
    let fleet = Fleet::start_on(port, &args)?;
    for n in last + 1..last + 4 {
        emit(&fleet, n)?;
    }
    for n in last + 1..last + 4 {
        assert_eq!(number(&following.next()?), Some(n));
    }
    assert_eq!(following.next_within(Duration::ZERO), None, "nothing comes twice");
    assert_eq!(
        following.interrupt()?,
        Some(0),
        "Ctrl-C ends a stream, and that is no failure"
    );

    let since = Following::start(fleet.command(&["events", "core", "--since", "1h", "--event", "test:n"]))?;
    assert!(since.next()?.ends_with("test:n {\"n\":0}"));
    Ok(())
}

#[test]
fn log_lines_are_followed_by_level_and_text() -> Result<()> {
    let fleet = start()?;
    let write = |level: &str, message: &str| -> Result<()> {
        let line = json!({ "level": level, "message": message });
        let (status, _) = fleet.send("POST", "core", "/v1/sys/log", &line)?;
        anyhow::ensure!(status == 201, "the line is written");
        Ok(())
    };
    for message in ["hay", "a needle", "more hay"] {
        write("warn", message)?;
    }
    write("info", "a needle that is no warning")?;
    let found = fleet.json(&["logs", "core", "--grep", "NEEDLE", "--level", "warn"])?;
    assert_eq!(found["logs"][0]["message"], "a needle");
    assert_eq!(found["total"], 1);
    let following = Following::start(fleet.command(&["logs", "core", "-f", "--grep", "needle", "-n", "1"]))?;
    assert!(following.next()?.ends_with("a needle that is no warning"));
    write("error", "the last needle")?;
    assert!(following.next()?.contains("error the last needle"));
    assert_eq!(following.interrupt()?, Some(0));
    Ok(())
}

#[test]
fn changes_of_state_are_watched() -> Result<()> {
    let fleet = start()?;
    let put = |n: u32| fleet.json(&["state", "put", "core", "w/a", &n.to_string()]).map(drop);
    let value = |line: &str| -> Option<u32> {
        let value: Value = serde_json::from_str(line).ok()?;
        value["data"]["entry"]["value"]
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
    };
    let (following, _) = live(&fleet, &["state", "watch", "core", "w/"], put, value)?;
    fleet.json(&["state", "rm", "core", "w/a"])?;
    let line: Value = serde_json::from_str(&following.next()?)?;
    assert_eq!(
        (&line["event"], &line["data"]["key"]),
        (&json!("state:deleted"), &json!("w/a"))
    );
    assert_eq!(following.interrupt()?, Some(0));
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
