use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::super::scanner::{Scanner, Stop};
use super::{Seen, limits, paused, recorder, scan, through};
use crate::transport::Body;

/// Fragments of which streams are put together: requests, bodies that look like requests, and what is wrong in the ways that matter.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&[u8]> = vec![
        b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /2?a=b HTTP/1.1\r\nHost: x\r\nX-A: b\r\n\r\n",
        b"POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        b"POST /4 HTTP/1.1\r\nHost: x\r\nContent-Length: 28\r\n\r\nGET /no HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /5 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"POST /6 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1c;a=b\r\nGET /no HTTP/1.1\r\nHost: x\r\n\r\n\r\n0\r\na: b\r\n\r\n",
        b"POST /7 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /8 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b":",
        b"0\r\n\r\n",
        b"GET ",
        b"Host: x\r\n",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    prop_oneof![
        12 => proptest::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ]
}

/// A stream, and whether it is damaged: what looks like a request in a body may then be one.
fn stream() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let changed = (any::<proptest::sample::Index>(), any::<u8>());
    let whole = proptest::collection::vec(fragment(), 0..6).prop_map(|fragments| fragments.concat());
    (whole, proptest::option::weighted(0.3, changed)).prop_map(|(mut stream, changed)| {
        let changed = changed.filter(|_| !stream.is_empty());
        if let Some((at, byte)) = changed {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        (stream, changed.is_some())
    })
}

fn split<'a>(stream: &'a [u8], cuts: &[proptest::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    cuts.sort_unstable();
    let ends = cuts.iter().copied().chain([stream.len()]);
    let mut begin = 0;
    ends.map(|end| {
        let piece = &stream[begin..end];
        begin = end;
        piece
    })
    .collect()
}

/// What hyper alone makes of bytes.
async fn hyper_alone(bytes: &[u8]) -> Vec<(String, Option<Vec<u8>>)> {
    let seen = Seen::default();
    let handler = recorder(&seen);
    let (mut ours, theirs) = tokio::io::duplex(1024 * 1024);
    let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let answer = handler.answer(request.map(Body::new));
        async move { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    let serving = hyper::server::conn::http1::Builder::new()
        .half_close(true)
        .serve_connection(hyper_util::rt::TokioIo::new(theirs), service);
    let talk = async {
        ours.write_all(bytes).await.unwrap();
        ours.shutdown().await.unwrap();
        let _ = ours.read_to_end(&mut Vec::new()).await;
    };
    let _ = tokio::join!(serving, talk);
    seen.lock().unwrap().clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn however_a_stream_is_split_the_verdict_is_the_same(
        (stream, _) in stream(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
    ) {
        let whole = scan(&[&stream]);
        prop_assert_eq!(&scan(&split(&stream, &cuts)), &whole);
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        prop_assert_eq!(&scan(&bytes), &whole);
    }

    #[test]
    fn hyper_finds_the_requests_that_were_let_through_and_no_others((stream, damaged) in stream()) {
        let (passed, heads, _) = scan(&[&stream]);
        // The target of each head, where a scanner that is given byte by byte lets it go on.
        let mut targets = Vec::new();
        let (mut scanner, mut held) = (Scanner::new(), Vec::new());
        for byte in &passed {
            let seen = held.len();
            held.push(*byte);
            let before = scanner.heads();
            let (cleared, stop) = scanner.scan(&held, seen);
            prop_assert!(stop.is_ok());
            let gone: Vec<u8> = held.drain(..cleared).collect();
            if scanner.heads() > before {
                let head = String::from_utf8_lossy(&gone).into_owned();
                targets.push(head.trim_start().split(' ').nth(1).unwrap().to_owned());
            }
        }
        prop_assert_eq!(targets.len(), heads as usize);
        let seen = paused().block_on(hyper_alone(&passed));
        let found: Vec<String> = seen.iter().map(|(target, _)| target.clone()).collect();
        // hyper may refuse more, and may close where it was asked to; it never finds another request.
        prop_assert_eq!(&found[..], &targets[..found.len()], "{}", String::from_utf8_lossy(&passed));
        prop_assert!(damaged || found.len() == targets.len(), "{:?} of {:?}", found, targets);
        prop_assert!(damaged || !found.iter().any(|target| target == "/no"));
    }

    #[test]
    fn behind_the_wall_nothing_is_handled_that_was_not_let_through(
        (stream, damaged) in stream(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
    ) {
        let (_, heads, stop) = scan(&[&stream]);
        let (seen, answer) = paused().block_on(through(&split(&stream, &cuts), limits()));
        prop_assert!(seen.len() <= heads as usize);
        prop_assert!(damaged || !seen.iter().any(|(target, _)| target == "/no"));
        if let Some(Stop::Head(refusal)) = stop
            && seen.len() == heads as usize
            && !stream.windows(8).any(|part| part == b"HTTP/1.0")
        {
            prop_assert!(answer.ends_with(refusal.code()), "{answer}");
        }
    }
}
