//! Pipes: a two-way stream of bytes between services, opened by name.
//!
//! Within a process the two ends share a bounded buffer; elsewhere the bytes travel in the frames of a WebSocket (RFC 6455), and
//! neither end can tell. Back-pressure, half-close and the reason of an end are the same on every way.
//!
//! ```
//! use syscall_sdk::{context::Context, error::{Error, Result}, pipe::Pipe, service::Service};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! /// Gives back in capitals what it is sent.
//! async fn shout(_: Context, mut pipe: Pipe) -> Result<()> {
//!     let mut text = String::new();
//!     let broken = |error| Error::unavailable("the caller went away").with_source(error);
//!     pipe.read_to_string(&mut text).await.map_err(broken)?;
//!     pipe.write_all(text.to_uppercase().as_bytes()).await.map_err(broken)
//! }
//! let service = Service::new("core", "1.0.0").pipe("shout", shout);
//!
//! async fn ask(context: &Context) -> std::io::Result<String> {
//!     let mut pipe = context.pipe("core", "shout").await.map_err(std::io::Error::other)?;
//!     pipe.write_all(b"hello").await?;
//!     pipe.shutdown().await?;
//!     let mut answer = String::new();
//!     pipe.read_to_string(&mut answer).await?;
//!     Ok(answer)
//! }
//! ```

mod broken;
mod end;
mod handshake;
mod open;
mod plug;
mod relay;
mod serve;
mod socket;

use std::time::Duration;

use crate::name::NAME_MAX_BYTES;

pub use broken::{Broken, Cause};
pub use end::{Pipe, pair};
pub use handshake::Handshake;
pub(crate) use handshake::{Lack, accept};
pub use open::open;
pub(crate) use plug::Plug;
pub(crate) use relay::join;
pub use serve::Room;
pub(crate) use serve::{over_socket, run};
pub use socket::connect;

/// Bytes that one end may be ahead of the other, each way, beside what the sockets between them hold: a few round trips on a private
/// network, and little enough that [`PIPES_MAX`] pipes of slow readers fit a small container.
pub const BUFFER_BYTES: usize = 64 * 1024;
/// Largest message that is taken from a socket. Ours are never larger than [`BUFFER_BYTES`]; clients in other languages send what
/// their programs write in one piece, and a larger piece is two messages.
pub const MESSAGE_MAX_BYTES: usize = 256 * 1024;
/// Pipes that one service serves at once. At worst each holds two buffers each way and a message, about half a MiB: 128 MiB in all.
pub const PIPES_MAX: usize = 256;
/// An end that has sent nothing for so long sends a ping. The edge lets a WebSocket idle for ever, so pings serve nothing but to find
/// a peer whose machine is gone: nothing is sent where no pipe is open. A platform that puts silent services to sleep (Railway: after
/// 10 minutes) would cut the pipe by it, so an open pipe keeps both awake.
pub const PING_AFTER: Duration = Duration::from_secs(30);
/// An end that listens and has heard nothing for so long takes the other for dead: three pings, so that one may be late and one lost
/// with a connection that the network mends.
pub const SILENT_AFTER: Duration = Duration::from_secs(90);
/// How long the other end may take to answer a close: a round trip and what was on its way. Past it the socket is dropped.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a pipe may go on once its service has stopped, to send what it holds and then why it ends. Twice as long fits the least
/// time that a stop gives its tasks, 500 ms.
const LINGER: Duration = Duration::from_millis(150);
/// Whether a text can name a pipe: 1 to 200 letters, digits, `.`, `_`, `-` or `:`, so that it stands in a path as it is.
pub fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
    (1..=NAME_MAX_BYTES).contains(&name.len()) && name.bytes().all(fits) && name != "." && name != ".."
}
