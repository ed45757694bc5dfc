//! Who sees what the wall turns away: the service that answers at the door, in its figures and, now and then, in its log.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::supervisor::Shared;
use crate::http::turn_away;
use crate::transport::{Front, TurnedAway};

/// Between lines that say so: one for each would let whoever attacks fill the log.
const QUIET: Duration = Duration::from_secs(10);

/// The front of a door.
pub(super) fn front(answering: Option<Arc<Shared>>) -> Front {
    let told: Mutex<Option<Instant>> = Mutex::default();
    Front::new(turn_away).reporting(move |away| {
        let life = answering.as_ref().and_then(|lives| lives.life());
        let Some(kernel) = life.map(|life| Arc::clone(&life.kernel)) else {
            return;
        };
        let (reason, address) = match &away {
            TurnedAway::Request(refusal, address) => (refusal.code(), *address),
            TurnedAway::Connection(address) => ("TOO_MANY_CONNECTIONS", Some(*address)),
            TurnedAway::Unaccepted(_) => ("NO_ROOM", None),
        };
        let labels = vec![("reason", reason.to_owned())];
        kernel
            .metrics
            .counter(
                "http_turned_away_total",
                "What never came to be a request, by why.",
                labels,
            )
            .add(1);
        let now = Instant::now();
        {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.is_some_and(|told| now < told + QUIET) {
                return;
            }
            *told = Some(now);
        }
        let error = match away {
            TurnedAway::Request(refusal, _) => refusal.to_string(),
            TurnedAway::Connection(_) => "one address has as many connections as one may".to_owned(),
            TurnedAway::Unaccepted(error) => error.to_string(),
        };
        kernel.scope.span().in_scope(|| {
            tracing::warn!(
                reason,
                client.address = address.map(tracing::field::display),
                error,
                "connections are turned away; http_turned_away_total counts them"
            );
        });
    })
}
