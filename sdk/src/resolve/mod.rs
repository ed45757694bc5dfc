//! Where a service's processes are: the port [`Resolver`] and its implementations [`Table`] (fixed) and [`Dns`] (the private network's
//! names), and [`Discovery`], which keeps what a resolver said of one name fresh for as long as somebody calls it.

mod discovery;
mod dns;
mod found;
mod table;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::BoxFuture;

pub use discovery::Discovery;
pub use dns::Dns;
pub use found::{Found, Freshness};
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

/// What a resolver answered with authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The endpoints, each once, in order of address; none where the name exists nowhere.
    pub endpoints: Vec<Endpoint>,
    /// How long the answer holds, as its source says.
    pub ttl: Duration,
    /// Addresses that were left out, since no process of the fleet can have them.
    pub refused: usize,
}

/// Finds a service's processes.
pub trait Resolver: Send + Sync + fmt::Debug {
    /// The endpoints of `host` and `port`. An answer without endpoints is the word of an authority; an error means that there was no
    /// answer, and that nothing is known. Cancel-safe.
    ///
    /// # Errors
    /// `UNAVAILABLE`, with the name that was asked and what came back.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Result<Answer>>;

    /// What it asks, in a word: `dns`, `table`.
    fn source(&self) -> &'static str;
}
