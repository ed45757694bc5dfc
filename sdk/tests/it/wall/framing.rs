//! Where a request begins and ends: strictly as RFC 9112 says, or not at all.

use super::{World, count, status};

#[tokio::test]
async fn what_hyper_would_accept_and_must_not_is_400_and_the_end_of_the_connection() {
    let world = World::start().await;
    for (bytes, code) in [
        ("GET /health HTTP/1.1\r\n\r\n", "BAD_HOST"),
        ("GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "BAD_HOST"),
        ("GET /health HTTP/1.1\r\nHost: x/evil\r\n\r\n", "BAD_HOST"),
        (
            "POST /v1/sys/rpc HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "AMBIGUOUS_BODY",
        ),
        (
            "POST /v1/sys/rpc HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "AMBIGUOUS_BODY",
        ),
        ("GET http://b/health HTTP/1.1\r\nHost: a\r\n\r\n", "HOST_MISMATCH"),
        ("GET /health HTTP/1.1\nHost: a\n\n", "BAD_LINE_END"),
        (
            "GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
            "UNEXPECTED_BODY",
        ),
    ] {
        assert_eq!(
            world.refused(bytes.as_bytes()).await,
            (400, code.to_owned()),
            "{bytes:?}"
        );
    }
    world.stop().await;
}

#[tokio::test]
async fn what_hyper_refuses_is_refused_with_a_sentence_too() {
    let world = World::start().await;
    for (fields, code) in [
        ("Transfer-Encoding: identity\r\n", "AMBIGUOUS_BODY"),
        ("Transfer-Encoding: xchunked\r\n", "AMBIGUOUS_BODY"),
        ("Content-Length: 7\r\n", "AMBIGUOUS_BODY"),
        (" folded\r\n", "MALFORMED_REQUEST"),
        ("X : a\r\n", "MALFORMED_REQUEST"),
        ("X: a\0b\r\n", "MALFORMED_REQUEST"),
        ("X: a\rb\r\n", "BAD_LINE_END"),
    ] {
        let refused = world.refused(count(fields).as_bytes()).await;
        assert_eq!(refused, (400, code.to_owned()), "{fields:?}");
    }
    assert_eq!(world.calls(), 0, "nothing of them was handled");
    world.stop().await;
}

#[tokio::test]
async fn a_request_behind_a_refused_one_is_not_handled_and_one_before_it_is_answered() {
    let world = World::start().await;
    for bad in [
        "GET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    ] {
        let before = world.calls();
        let answer = world.send(format!("{}{bad}{}", count(""), count("")).as_bytes()).await;
        assert_eq!(world.calls() - before, 1, "{bad:?}");
        assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 1, "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 400 Bad Request\r\n").count(), 1, "{answer}");
    }
    // What is smuggled in a body stays one.
    let before = world.calls();
    let hidden = count("");
    let outer = format!(
        "POST /v1/sys/rpc HTTP/1.1\r\nHost: core\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{hidden}",
        hidden.len()
    );
    assert_eq!(status(&world.send(outer.as_bytes()).await), 400);
    assert_eq!(world.calls(), before);
    world.stop().await;
}

#[tokio::test]
async fn a_request_behind_a_body_that_breaks_its_framing_is_not_handled() {
    let world = World::start().await;
    for body in [
        "zz\r\n{}\r\n0\r\n\r\n".to_owned(),
        "2\n{}\n0\n\n".to_owned(),
        "2\r\n{}}\r\n0\r\n\r\n".to_owned(),
        format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "a".repeat(20_000)),
        format!("2\r\n{{}}\r\n0\r\n{}\r\n", "x: y\r\n".repeat(20_000)),
    ] {
        let bytes = format!(
            "POST /v1/sys/rpc HTTP/1.1\r\nHost: core\r\nTransfer-Encoding: chunked\r\n\r\n{body}{}",
            count("")
        );
        let answer = world.send(bytes.as_bytes()).await;
        assert_eq!(status(&answer), 400, "{answer}");
        assert!(answer.contains("the body broke off"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert_eq!(world.calls(), 0);
    world.stop().await;
}

#[tokio::test]
async fn a_head_has_a_hundred_fields_32_kib_and_a_target_of_8_kib() {
    let world = World::start().await;
    // Host, Content-Length and Connection are three of them.
    let fields = |more: usize| count(&format!("Connection: close\r\n{}", "a: b\r\n".repeat(more)));
    assert_eq!(status(&world.send(fields(97).as_bytes()).await), 200);
    assert_eq!(
        world.refused(fields(98).as_bytes()).await,
        (431, "TOO_MANY_HEADERS".to_owned())
    );
    let sized = |bytes: usize| {
        let empty = count("Connection: close\r\na: \r\n").len() - r#"{"method":"count","params":null}"#.len();
        count(&format!("Connection: close\r\na: {}\r\n", "b".repeat(bytes - empty)))
    };
    assert_eq!(status(&world.send(sized(32 * 1024).as_bytes()).await), 200);
    assert_eq!(
        world.refused(sized(32 * 1024 + 1).as_bytes()).await,
        (431, "HEAD_TOO_LARGE".to_owned())
    );
    let target = |bytes: usize| {
        let query = "a".repeat(bytes - "/health?".len());
        format!("GET /health?{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    };
    assert_eq!(status(&world.send(target(8 * 1024).as_bytes()).await), 200);
    for bytes in [8 * 1024 + 1, 70_000, 1_000_000] {
        assert_eq!(
            world.refused(target(bytes).as_bytes()).await,
            (414, "TARGET_TOO_LONG".to_owned())
        );
    }
    assert_eq!(world.calls(), 2);
    world.stop().await;
}

#[tokio::test]
async fn http_2_is_not_spoken_so_none_of_its_floods_is_listened_to() {
    let world = World::start().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let reset: Vec<u8> = [0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 8].repeat(10_000);
    for bytes in [preface, &preface[..8], &[preface, &settings, &reset].concat()] {
        assert_eq!(world.refused(bytes).await, (505, "HTTP_VERSION".to_owned()));
    }
    let figures = world
        .send(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(
        figures.contains("http_turned_away_total{reason=\"HTTP_VERSION\"} 3\n"),
        "{figures}"
    );
    // Nor is TLS, on a port without it.
    assert_eq!(
        world.refused(b"\x16\x03\x01\x02\x00\x01").await,
        (400, "MALFORMED_REQUEST".to_owned())
    );
    world.stop().await;
}
