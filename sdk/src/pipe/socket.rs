//! A pipe through a WebSocket: binary messages are its bytes, an empty text message says that there is no more from its sender, and a
//! close frame says how the whole of it ended. `docs/reference/pipes.md` has the contract.

use bytes::{Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_util::sync::CancellationToken;

use super::end::{Control, Ending};
use super::{
    BUFFER_BYTES, Broken, CLOSE_TIMEOUT, Cause, LINGER, MESSAGE_MAX_BYTES, PING_AFTER, Pipe, SILENT_AFTER, pair,
};

/// Longest reason of a close frame: a control frame bears 125 bytes, and the code takes two (RFC 6455, section 5.5.1).
const REASON_MAX_BYTES: usize = 123;

/// The client's end of a pipe over a connection that was upgraded to a WebSocket, and what carries its bytes: run it for as long as
/// the pipe is used. It ends with the pipe, and within half a second of `stop`.
pub fn connect<S, F>(socket: S, stop: F) -> (Pipe, impl Future<Output = ()> + Send)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (ours, theirs) = pair();
    (ours, splice(theirs, socket, Role::Client, stop))
}

/// Why the socket is closed, and who says so.
enum Close {
    /// We do.
    Say(Ending),
    /// The other end does.
    Heard(Ending),
    /// Nobody can any more.
    Lost(Broken),
}

impl Close {
    fn ending(&self) -> Ending {
        match self {
            Close::Say(ending) | Close::Heard(ending) => ending.clone(),
            Close::Lost(broken) => Ending::Broken(broken.clone()),
        }
    }

    fn protocol(sentence: impl Into<String>) -> Self {
        Close::Say(Ending::Broken(Broken::new(Cause::Protocol, sentence)))
    }
}

type Sender<S> = SplitSink<WebSocketStream<S>, Message>;
type Receiver<S> = SplitStream<WebSocketStream<S>>;

/// Carries the bytes of a pipe through a socket, both ways, until both have ended or one of them broke.
pub(super) async fn splice<S>(pipe: Pipe, socket: S, role: Role, stop: impl Future<Output = ()> + Send)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let control = pipe.control();
    let socket = WebSocketStream::from_raw_socket(socket, role, Some(limits())).await;
    let (mut sender, mut receiver) = socket.split();
    let (mut reader, mut writer) = tokio::io::split(pipe);
    let said = async {
        let heard_all = CancellationToken::new();
        let close = tokio::select! {
            close = outbound(&mut reader, &mut sender, &control, &heard_all) => close,
            close = inbound(&mut writer, &mut receiver, &heard_all) => close,
        };
        // Who holds the other end learns it now, not when the socket is closed.
        control.end(close.ending());
        // Where it takes longer the socket is dropped, which closes it too.
        let _ = timeout(CLOSE_TIMEOUT, part(&mut sender, &mut receiver, close)).await;
    };
    let stopped = async {
        stop.await;
        sleep(LINGER).await;
    };
    let cut = tokio::select! {
        biased;
        () = said => false,
        () = stopped => true,
    };
    if cut {
        let gone = Ending::Broken(Broken::new(Cause::Gone, "the service is shutting down"));
        control.end(gone.clone());
        let _ = timeout(LINGER, sender.send(Message::Close(Some(frame(&gone))))).await;
    }
}

/// What the local end writes, as messages; pings where it writes nothing.
async fn outbound<S>(
    reader: &mut ReadHalf<Pipe>,
    sender: &mut Sender<S>,
    control: &Control,
    heard_all: &CancellationToken,
) -> Close
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(BUFFER_BYTES);
        let message = tokio::select! {
            read = reader.read_buf(&mut buffer) => match read {
                Ok(0) => break,
                Ok(_) => Message::Binary(buffer.split().freeze()),
                Err(error) => {
                    let why = Broken::of(&error).cloned();
                    return Close::Say(Ending::Broken(why.unwrap_or_else(|| Broken::new(Cause::Lost, error.to_string()))));
                }
            },
            () = sleep(PING_AFTER) => Message::Ping(Bytes::new()),
        };
        send(sender, message).await;
    }
    send(sender, Message::text("")).await;
    loop {
        tokio::select! {
            () = heard_all.cancelled() => return Close::Say(Ending::Clean),
            () = control.peer_gone() => return Close::Say(Ending::Clean),
            () = sleep(PING_AFTER) => send(sender, Message::Ping(Bytes::new())).await,
        }
    }
}

/// Sends a message. Where that cannot be done any more it waits for ever: what was received before tells why, and is read beside it.
async fn send<S: AsyncRead + AsyncWrite + Unpin>(sender: &mut Sender<S>, message: Message) {
    if sender.send(message).await.is_err() {
        std::future::pending().await
    }
}

/// What the other end sends, as bytes for the local one. While they wait to be read nothing is taken from the socket, and no silence
/// is counted.
async fn inbound<S>(writer: &mut WriteHalf<Pipe>, receiver: &mut Receiver<S>, heard_all: &CancellationToken) -> Close
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let message = match timeout(SILENT_AFTER, receiver.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => return fault(error),
            Ok(None) => return Close::Lost(Broken::new(Cause::Lost, "the connection ended without a word")),
            Err(_) => {
                let silent = format!("nothing was heard of the other end for {} s", SILENT_AFTER.as_secs());
                return Close::Lost(Broken::new(Cause::Silent, silent));
            }
        };
        match message {
            Message::Binary(_) if heard_all.is_cancelled() => {
                return Close::protocol("bytes came after the empty text message that says that there is no more");
            }
            Message::Binary(bytes) => {
                if writer.write_all(&bytes).await.is_err() {
                    // Nobody reads here any more; how it ended is what is read from the other half.
                    std::future::pending::<()>().await;
                }
            }
            Message::Text(text) if text.is_empty() => {
                // Shutting down a buffer cannot fail.
                let _ = writer.shutdown().await;
                heard_all.cancel();
            }
            Message::Text(_) => {
                return Close::protocol("a text message came that is not empty; bytes travel in binary messages");
            }
            Message::Close(frame) => return Close::Heard(ending(frame)),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
}

/// The closing handshake: says why, and waits until the other end has said it too.
async fn part<S>(sender: &mut Sender<S>, receiver: &mut Receiver<S>, close: Close)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sent = match close {
        Close::Say(ending) => sender.send(Message::Close(Some(frame(&ending)))).await,
        // The answer to a close is sent with whatever is sent next.
        Close::Heard(_) => sender.flush().await,
        Close::Lost(_) => return,
    };
    if sent.is_ok() {
        while let Some(Ok(_)) = receiver.next().await {}
    }
}

fn fault(error: SocketError) -> Close {
    match error {
        SocketError::Capacity(_) => Close::protocol(format!(
            "a message is at most {MESSAGE_MAX_BYTES} bytes; send it in parts"
        )),
        SocketError::Protocol(tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)
        | SocketError::Io(_)
        | SocketError::ConnectionClosed
        | SocketError::AlreadyClosed => Close::Lost(Broken::new(Cause::Lost, format!("the connection broke: {error}"))),
        other => Close::protocol(format!("the other end broke the protocol: {other}")),
    }
}

fn frame(ending: &Ending) -> CloseFrame {
    let (code, reason) = match ending {
        Ending::Clean => (CloseCode::Normal, ""),
        Ending::Broken(broken) => {
            let code = match broken.cause() {
                Cause::Gone | Cause::Lost | Cause::Silent => CloseCode::Away,
                Cause::Failed => CloseCode::Error,
                Cause::Protocol => CloseCode::Protocol,
            };
            (code, broken.sentence())
        }
    };
    let cut = reason.floor_char_boundary(REASON_MAX_BYTES);
    CloseFrame {
        code,
        reason: (&reason[..cut]).into(),
    }
}

fn ending(frame: Option<CloseFrame>) -> Ending {
    let Some(CloseFrame { code, reason }) = frame else {
        return Ending::Clean;
    };
    let said = |otherwise: &str| {
        if reason.is_empty() {
            otherwise.to_owned()
        } else {
            reason.as_str().to_owned()
        }
    };
    let (cause, sentence) = match code {
        CloseCode::Normal | CloseCode::Status => return Ending::Clean,
        CloseCode::Away => (Cause::Gone, said("the other end went away")),
        CloseCode::Error => (Cause::Failed, said("the other end failed and does not say why")),
        CloseCode::Protocol | CloseCode::Unsupported | CloseCode::Size | CloseCode::Invalid => (
            Cause::Protocol,
            said("the other end took this for a breach of the protocol"),
        ),
        other => (
            Cause::Failed,
            said(&format!("the other end closed with code {}", u16::from(other))),
        ),
    };
    Ending::Broken(Broken::new(cause, sentence))
}

fn limits() -> WebSocketConfig {
    let mut config = WebSocketConfig::default();
    config.read_buffer_size = BUFFER_BYTES;
    config.write_buffer_size = 0;
    // One message of ours and its head, and the control frames that go between.
    config.max_write_buffer_size = 2 * BUFFER_BYTES;
    config.max_message_size = Some(MESSAGE_MAX_BYTES);
    config.max_frame_size = Some(MESSAGE_MAX_BYTES);
    config
}
