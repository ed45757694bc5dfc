//! Where a service's processes are: the port, and its implementations [`Table`] (fixed) and [`Dns`] (the private network's names).

mod dns;
mod table;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use futures_util::future::BoxFuture;

pub use dns::Dns;
pub use table::Table;

use crate::error::Result;

/// Where one process listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// A TCP socket.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp(address) => write!(f, "{address}"),
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Finds a service's processes.
pub trait Resolver: Send + Sync + fmt::Debug {
    /// The endpoints of `host` and `port`, all of them, without order. Cancel-safe.
    ///
    /// # Errors
    /// `UNAVAILABLE`, with the name that was asked and what came back.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Result<Vec<Endpoint>>>;
}
