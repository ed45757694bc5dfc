use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::accept::accept;
use super::connection::Service;
use super::{Bound, ConnectionLimits, Handler, Listener, Refusal, Response};
use crate::error::Result;
use crate::lifecycle::Scope;

/// What a server does beside serving: how it answers what is no request, and whom it tells of what it turned away.
#[derive(Clone)]
pub struct Front {
    pub(super) refuse: fn(Refusal) -> Response,
    pub(super) report: Arc<dyn Fn(TurnedAway<'_>) + Send + Sync>,
}

/// What never came to be a request.
#[derive(Debug)]
pub enum TurnedAway<'a> {
    /// What was sent is none, and the connection ends.
    Request(Refusal, Option<IpAddr>),
    /// An address has as many connections as one may, and the next was closed.
    Connection(IpAddr),
    /// The system has no room for another connection; they wait.
    Unaccepted(&'a io::Error),
}

impl Front {
    /// A front that answers so, and tells nobody.
    pub fn new(refuse: fn(Refusal) -> Response) -> Self {
        Front {
            refuse,
            report: Arc::new(|_| {}),
        }
    }

    /// Tells whoever listens.
    #[must_use]
    pub fn reporting(mut self, report: impl Fn(TurnedAway<'_>) + Send + Sync + 'static) -> Self {
        self.report = Arc::new(report);
        self
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Front")
    }
}

/// The peer of a connection, as an extension of its requests; absent on unix sockets and in process.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// A listener that is being served.
#[derive(Debug)]
pub struct Server {
    bound: Bound,
    scope: Scope,
    accepting: CancellationToken,
    ending: Ending,
}

/// Says with an answer that the process which gave it is about to end: whoever has others to ask, asks them.
pub const DRAINING: &str = "x-syscall-draining";

/// How far a server has come on its way out.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    pub(super) retiring: CancellationToken,
    pub(super) draining: CancellationToken,
}

impl Server {
    /// Serves a listener until [`Server::drain`] or the end of `scope`. What is no request never reaches `handler`; `front` answers it.
    ///
    /// # Errors
    /// Where the listener does not know its address.
    pub fn start(
        scope: &Scope,
        listener: Listener,
        handler: Handler,
        front: Front,
        limits: ConnectionLimits,
    ) -> Result<Self> {
        let bound = listener.bound()?;
        let scope = scope.child("server");
        let accepting = scope.token().child_token();
        let ending = Ending::default();
        let service = Service {
            handler,
            front,
            limits,
            ending: ending.clone(),
        };
        scope.spawn("accept", accept(listener, service, scope.clone(), accepting.clone()));
        Ok(Server {
            bound,
            scope,
            accepting,
            ending,
        })
    }

    /// Where it listens.
    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Goes on serving, and says with every answer that its connection ends (RFC 9112, section 9.6): callers learn that they should go
    /// elsewhere while they still can, rather than from a connection that closes under a request of theirs.
    pub fn retire(&self) {
        self.ending.retiring.cancel();
    }

    /// Stops accepting, lets requests in flight finish for up to `grace`, and closes. Gives how many connections were cut.
    pub async fn drain(&self, grace: Duration) -> usize {
        self.accepting.cancel();
        self.ending.draining.cancel();
        let _ = tokio::time::timeout(grace, self.scope.idle()).await;
        self.scope.stop(Duration::ZERO).await.len()
    }
}
