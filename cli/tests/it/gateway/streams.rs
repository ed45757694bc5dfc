use futures_util::SinkExt as _;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::*;

/// Reads a stream until a text stands in it.
async fn until(stream: &mut reqwest::Response, text: &str) -> Result<String> {
    let mut read = String::new();
    while !read.contains(text) {
        let chunk = timeout(SOON, stream.chunk()).await?;
        let chunk = chunk?.with_context(|| format!("the stream ended at {read:?}"))?;
        read.push_str(&String::from_utf8_lossy(&chunk));
    }
    Ok(read)
}

#[tokio::test]
async fn a_stream_of_results_comes_through_with_its_end() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let key = fleet.key_with("ada", &["rpc web *"]).await?;
    let open = |accept: &str, params: Value| {
        let request = fleet.http.post(fleet.url("/v1/web/count")).bearer_auth(&key);
        request.header("accept", accept).json(&params).send()
    };
    let mut stream = open("text/event-stream", json!({ "to": 3 })).await?;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let read = until(&mut stream, "event: end").await?;
    assert_eq!(read.matches("data: {\"result\":").count(), 3, "{read}");
    let plain = read_whole(open("application/json", json!({ "to": 3 })).await?).await?;
    plain.is(400, "STREAM_METHOD")?;
    fleet.stop().await;
    Ok(())
}

async fn read_whole(response: reqwest::Response) -> Result<Answer> {
    super::read(response).await
}

#[tokio::test]
async fn whoever_hangs_up_cancels_what_they_asked_for() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let key = fleet.key_with("ada", &["rpc web *"]).await?;
    let request = fleet.http.post(fleet.url("/v1/web/count")).bearer_auth(&key);
    let request = request
        .header("accept", "text/event-stream")
        .json(&json!({ "to": 1, "hold": true }));
    let mut stream = request.send().await?;
    until(&mut stream, "\"result\":0").await?;
    let left = fleet.seen.left.notified();
    drop(stream);
    timeout(SOON, left).await.context("the handler was dropped")?;
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn events_of_a_service_are_followed_and_resumed_by_who_may_read_them() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let reader = fleet.key_with("ada", &["event read order:*"]).await?;
    let other = fleet.key_with("eve", &["rpc web *"]).await?;
    let follow = |key: &str, query: &str, after: &str| {
        let request = fleet
            .http
            .get(fleet.url(&format!("/v1/web/events/stream?{query}")))
            .bearer_auth(key);
        request.header("last-event-id", after).send()
    };
    super::read(follow(&other, "event=order:*", "0").await?)
        .await?
        .is(403, "FORBIDDEN")?;
    super::read(follow(&reader, "", "0").await?)
        .await?
        .is(403, "FORBIDDEN")?;
    let web = Context::new(fleet.web.kernel("web").context("web runs")?);
    for name in ["order:made", "user:made", "order:paid"] {
        web.events().emit(name, Some(value(&json!({ "n": 1 }))?)).await?;
    }
    let mut stream = follow(&reader, "event=order:*", "0").await?;
    let read = until(&mut stream, "order:paid").await?;
    ensure!(read.contains("order:made") && !read.contains("user:made"), "{read}");
    let first = read
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .context("a message has an id")?
        .to_owned();
    drop(stream);
    let mut stream = follow(&reader, "event=order:*", &first).await?;
    let read = until(&mut stream, "order:paid").await?;
    ensure!(!read.contains("order:made"), "{read}");
    drop(stream);
    fleet.stop().await;
    Ok(())
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Opens a pipe through the gateway, or gives the status and body that refuse it.
async fn open(
    fleet: &Fleet,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<std::result::Result<Socket, (u16, String)>> {
    let mut request = format!("ws://{}{path}", fleet.at).into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse()?);
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(Ok(socket)),
        Err(SocketError::Http(answer)) => {
            let body = answer.body().clone().unwrap_or_default();
            Ok(Err((
                answer.status().as_u16(),
                String::from_utf8_lossy(&body).into_owned(),
            )))
        }
        Err(error) => Err(error.into()),
    }
}

#[tokio::test]
async fn a_pipe_comes_through_as_a_web_socket_with_bytes_and_ends_as_they_are() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let key = fleet.key_with("ada", &["pipe open echo"]).await?;
    let bearer = format!("Bearer {key}");
    let mut socket = match open(&fleet, "/v1/web/pipe/echo", &[("authorization", &bearer)]).await? {
        Ok(socket) => socket,
        Err(refused) => anyhow::bail!("{refused:?}"),
    };
    socket.send(Message::binary(&b"over the hills"[..])).await?;
    // There is no more.
    socket.send(Message::text("")).await?;
    let (mut came, mut ended, mut closed) = (Vec::new(), false, None);
    while let Some(message) = timeout(SOON, socket.next()).await? {
        match message? {
            Message::Binary(bytes) => came.extend_from_slice(&bytes),
            Message::Text(text) => ended = text.is_empty(),
            Message::Close(frame) => closed = frame.map(|frame| u16::from(frame.code)),
            _ => {}
        }
    }
    assert_eq!(
        (came.as_slice(), ended, closed),
        (&b"over the hills"[..], true, Some(1000))
    );
    fleet.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_pipe_is_opened_by_who_may_and_by_nobody_elses_page() -> Result<()> {
    let fleet = Fleet::start(&[]).await?;
    let bearer = format!("Bearer {}", fleet.key_with("ada", &["pipe open echo"]).await?);
    let shown = ("authorization", bearer.as_str());
    for (path, headers, status, code) in [
        ("/v1/web/pipe/echo", vec![], 401, "UNAUTHENTICATED"),
        ("/v1/web/pipe/tunnel", vec![shown], 403, "FORBIDDEN"),
        (
            "/v1/web/pipe/echo",
            vec![shown, ("origin", "https://evil.example")],
            403,
            "CROSS_SITE",
        ),
    ] {
        let refused = open(&fleet, path, &headers).await?.err().context("it is refused")?;
        ensure!(
            refused.0 == status && refused.1.contains(code),
            "{path} with {headers:?}: {refused:?}"
        );
    }
    let bearer = format!("Bearer {}", fleet.key_with("eve", &["pipe open *"]).await?);
    let refused = open(&fleet, "/v1/web/pipe/tunnel", &[("authorization", &bearer)])
        .await?
        .err();
    ensure!(
        refused
            .as_ref()
            .is_some_and(|refused| refused.0 == 404 && refused.1.contains("PIPE_NOT_FOUND")),
        "{refused:?}"
    );
    let plain = fleet
        .http
        .get(fleet.url("/v1/web/pipe/echo"))
        .header("authorization", &bearer)
        .send()
        .await?;
    assert_eq!(plain.status(), 426);
    fleet.stop().await;
    Ok(())
}
