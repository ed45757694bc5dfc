//! What a body may be: so large, plain, so deep, and never the end of the process.

use http::Method;
use serde_json::json;
use syscall_sdk::wire::KEYS_MAX;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{World, status};
use crate::support::Fixture;

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_body_is_a_mebibyte_however_it_is_framed() {
    let world = World::start().await;
    let chunked = |bytes: usize| {
        let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, " ".repeat(64 * 1024));
        let chunks = chunk.repeat(bytes / (64 * 1024));
        format!(
            "POST /v1/sys/rpc HTTP/1.1\r\nHost: core\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
        )
    };
    let sized = |bytes: usize| {
        format!(
            "POST /v1/sys/rpc HTTP/1.1\r\nHost: core\r\nConnection: close\r\nContent-Length: {bytes}\r\n\r\n{}",
            " ".repeat(bytes)
        )
    };
    for request in [chunked(2 * MIB), sized(2 * MIB), sized(MIB + 1)] {
        let answer = world.send(request.as_bytes()).await;
        assert_eq!(status(&answer), 413, "{answer}");
        assert!(answer.contains("TOO_LARGE"));
    }
    for request in [chunked(MIB), sized(MIB)] {
        assert_eq!(
            status(&world.send(request.as_bytes()).await),
            400,
            "as large as it may be, and empty"
        );
    }
    world.stop().await;
}

#[tokio::test]
async fn a_body_that_is_compressed_is_415_whatever_it_would_become() {
    let core = Fixture::start().await;
    for encoding in ["gzip", "br", "zstd", "deflate", "identity, gzip", "GZIP"] {
        let answer = core
            .send(
                Method::POST,
                "/v1/sys/event",
                &[("content-encoding", encoding)],
                vec![0x1f; 20_000],
            )
            .await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body["error"]["code"]),
            (415, &json!("CONTENT_ENCODING")),
            "{encoding}"
        );
        assert_eq!(answer.headers["accept-encoding"], "identity");
    }
    let plain = [("content-encoding", "identity")];
    let answer = core
        .send(Method::POST, "/v1/sys/event", &plain, r#"{"event":"a"}"#)
        .await;
    assert_eq!(answer.status, 201);
    core.stop().await;
}

#[tokio::test]
async fn a_document_that_is_too_deep_or_has_too_many_keys_is_refused_before_it_is_built() {
    let core = Fixture::start().await;
    let nested = |depth: usize| format!(r#"{{"event":"a","data":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let keys = |count: usize| {
        let keys: Vec<String> = (0..count).map(|key| format!("\"{key:x}\":1")).collect();
        format!(r#"{{"event":"a","data":{{{}}}}}"#, keys.join(","))
    };
    for (body, expected) in [
        (nested(63), 201),
        (nested(64), 400),
        (nested(10_000), 400),
        (keys(KEYS_MAX - 2), 201),
        (keys(KEYS_MAX), 413),
        (keys(80_000), 413),
        (keys(1_000_000), 413),
    ] {
        let shown = body[..30].to_owned();
        let answer = core.send(Method::POST, "/v1/sys/event", &[], body).await;
        assert_eq!(answer.status, expected, "{shown}: {}", answer.text);
    }
    core.stop().await;
}

#[tokio::test]
async fn a_panic_is_500_and_the_connection_goes_on() {
    let world = World::start().await;
    let mut connection = world.connect().await;
    let body = r#"{"method":"panic","params":null}"#;
    let request = format!(
        "POST /v1/sys/rpc HTTP/1.1\r\nHost: core\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let last = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    connection
        .write_all(format!("{request}{last}").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status(&answer), 500);
    assert!(answer.contains("HTTP/1.1 200 OK\r\n"), "{answer}");
    world.stop().await;
}
