//! `blackroad pipe SERVICE NAME`: standard input and output as the ends of a pipe.

use std::io::ErrorKind;

use anyhow::{Context as _, Result, anyhow};
use reqwest::{Method, StatusCode};
use syscall_sdk::pipe::{self, Handshake};
use tokio::io::{AsyncWriteExt, copy, split, stdin, stdout};

use crate::args::Pipe;
use crate::failure::Failure;
use crate::print::ReaderGone;
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, args: Pipe) -> Result<()> {
    let Pipe { service, name } = args;
    if !pipe::is_name(&name) {
        return Err(anyhow!(
            "{name:?} names no pipe: a name is 1 to 200 letters, digits, '.', '_', '-' or ':'"
        ));
    }
    let handshake = Handshake::new();
    let mut request = remote.request(Method::GET, &service, &format!("/v1/sys/pipe/{name}"))?;
    for (header, value) in handshake.headers() {
        request = request.header(header, value);
    }
    let response = remote.head(&service, request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.unwrap_or_default();
        return Err(Failure::read(&service, status, &headers, &body).into());
    }
    handshake.check(response.headers())?;
    let socket = response
        .upgrade()
        .await
        .context("the connection broke while the pipe was opened")?;
    let (pipe, carry) = pipe::connect(socket, std::future::pending());
    let talk = async move {
        let (mut from, mut to) = split(pipe);
        let send = async {
            // What cannot be sent any more is told by what is received.
            if copy(&mut stdin(), &mut to).await.is_ok() {
                let _ = to.shutdown().await;
            }
            std::future::pending().await
        };
        let receive = async {
            let mut out = stdout();
            copy(&mut from, &mut out).await?;
            out.flush().await
        };
        tokio::select! {
            biased;
            received = receive => received,
            // Dropping the pipe breaks it, which the handler hears.
            signal = tokio::signal::ctrl_c() => signal,
            never = send => never,
        }
    };
    // The pipe is dropped with what talks through it; what carries it says so to the other end.
    let (outcome, ()) = tokio::join!(talk, carry);
    match outcome {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        other => other.with_context(|| format!("the pipe {name} of {service} broke")),
    }
}
