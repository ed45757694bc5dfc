use std::fmt;
use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::resolve::Endpoint;

/// A two-way stream of bytes to a peer.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Opens connections to endpoints: [`Sockets`], or a network in memory.
pub trait Dial: Send + Sync + fmt::Debug {
    /// A new connection. Cancel-safe.
    ///
    /// # Errors
    /// What kept it from being opened.
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn Stream>>>;
}

/// How long a connection may be silent before the system asks whether the peer is there, and between its questions (reqwest's 15 s): longer
/// than idle connections are kept, so that only one that is waited on is asked.
const KEEPALIVE: Duration = Duration::from_secs(16);
/// How long what was sent may stay unacknowledged before the system gives the connection up (reqwest's default).
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// The system's sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sockets;

impl Dial for Sockets {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, io::Result<Box<dyn Stream>>> {
        Box::pin(async move {
            Ok(match endpoint {
                Endpoint::Tcp(address) => {
                    let stream = TcpStream::connect(address).await?;
                    // Small questions must not wait for the next packet.
                    stream.set_nodelay(true)?;
                    watch(&stream)?;
                    Box::new(stream) as Box<dyn Stream>
                }
                Endpoint::Unix(path) => Box::new(UnixStream::connect(path).await?),
            })
        })
    }
}

/// Lets the system find out about peers that vanished without a word.
fn watch(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}
