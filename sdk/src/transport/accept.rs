use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::connection::{Service, serve};
use super::listener::Accepted;
use super::server::TurnedAway;
use super::{Listener, tend};
use crate::lifecycle::Scope;
use crate::policy::{Crowd, party};

/// How long to wait after the system refused a connection, such as for want of file descriptors: as Go's server does, from a moment to what
/// a client still waits for.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Takes connections until it is told to stop, and serves each in a task of its own.
pub(super) async fn accept(listener: Listener, service: Service, scope: Scope, accepting: CancellationToken) {
    let limits = service.limits;
    let room = Arc::new(Semaphore::new(limits.connections_max));
    let crowd = Crowd::default();
    let mut pause = PAUSE_MIN;
    loop {
        let accepted = tokio::select! {
            biased;
            () = accepting.cancelled() => return,
            accepted = async {
                let place = Arc::clone(&room).acquire_owned().await;
                (listener.accept().await, place)
            } => accepted,
        };
        let (accepted, place) = match accepted {
            (Ok(accepted), Ok(place)) => (accepted, place),
            (Err(error), _) if is_of_the_peer(&error) => continue,
            (Err(error), _) => {
                (service.front.report)(TurnedAway::Unaccepted(&error));
                tokio::select! {
                    () = accepting.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(PAUSE_MAX);
                continue;
            }
            // The semaphore is never closed.
            (_, Err(_)) => return,
        };
        pause = PAUSE_MIN;
        let service = service.clone();
        match accepted {
            Accepted::Tcp(stream, peer) => {
                let most = limits.connections_per_address.unwrap_or(limits.connections_max);
                let Some(member) = crowd.enter(party(peer.ip()), most) else {
                    (service.front.report)(TurnedAway::Connection(peer.ip()));
                    continue;
                };
                if tend(&stream).is_err() {
                    // It has hung up already.
                    continue;
                }
                scope.spawn("connection", async move {
                    serve(stream, Some(peer), service).await;
                    drop((member, place));
                });
            }
            Accepted::Unix(stream) => scope.spawn("connection", async move {
                serve(stream, None, service).await;
                drop(place);
            }),
        }
    }
}

/// Whether a connection ended before it was accepted, which says nothing of the system.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
