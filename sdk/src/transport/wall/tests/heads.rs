use super::super::Refusal;
use super::super::scanner::{HEAD_MAX_BYTES, Stop};
use super::scan;

fn refused(bytes: &[u8]) -> Option<Refusal> {
    match scan(&[bytes]) {
        (_, _, Some(Stop::Head(refusal))) => Some(refusal),
        _ => None,
    }
}

fn with_fields(fields: &str) -> Vec<u8> {
    format!("POST /a HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n").into_bytes()
}

#[test]
fn what_every_client_sends_goes_on() {
    for head in [
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a/b?c=%20d&e=100% HTTP/1.1\r\nhost:a.example:8000\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:8000\r\nAccept:\t*/*  \r\nX-Empty:\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://A.example:80/x HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "DELETE /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: healthcheck.railway.app\r\nX-Name: J\u{f6}rg\r\n\r\n",
    ] {
        let (passed, heads, stop) = scan(&[head.as_bytes()]);
        assert_eq!((passed.len(), heads, stop), (head.len(), 1, None), "{head:?}");
    }
    for (body, text) in [
        ("Content-Length: 5\r\n", "hello"),
        ("Transfer-Encoding: Chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        (
            "Transfer-Encoding: chunked\r\n",
            "5;a=\"b\"\r\nhello\r\n000\r\nx-end: 1\r\n\r\n",
        ),
    ] {
        let stream = [
            with_fields(body),
            text.into(),
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        ]
        .concat();
        let (passed, heads, stop) = scan(&[&stream]);
        assert_eq!((passed.len(), heads, stop), (stream.len(), 2, None), "{body:?}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let field = |fields: &str| refused(&with_fields(fields));
    for fields in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length:\r\n",
        "Content-Length: 9999999999999999999999\r\n",
    ] {
        assert_eq!(field(fields), Some(Refusal::Framing), "{fields:?}");
    }
    assert_eq!(
        refused(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Some(Refusal::Framing)
    );
    for (bytes, refusal) in [
        ("GET / HTTP/1.1\r\n\r\n", Refusal::Host),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Refusal::Host),
        ("GET / HTTP/1.1\r\nHost: x/evil\r\n\r\n", Refusal::Host),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Refusal::Host),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Refusal::Host),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", Refusal::Host),
        ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", Refusal::Host),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::OtherHost),
        ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::OtherHost),
        ("GET / HTTP/1.1\nHost: a\n\n", Refusal::LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", Refusal::LineEnd),
        ("GET / HTTP/1.1\r\nHost: a\r\rX: b\r\n\r\n", Refusal::LineEnd),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n\r\n",
            Refusal::Credential,
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX-Api-Key: a\r\nx-api-key: a\r\n\r\n",
            Refusal::Credential,
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", Refusal::Malformed),
        ("GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", Refusal::Malformed),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", Refusal::Malformed),
        ("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", Refusal::Malformed),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", Refusal::Malformed),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\x7fb\r\n\r\n", Refusal::Malformed),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Malformed),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Refusal::Malformed),
        ("G\u{e4}T / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Malformed),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Malformed),
        ("\x16\x03\x01", Refusal::Malformed),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Refusal::Version),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", Refusal::Version),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refusal::Version),
        ("PRI * HT", Refusal::Version),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", Refusal::Connect),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Target),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Target),
        ("GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Target),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Target),
        ("GET /a% HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Target),
        ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Target),
        ("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Target),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", Refusal::Body),
        (
            "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            Refusal::Body,
        ),
    ] {
        assert_eq!(refused(bytes.as_bytes()), Some(refusal), "{bytes:?}");
    }
}

#[test]
fn a_head_is_so_large_and_no_larger() {
    let target =
        |length: usize| refused(format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(length - 1)).as_bytes());
    assert_eq!(target(8 * 1024), None);
    assert_eq!(target(8 * 1024 + 1), Some(Refusal::TargetTooLong));
    assert_eq!(refused(&[b'a'; 9 * 1024]), Some(Refusal::TargetTooLong));
    // Host is one of them.
    assert_eq!(refused(&with_fields(&"a: b\r\n".repeat(99))), None);
    assert_eq!(
        refused(&with_fields(&"a: b\r\n".repeat(100))),
        Some(Refusal::TooManyFields)
    );
    let empty = with_fields("a: \r\n").len();
    let sized = |bytes: usize| refused(&with_fields(&format!("a: {}\r\n", "b".repeat(bytes - empty))));
    assert_eq!(sized(HEAD_MAX_BYTES), None);
    assert_eq!(sized(HEAD_MAX_BYTES + 1), Some(Refusal::HeadTooLarge));
}

#[test]
fn a_body_in_chunks_has_bounds_too() {
    let broken = |body: &str| {
        let stream = [with_fields("Transfer-Encoding: chunked\r\n"), body.into()].concat();
        matches!(scan(&[&stream]), (_, 1, Some(Stop::Body(_))))
    };
    for body in [
        "5\nhello\n0\n\n".to_owned(),
        "5 \r\nhello\r\n0\r\n\r\n".to_owned(),
        "0x5\r\nhello\r\n0\r\n\r\n".to_owned(),
        "\r\n".to_owned(),
        "-1\r\n".to_owned(),
        "5\r\nhello world".to_owned(),
        "5;a\nhello".to_owned(),
        "123456789\r\n".to_owned(),
        format!("1;{}\r\n", "a".repeat(5_000)),
        "1;a=b\r\nx\r\n".repeat(5_000),
        format!("0\r\nx: {}\r\n", "a".repeat(9_000)),
        format!("0\r\n{}", "x: y\r\n".repeat(101)),
        "0\r\nx: a\nb\r\n\r\n".to_owned(),
    ] {
        assert!(broken(&body), "{:?}", &body[..body.len().min(40)]);
    }
}
