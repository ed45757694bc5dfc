//! Who is signed in in the browser that asks: found before the gate asks, and led to the sign-in page where it lets nobody in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::HOST;

use super::Inner;
use super::headers::text;
use crate::auth::{Access, Caller};
use crate::context::{Context, Person, RequestInfo};
use crate::error::{Error, Kind, Result};
use crate::http::signin;
use crate::service::RouteKind;

impl Inner {
    /// Puts a signed-in person into the caller, for the gate to ask, and gives the request back. What a program shows goes first: it has no
    /// session. What changes something must have been meant, by a page of this service.
    pub(super) async fn recognise(
        &self,
        request: Request,
        caller: &mut Caller,
    ) -> (Request, Result<Option<Arc<Person>>>) {
        let is_public = self.rule.access == Access::Public;
        // What is public shows at most who reads it.
        let is_read = request.method().is_safe() && signin::is_navigation(&request);
        if !self.signs_in(caller) || (is_public && !is_read) {
            return (request, Ok(None));
        }
        let context = Context::new(Arc::clone(&self.kernel));
        let used = self.rule.kind != RouteKind::Stream;
        // Boxed, here and below: most requests are no person's, and none is to be larger for those that are.
        let (person, principal) = match Box::pin(signin::person_of(&context, request.headers(), used)).await {
            Ok(Some(found)) => found,
            Ok(None) => return (request, Ok(None)),
            Err(_) if is_public => return (request, Ok(None)),
            Err(error) => return (request, Err(error)),
        };
        caller.principal = Some(Arc::new(principal));
        if request.method().is_safe() {
            return (request, Ok(Some(person)));
        }
        let head = head_of(&request);
        match Box::pin(signin::is_meant(&context, request, &person)).await {
            Ok(request) => (request, Ok(Some(person))),
            Err(error) => (head, Err(error)),
        }
    }

    /// A refusal as a person is shown it, where one asks: the way to the sign-in page, or why there is none.
    pub(super) async fn as_page(
        &self,
        request: Request,
        caller: &Caller,
        person: Option<Arc<Person>>,
        error: &Error,
    ) -> Option<Response> {
        if !self.signs_in(caller) || !signin::is_navigation(&request) {
            return None;
        }
        let to = request
            .uri()
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        let reads = request.method().is_safe();
        if reads && error.kind() == Kind::Unauthenticated {
            return Some(signin::lead_to_sign_in(to));
        }
        let info = RequestInfo {
            host: text(request.headers(), HOST.as_str()),
            person,
            ..RequestInfo::default()
        };
        let context = Context::new(Arc::clone(&self.kernel)).within(Arc::new(info));
        Some(Box::pin(signin::refusal(&context, error, if reads { to } else { "/" })).await)
    }

    fn signs_in(&self, caller: &Caller) -> bool {
        self.rule.signs_in && !self.kernel.gate.is_open() && caller.credential.is_none()
    }
}

/// A request without its body.
fn head_of(request: &Request) -> Request {
    let mut head = Request::new(Body::empty());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.headers_mut() = request.headers().clone();
    head
}
