//! From who asks to what the handler answers: credential, page, limit of time, panic.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt;
use http::HeaderValue;
use http::header::HOST;
use tower::Service;

use super::arrival::Arrival;
use super::encoding::refuse_encoding;
use super::headers::{caller, number, same_origin, text};
use super::time::time_limit;
use super::{Inner, who};
use crate::audit::Record;
use crate::auth::{Access, Caller, Of, Principal};
use crate::context::{Asked, Context, RequestInfo};
use crate::error::{Error, Kind};
use crate::http::respond::{Forbidden, failure};
use crate::lifecycle::panic_message;
use crate::rpc::header;
use crate::service::RouteKind;

/// Longest `tracestate` that is passed on: what the standard asks of everyone (W3C Trace Context, section 3.3.1.5).
const TRACESTATE_MAX_BYTES: usize = 512;

impl Inner {
    /// Never turned away, since a prober must learn the truth of a busy service; but asked for its credential like anyone.
    pub(super) async fn probe<S>(&self, mut inner: S, request: Request) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        let access = &self.rule.access;
        if *access != Access::Public {
            let mut caller = caller(request.headers());
            if let Err(error) = self.kernel.gate.admit(access, &mut caller) {
                return self.denied(&caller, who::address(&self.kernel, &request), &error);
            }
        }
        never_fails(inner.call(request).await)
    }

    pub(super) async fn run<S>(
        &self,
        mut inner: S,
        mut request: Request,
        request_id: &HeaderValue,
        arrival: Arrival,
    ) -> (Response, Option<Arc<Principal>>)
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        let Arrival {
            begun,
            reserved,
            client,
            shown,
        } = arrival;
        let access = &self.rule.access;
        let mut caller = caller(request.headers());
        let origin = match access {
            Access::Session => same_origin(request.method(), request.headers()),
            _ => Ok(()),
        };
        let recognised;
        (request, recognised) = self.recognise(request, &mut caller).await;
        let (person, recognised) = match recognised {
            Ok(person) => (person, Ok(())),
            Err(error) => (None, Err(error)),
        };
        let identified = match origin.and(recognised) {
            Ok(()) => {
                let host = text(request.headers(), HOST.as_str());
                self.identify(&mut caller, shown, host).await
            }
            refused => refused,
        };
        if let Err(error) = identified.and_then(|()| self.kernel.gate.admit(access, &mut caller)) {
            let page = self.as_page(request, &caller, person, &error).await;
            let answer = match page {
                // Led to where one signs in, and so not refused.
                Some(page) if page.status().is_redirection() => page,
                page => {
                    let refused = match error.kind() {
                        Kind::Unauthenticated | Kind::Forbidden => self.denied(&caller, client, &error),
                        // That nobody can tell who it is now is no denial of anybody.
                        _ => failure(&error),
                    };
                    page.unwrap_or(refused)
                }
            };
            return (answer, None);
        }
        let principal = caller.principal.clone();
        if let Some(refused) = refuse_encoding(request.headers()) {
            return (refused, principal);
        }
        let limit = time_limit(self.rule.kind, request.headers());
        // Without a trace there is nothing that it could speak of.
        let traced = request.headers().contains_key(header::TRACEPARENT);
        let info = RequestInfo {
            caller,
            deadline: limit.map(|limit| begun + limit),
            hops: number(request.headers(), header::HOPS).map_or(0, |hops| u8::try_from(hops).unwrap_or(u8::MAX)),
            repeated: number(request.headers(), header::PREVIOUS_ATTEMPTS).is_some_and(|before| before > 0),
            person,
            request_id: Some(request_id.clone()),
            trace_state: request
                .headers()
                .get(header::TRACESTATE)
                .filter(|state| traced && state.len() <= TRACESTATE_MAX_BYTES)
                .cloned(),
            host: text(request.headers(), HOST.as_str()),
            reserved,
            asked: Asked::default(),
            client,
        };
        let info = Arc::new(info);
        if let Some(action) = self.rule.audited {
            let context = Context::new(Arc::clone(&self.kernel)).within(Arc::clone(&info));
            if let Err(error) = context.audit(Record::allowed(action, request.uri().path())).await {
                return (failure(&error), principal);
            }
        }
        request.extensions_mut().insert(Arc::clone(&info));

        let work = AssertUnwindSafe(async move { never_fails(inner.call(request).await) }).catch_unwind();
        let outcome = match limit {
            // RPC cuts itself off at its own deadline, and who waits answers before it; a stream lasts.
            Some(limit) if !matches!(self.rule.kind, RouteKind::Rpc | RouteKind::Wait) => {
                tokio::time::timeout(limit, work).await
            }
            _ => Ok(work.await),
        };
        let response = match outcome {
            Ok(Ok(response)) if self.forgot_to_ask(&info, &response) => failure(
                &Error::internal(format!(
                    "the handler of {} asked for no right to what the request names",
                    self.name
                ))
                .with_code("UNASKED"),
            ),
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => failure(
                &Error::internal(format!("{} panicked: {}", self.name, panic_message(&*panic))).with_code("PANIC"),
            ),
            Err(_) => failure(&Error::new(
                Kind::DeadlineExceeded,
                format!(
                    "{} took longer than {} ms; longer work is a job",
                    self.name,
                    limit.unwrap_or_default().as_millis()
                ),
            )),
        };
        self.tell_forbidden(&info, &response);
        (self.while_good(&info.caller, response), principal)
    }

    /// Puts on the record what a handler refused for who asked: a thief of a token who tries which methods and keys it opens is seen.
    fn tell_forbidden(&self, info: &RequestInfo, response: &Response) {
        if let Some(forbidden) = response.extensions().get::<Forbidden>() {
            let target = forbidden.target.as_deref().unwrap_or(&self.name);
            self.kernel.denied(&info.caller, info.client, target, &forbidden.code);
        }
    }

    /// Whether a handler went through without asking for the right to the very thing that the request names: then nothing of its answer
    /// leaves, also where the gate is open, so that whoever forgets it sees it at once.
    fn forgot_to_ask(&self, info: &RequestInfo, response: &Response) -> bool {
        let asks = match self.rule.access {
            Access::Right(word) => word.of() != Of::Nothing,
            Access::Credential => true,
            Access::Public | Access::Session => false,
        };
        asks && !info.asked.was() && !response.status().is_client_error() && !response.status().is_server_error()
    }

    /// Refuses, and puts it on the record.
    fn denied(&self, caller: &Caller, address: Option<IpAddr>, error: &Error) -> Response {
        self.kernel.denied(caller, address, &self.name, error.code());
        failure(error)
    }
}

fn never_fails(answer: Result<Response, Infallible>) -> Response {
    match answer {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
