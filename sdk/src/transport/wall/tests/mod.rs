//! The wall, from the bytes that it is given to what the handler behind it sees.

mod heads;
mod laws;
mod times;

use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::scanner::{Scanner, Stop};
use crate::transport::connection::{Service, serve};
use crate::transport::{Body, ConnectionLimits, Front, Handler};

/// What a scanner makes of bytes that come in pieces: which of them go on, how many heads there were, and where it stopped.
pub(super) fn scan(pieces: &[&[u8]]) -> (Vec<u8>, u32, Option<Stop>) {
    let mut scanner = Scanner::new();
    let (mut passed, mut held) = (Vec::new(), Vec::new());
    for piece in pieces {
        let seen = held.len();
        held.extend_from_slice(piece);
        let (cleared, stop) = scanner.scan(&held, seen);
        passed.extend(held.drain(..cleared));
        if let Err(stop) = stop {
            return (passed, scanner.heads(), Some(stop));
        }
    }
    (passed, scanner.heads(), None)
}

/// The requests that a handler was asked to answer, as target and body; a body that broke off is none.
pub(super) type Seen = Arc<Mutex<Vec<(String, Option<Vec<u8>>)>>>;

pub(super) fn recorder(seen: &Seen) -> Handler {
    let seen = Arc::clone(seen);
    Handler::new(move |request| {
        let seen = Arc::clone(&seen);
        Box::pin(async move {
            let target = request.uri().to_string();
            let body = request.into_body().collect().await;
            let body = body.ok().map(|body| body.to_bytes().to_vec());
            seen.lock().unwrap().push((target, body));
            http::Response::new(Body::from("ok"))
        })
    })
}

pub(super) fn limits() -> ConnectionLimits {
    ConnectionLimits::default()
}

/// Sends pieces to a connection with a wall, and gives what its handler saw and what came back.
pub(super) async fn through(pieces: &[&[u8]], limits: ConnectionLimits) -> (Vec<(String, Option<Vec<u8>>)>, String) {
    let seen = Seen::default();
    let (mut ours, theirs) = tokio::io::duplex(64 * 1024);
    let service = Service {
        handler: recorder(&seen),
        front: Front::new(|refusal| http::Response::new(Body::from(refusal.code()))),
        limits,
        ending: Default::default(),
    };
    let talk = async {
        for piece in pieces {
            // It may have been closed meanwhile.
            if ours.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let mut answer = Vec::new();
        // What is waited for is waited for without an end on our side; paused time goes on to its limits.
        let _ = ours.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let ((), answer) = tokio::join!(serve(theirs, None, service), talk);
    let seen = seen.lock().unwrap().clone();
    (seen, answer)
}

pub(super) fn paused() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}
