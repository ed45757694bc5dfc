use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::error::{Error, Result};

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bind {
    /// A TCP address; port 0 is any free one.
    Tcp(SocketAddr),
    /// A unix socket; a stale file in its place is removed.
    Unix(PathBuf),
}

/// Where a listener listens, after binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Tcp(address) => write!(f, "http://{address}"),
            Bound::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A bound socket that takes connections.
#[derive(Debug)]
pub enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// A unix socket and its file.
    Unix(UnixListener, PathBuf),
}

/// An accepted connection.
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Listener {
    /// Binds.
    ///
    /// # Errors
    /// `UNAVAILABLE`, with the address, what is in the way, and what to do.
    pub async fn bind(bind: &Bind) -> Result<Self> {
        match bind {
            Bind::Tcp(address) => TcpListener::bind(address).await.map(Listener::Tcp).map_err(|error| {
                let help = match error.kind() {
                    io::ErrorKind::AddrInUse => "something listens there already; stop it or choose another port",
                    io::ErrorKind::PermissionDenied => {
                        "ports below 1024 need a right that this process has not; choose another port"
                    }
                    _ => "the address is not one of this machine's, or the network is down",
                };
                Error::unavailable(format!("cannot listen on {address}: {help}")).with_source(error)
            }),
            Bind::Unix(path) => {
                // A file that a killed process left: binding fails while it is there, and nobody listens behind it.
                if path.exists() && UnixStream::connect(path).await.is_err() {
                    let _ = std::fs::remove_file(path);
                }
                UnixListener::bind(path)
                    .map(|listener| Listener::Unix(listener, path.clone()))
                    .map_err(|error| {
                        Error::unavailable(format!(
                            "cannot listen on {}; is another fleet running?",
                            path.display()
                        ))
                        .with_source(error)
                    })
            }
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// `INTERNAL` where the system does not say.
    pub fn bound(&self) -> Result<Bound> {
        match self {
            Listener::Tcp(listener) => listener
                .local_addr()
                .map(Bound::Tcp)
                .map_err(|error| Error::internal("a listener does not know its own address").with_source(error)),
            Listener::Unix(_, path) => Ok(Bound::Unix(path.clone())),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok(Accepted::Tcp(stream, peer))
            }
            Listener::Unix(listener, _) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Listener::Unix(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}
