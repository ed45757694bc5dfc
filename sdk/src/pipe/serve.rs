use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;

use super::end::Ending;
use super::{Broken, Cause, PIPES_MAX, Pipe, pair, socket};
use crate::error::{Error, Kind, Origin, Result};
use crate::lifecycle::{Scope, panic_message};

/// Room for the pipes that a service serves at once. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Room(Arc<Semaphore>);

impl Room {
    /// Room for [`PIPES_MAX`] pipes.
    pub fn new() -> Self {
        Room(Arc::new(Semaphore::new(PIPES_MAX)))
    }

    /// How many pipes are open.
    pub fn taken(&self) -> usize {
        PIPES_MAX.saturating_sub(self.0.available_permits())
    }

    /// A place for one more pipe.
    pub(crate) fn enter(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| {
            Error::new(
                Kind::Overloaded,
                format!(
                    "{PIPES_MAX} pipes are open here, which is all that a service serves; close one, or come again"
                ),
            )
            .unprocessed()
        })
    }
}

impl Default for Room {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs the handler of a pipe, and ends the pipe as the handler ended: well, with its sentence, or because the caller broke the pipe
/// or `stop` says why it lasts no longer, which both drop the handler where it stands.
pub(crate) async fn run<Fut>(
    pipe: Pipe,
    handler: impl FnOnce(Pipe) -> Fut,
    stop: impl Future<Output = &'static str>,
) -> std::result::Result<(), Broken>
where
    Fut: Future<Output = Result<()>>,
{
    let control = pipe.control();
    let work = async { handler(pipe).await };
    let ended = tokio::select! {
        biased;
        ended = AssertUnwindSafe(work).catch_unwind() => match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failed(error)),
            Err(panic) => {
                tracing::error!(panic = panic_message(&*panic), "the handler of a pipe panicked");
                Err(Broken::new(Cause::Failed, "the handler of the pipe panicked; the service's log has the rest"))
            }
        },
        () = control.peer_broken() => Err(Broken::new(Cause::Gone, "the caller broke the pipe")),
        why = stop => Err(Broken::new(Cause::Gone, why)),
    };
    control.end(match &ended {
        Ok(()) => Ending::Clean,
        Err(broken) => Ending::Broken(broken.clone()),
    });
    ended
}

/// A handler's own sentence is public, as that of a method is.
fn failed(error: Error) -> Broken {
    let error = error.with_origin(Origin::Handler);
    tracing::warn!(error = %error.chain(), "the handler of a pipe failed");
    Broken::new(Cause::Failed, error.message())
}

/// The handler's end of a pipe over a connection that is about to be upgraded; `scope` owns what carries its bytes.
pub(crate) fn over_socket(scope: &Scope, upgrade: OnUpgrade) -> Pipe {
    let (ours, theirs) = pair();
    let stop: CancellationToken = scope.token();
    scope.spawn_graceful("pipe-socket", async move {
        let upgraded = tokio::select! {
            upgraded = upgrade => upgraded,
            () = stop.cancelled() => return,
        };
        match upgraded {
            Ok(socket) => socket::splice(theirs, TokioIo::new(socket), Role::Server, stop.cancelled()).await,
            // Dropping the end breaks the pipe.
            Err(error) => tracing::debug!(error = %error, "the caller of a pipe left before it was open"),
        }
    });
    ours
}
