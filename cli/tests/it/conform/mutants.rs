//! Services that break one rule each: the real one, with its answers bent on their way out.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};
use axum::body::to_bytes;
use syscall_sdk::host::DrainBudget;
use syscall_sdk::http::turn_away;
use syscall_sdk::lifecycle::Scope;
use syscall_sdk::transport::{Bind, Body, Bound, ConnectionLimits, Front, Handler, Listener, Response, Server};

use super::{conform, start, that};

/// What a mutant does to an answer, for whom it matters: the path that was asked, the answer's head, its text.
type Bend = fn(&str, &mut http::response::Parts, &mut String);

/// Each mutant: what it does wrong, and the sentence of the rule that catches it.
const MUTANTS: [(&str, &str, Bend); 34] = [
    (
        "its health is another word",
        "/health answers 200 healthy",
        |path, _, text| {
            if path == "/health" {
                *text = text.replace("healthy", "fine");
            }
        },
    ),
    (
        "its timestamps have no milliseconds",
        "sys/health has status, timestamp",
        |_, _, text| cut_milliseconds(text),
    ),
    (
        "a timestamp somewhere has no milliseconds",
        "every timestamp had three decimals",
        |path, _, text| {
            if path.starts_with("/v1/sys/identity") {
                cut_milliseconds(text);
            }
        },
    ),
    ("one key is in snake case", "identity has every key", |_, _, text| {
        *text = text.replace("lastCheck", "last_check")
    }),
    (
        "another key is in snake case",
        "every key was camelCase",
        |_, _, text| {
            *text = text.replace("\"uptime\"", "\"up_time\"");
        },
    ),
    (
        "an unknown method is 400",
        "an unknown method is METHOD_NOT_FOUND",
        |_, head, text| {
            if text.contains("METHOD_NOT_FOUND") {
                head.status = http::StatusCode::BAD_REQUEST;
            }
        },
    ),
    (
        "its errors are flat",
        "a path where nothing is answers 404",
        |_, _, text| {
            if let Some(flat) = text.strip_prefix("{\"error\":").and_then(|rest| rest.strip_suffix('}')) {
                *text = flat.to_owned();
            }
        },
    ),
    ("it swallows request ids", "a request id is echoed", |_, head, _| {
        drop(head.headers.remove("x-request-id"))
    }),
    ("it forgets traces", "a trace is continued", |_, head, _| {
        drop(head.headers.remove("traceparent"))
    }),
    (
        "it does not say whose failure it is",
        "a refusal says that it is the kernel's own",
        |_, head, _| {
            head.headers.remove("x-syscall-origin");
        },
    ),
    (
        "a wrong verb is 404",
        "a verb that a path does not take",
        |_, head, _| {
            if head.status == 405 {
                head.status = http::StatusCode::NOT_FOUND;
            }
        },
    ),
    ("a large body is 400", "a body of 2 MiB is 413", |_, head, _| {
        if head.status == 413 {
            head.status = http::StatusCode::BAD_REQUEST;
        }
    }),
    (
        "a version conflict is 412",
        "another version than expected is VERSION_CONFLICT",
        |_, head, _| {
            if head.status == 409 {
                head.status = http::StatusCode::PRECONDITION_FAILED;
            }
        },
    ),
    (
        "a failed If-Match is 409",
        "If-Match lets the current ETag through",
        |_, head, _| {
            if head.status == 412 {
                head.status = http::StatusCode::CONFLICT;
            }
        },
    ),
    (
        "its ETags come twice",
        "a write and a read give the same ETag",
        |_, head, _| {
            if let Some(tag) = head.headers.get_mut("etag") {
                *tag = http::HeaderValue::from_static("\"1\"");
            }
        },
    ),
    (
        "it counts versions from 0",
        "a first write is version 1",
        |_, _, text| {
            *text = text.replace("\"version\":1,", "\"version\":0,");
        },
    ),
    (
        "what is created is 200",
        "an event emitted answers 201",
        |_, head, _| {
            if head.status == 201 {
                head.status = http::StatusCode::OK;
            }
        },
    ),
    (
        "a cancelled job has no end",
        "cancelling a job answers 200",
        |_, _, text| {
            *text = text.replace("\"completedAt\"", "\"endedAt\"");
        },
    ),
    (
        "runs are listed by another word",
        "workflows are listed",
        |_, _, text| *text = text.replace("\"workflows\":[", "\"runs\":["),
    ),
    (
        "a run that is not there is 410",
        "a run that does not exist is 404",
        |_, head, text| {
            if text.contains("WORKFLOW_NOT_FOUND") {
                head.status = http::StatusCode::GONE;
            }
        },
    ),
    (
        "an unknown workflow is 400",
        "a workflow that nobody wrote",
        |_, head, text| {
            if text.contains("WORKFLOW_UNKNOWN") {
                head.status = http::StatusCode::BAD_REQUEST;
            }
        },
    ),
    ("a malformed start is 422", "a start without a name", |path, head, _| {
        if path == "/v1/sys/workflow" && head.status == 400 {
            head.status = http::StatusCode::UNPROCESSABLE_ENTITY;
        }
    }),
    (
        "a bad filter is passed over",
        "a status that no run has",
        |path, head, text| {
            if path == "/v1/sys/workflows" {
                head.status = http::StatusCode::OK;
                *text = "{\"workflows\":[]}".to_owned();
            }
        },
    ),
    (
        "a run is started with 202",
        "a run is started with 201",
        |path, head, _| {
            if path == "/v1/sys/workflow" && head.status == 201 {
                head.status = http::StatusCode::ACCEPTED;
            }
        },
    ),
    (
        "a run hides its steps",
        "a run is read back with its steps",
        |_, _, text| *text = text.replace("\"steps\"", "\"journal\""),
    ),
    (
        "a run that was cancelled is never seen to end",
        "a wait for a run that is over",
        |path, _, text| {
            if !path.ends_with("/cancel") {
                *text = text.replace("\"cancelled\"", "\"running\"");
            }
        },
    ),
    (
        "another input under a known id is taken for the same",
        "the same id with the same input",
        |_, head, text| {
            if text.contains("WORKFLOW_EXISTS") {
                head.status = http::StatusCode::CREATED;
            }
        },
    ),
    (
        "a bad id is 404",
        "an id that does not fit is refused",
        |path, head, _| {
            if path == "/v1/sys/workflow" && head.status == 400 {
                head.status = http::StatusCode::NOT_FOUND;
            }
        },
    ),
    (
        "a run is cancelled as often as asked",
        "cancelling a run answers 200",
        |path, head, _| {
            if path.ends_with("/cancel") && head.status == 400 {
                head.status = http::StatusCode::OK;
            }
        },
    ),
    (
        "every signal is the first",
        "the first signal of a name counts",
        |_, _, text| *text = text.replace("\"first\":false", "\"first\":true"),
    ),
    (
        "a late signal is 409",
        "a signal to a run that has ended",
        |path, head, _| {
            if path.contains("/signal/") && head.status == 400 {
                head.status = http::StatusCode::CONFLICT;
            }
        },
    ),
    (
        "a living run is resumed",
        "a cancelled run can be resumed",
        |path, head, _| {
            if path.ends_with("/resume") && head.status == 400 {
                head.status = http::StatusCode::OK;
            }
        },
    ),
    (
        "a fork hides where it is from",
        "a fork is a run of its own",
        |_, _, text| {
            *text = text.replace("\"forkedFrom\"", "\"forkOf\"");
        },
    ),
    (
        "another start under a known key is 409",
        "a run under a known Idempotency-Key",
        |path, head, _| {
            if path == "/v1/sys/workflow" && head.status == 422 {
                head.status = http::StatusCode::CONFLICT;
            }
        },
    ),
];

fn cut_milliseconds(text: &mut String) {
    while let Some(at) = text
        .find("Z\"")
        .filter(|at| text.as_bytes().get(at.wrapping_sub(4)) == Some(&b'.'))
    {
        text.replace_range(at - 4..at + 1, "+00:00");
    }
}

/// Serves another's answers, bent.
async fn bent(scope: &Scope, honest: Handler, bend: Bend) -> Result<String> {
    let handler = Handler::new(move |request| {
        let (path, honest) = (request.uri().path().to_owned(), honest.clone());
        Box::pin(async move {
            let (mut head, body) = honest.answer(request).await.into_parts();
            if head
                .headers
                .get("content-type")
                .is_some_and(|kind| kind == "text/event-stream")
            {
                return Response::from_parts(head, body);
            }
            let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
            let mut text = String::from_utf8_lossy(&bytes).into_owned();
            bend(&path, &mut head, &mut text);
            head.headers.remove("content-length");
            Response::from_parts(head, Body::from(text))
        })
    });
    let listener = Listener::bind(&Bind::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))).await?;
    let server = Server::start(
        scope,
        listener,
        handler,
        Front::new(turn_away),
        ConnectionLimits::default(),
    )?;
    match server.bound() {
        Bound::Tcp(address) => Ok(format!("http://{address}")),
        Bound::Unix(_) => anyhow::bail!("a TCP door was asked for"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_breaks_one_rule_is_caught_at_that_rule() -> Result<()> {
    let (running, url) = start(&[]).await?;
    let honest = running.handler("core").context("core runs")?;
    let scope = Scope::new("mutants", tracing::Span::none());
    for (wrong, rule, bend) in MUTANTS {
        // The audit judges what the others met, so that it needs the others.
        let alone: &[&str] = if rule.starts_with("every ") {
            &[]
        } else {
            &["--rule", rule, "--job", "rest", "--workflow", "hold", "--input", "{}"]
        };
        if !alone.is_empty() {
            let (ran, told) = conform(&[&[&url, "--service", "core"], alone].concat()).await?;
            assert_eq!(
                (ran.code, that(&told, "pass").len()),
                (Some(0), 1),
                "the honest one keeps {rule:?}: {told}"
            );
        }
        let mutant = bent(&scope, honest.clone(), bend).await?;
        let (ran, told) = conform(&[&[&mutant, "--service", "core"], alone].concat()).await?;
        let caught = that(&told, "fail");
        assert!(
            ran.code == Some(1) && caught.iter().any(|broken| broken.starts_with(rule)),
            "{wrong}: {caught:?}"
        );
    }
    scope.cancel();
    running.stop(DrainBudget::none(), "the test is over").await;
    Ok(())
}
