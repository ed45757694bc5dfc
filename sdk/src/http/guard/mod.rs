//! What stands before every route: a place, identity of the request, trace, time limit, panics, access, figures.
//!
//! One service instead of a tower of layers: each request passes it once, with one allocation.

mod arrival;
mod body;
mod client;
mod egress;
mod encoding;
mod figures;
mod good;
mod headers;
mod page;
#[cfg_attr(not(feature = "pages"), path = "nobody.rs")]
mod person;
mod run;
mod seat;
mod time;
mod wall;
mod who;

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use axum::extract::Request;
use axum::response::Response;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use tokio::time::Instant;
use tower::{Layer, Service};
use tracing::Instrument;

use super::quota::tell_quota;
use super::respond::failure;
use crate::admission::{Class, Priority, Reference};
use crate::auth::Access;
use crate::context::Kernel;
use crate::metrics::Counter;
use crate::service::RouteKind;
use crate::telemetry::{Histogram, SpanId, join_trace, mark_error, trace_of};
use arrival::Arrival;
use egress::Egress;
pub use headers::refuse;
use headers::{identify, remote_trace, request_id};
use page::{dress, dress_page, page_policy};
use seat::Admitted;
pub(super) use seat::Measured;
pub use wall::turn_away;

/// What is let in, and when it is turned away.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// Who may.
    pub(super) access: Access,
    /// How it is limited in time.
    pub(super) kind: RouteKind,
    /// Who is turned away first.
    pub(super) priority: Priority,
    /// Whether what it takes tells something of the service; a refusal takes nothing.
    pub(super) measured: bool,
    /// Of which quota it is a part, beside that of all requests.
    pub(super) class: Option<Class>,
    /// As what it is put on the record, where it is.
    pub(super) audited: Option<&'static str>,
    /// Whether the service's pages ask for a signed-in person.
    pub(super) signs_in: bool,
}

/// The guard of one route: a tower layer.
#[derive(Clone)]
pub(super) struct Guard(Arc<Inner>);

struct Inner {
    kernel: Arc<Kernel>,
    name: String,
    rule: Rule,
    reference: Arc<Reference>,
    by_class: [Counter; 5],
    took: Arc<Histogram>,
    shed: Counter,
    egress: Egress,
    page_policy: HeaderValue,
}

impl Guard {
    pub(super) fn new(kernel: Arc<Kernel>, method: &str, path: &str, rule: Rule) -> Self {
        let labels = || vec![("method", method.to_owned()), ("route", path.to_owned())];
        let by_class = [1, 2, 3, 4, 5].map(|class| {
            let mut labels = labels();
            labels.push(("status", format!("{class}xx")));
            kernel.metrics.counter(
                "http_requests_total",
                "Requests answered, by the first digit of their status.",
                labels,
            )
        });
        let took = kernel.metrics.histogram(
            "http_request_duration_seconds",
            "From the request's head to the answer's.",
            labels(),
        );
        let shed = kernel
            .metrics
            .counter("http_requests_shed_total", "Requests refused before any work.", vec![]);
        let egress = Egress::new(&kernel.metrics);
        let page_policy = page_policy(&kernel, rule.signs_in);
        Guard(Arc::new(Inner {
            name: format!("{method} {path}"),
            kernel,
            rule,
            reference: Arc::default(),
            by_class,
            took,
            shed,
            egress,
            page_policy,
        }))
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;
    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded {
            guard: self.clone(),
            inner,
        }
    }
}

/// A guarded route.
#[derive(Clone)]
pub(super) struct Guarded<S> {
    guard: Guard,
    inner: S,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let guard = Arc::clone(&self.guard.0);
        let ready = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move { Ok(guard.answer(inner, request).await) })
    }
}

impl Inner {
    async fn answer<S>(&self, inner: S, mut request: Request) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        let begun = Instant::now();
        let request_id = request_id(request.headers());
        let remote = remote_trace(request.headers());
        let client = who::address(&self.kernel, &request);
        let shown = who::shown(&self.kernel, request.headers());
        let who = who::who(&self.kernel, request.headers(), shown.as_deref(), client);
        let turns = self.turns(who.as_ref(), begun);
        let in_turn = turns.iter().flatten().try_for_each(|(turn, quota)| turn.admit(quota));

        // Before everything else: who is turned away costs no span, no line and no look at its credential.
        let (mut response, trace) = match in_turn.and_then(|()| self.admit(&request)) {
            Err(error) => (failure(&error), Some(remote.unwrap_or_default().at(SpanId::random()))),
            Ok(Admitted::Probe) => {
                let trace = remote.unwrap_or_default().at(SpanId::random());
                (self.probe(inner, request).await, Some(trace))
            }
            Ok(admitted) => {
                let span = tracing::info_span!(
                    target: "syscall", parent: self.kernel.scope.span(), "request",
                    otel.name = self.name, span.kind = "server", http.request.method = request.method().as_str(),
                    url.path = request.uri().path(), client.address = client.map(tracing::field::display),
                    http.response.status_code = tracing::field::Empty
                );
                join_trace(&span, remote);
                let trace = trace_of(&span);
                request.extensions_mut().insert(span.clone());
                let arrival = Arrival {
                    begun,
                    reserved: admitted.is_reserved(),
                    client,
                    shown,
                };
                let (response, principal) = self
                    .run(inner, request, &request_id, arrival)
                    .instrument(span.clone())
                    .await;
                // A stream is its reader's, also where nobody knew them yet when it was asked for.
                let who = match principal {
                    Some(principal) => who.and_then(|_| who::of(&principal)),
                    None => who,
                };
                let response = self.give_back(admitted, response, who);
                span.record("http.response.status_code", response.status().as_u16());
                if response.status().is_server_error() {
                    mark_error(&span, response.status().as_str());
                }
                (response, trace)
            }
        };

        identify(&mut response, request_id, trace);
        let headers = response.headers_mut();
        for (turn, quota) in turns.iter().flatten() {
            tell_quota(headers, quota, turn);
        }
        dress(headers, self.kernel.settings.environment);
        if headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
        {
            dress_page(headers, &self.page_policy);
        }
        self.count(&response, begun.elapsed());
        self.egress.count(response, client)
    }
}
