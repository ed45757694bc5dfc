//! The place of a request, from its head to the end of its answer.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::Inner;
use super::body::{Companion, accompanied};
use crate::admission::{Place, Priority, Reference, Seat, Who};
use crate::auth::Access;
use crate::error::Error;
use crate::http::respond::failure;
use crate::service::RouteKind;

/// How a request was let in.
#[derive(Debug)]
pub(super) enum Admitted {
    /// As everyone who asks how the service is.
    Probe,
    /// As one of those at work.
    AtWork(Place),
    /// As one of those that wait.
    Waiting(#[expect(dead_code, reason = "it is held until the request ends")] Seat),
}

impl Admitted {
    pub(super) fn is_reserved(&self) -> bool {
        matches!(self, Admitted::AtWork(place) if place.is_reserved())
    }
}

/// On an answer, as an extension: what the call is measured by, where that is not its route.
#[derive(Clone, Debug)]
pub(in crate::http) struct Measured(pub(in crate::http) Arc<Reference>);

impl Inner {
    /// A place, if there is one.
    pub(super) fn admit(&self, request: &Request) -> Result<Admitted, Error> {
        let admission = &self.kernel.admission;
        let waits = || {
            let mut query = request.uri().query().unwrap_or_default().split('&');
            request.method() != http::Method::GET || query.any(|pair| pair.starts_with("wait="))
        };
        match self.rule.kind {
            RouteKind::Probe => Ok(Admitted::Probe),
            RouteKind::Wait if waits() => admission.wait().map(Admitted::Waiting),
            // Which method it is stands in the body; once that is read, work gives back a place that is kept for control.
            RouteKind::Rpc => admission.enter(Priority::Control).map(Admitted::AtWork),
            _ => admission.enter(self.rule.priority).map(Admitted::AtWork),
        }
    }

    /// Gives the place back; the reader of a stream has another for as long as it reads.
    pub(super) fn give_back(&self, admitted: Admitted, response: Response, who: Option<Who>) -> Response {
        let Admitted::AtWork(place) = admitted else {
            return response;
        };
        let measured = response.extensions().get::<Measured>().map(|measured| &measured.0);
        if is_stream(&response) {
            drop(place);
            let admission = &self.kernel.admission;
            let seat = match self.rule.access {
                Access::Public => admission.open_stream(who),
                _ => admission.stream(who),
            };
            return match seat {
                Ok(seat) => accompanied(response, seat),
                Err(error) => failure(&error),
            };
        }
        let reference = match self.rule.kind {
            // Of a relayed call the time is another's.
            RouteKind::Rpc => measured,
            _ => self.rule.measured.then_some(&self.reference),
        };
        let status = response.status();
        let came_through = !status.is_client_error() && !status.is_server_error();
        match reference {
            Some(reference) if came_through || status == StatusCode::GATEWAY_TIMEOUT => {
                place.give_back(reference, came_through);
            }
            _ => drop(place),
        }
        response
    }
}

/// Whether an answer lasts for as long as its reader reads.
pub(super) fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    response.status().is_success() && kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// Held until the reader has it all.
impl Companion for Seat {
    fn gone(&self, _: usize) {}
}
