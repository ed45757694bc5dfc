//! What stands before every route: shedding, identity of the request, trace, time limit, panics, access, figures.
//!
//! One service instead of a tower of layers: each request passes it once, with one allocation.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName};
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;
use tower::{Layer, Service};
use tracing::Instrument;
use uuid::Uuid;

use super::respond::failure;
use crate::auth::{Access, Caller};
use crate::config::{Environment, Secret};
use crate::context::{Kernel, RequestInfo};
use crate::error::{Error, Kind};
use crate::lifecycle::panic_message;
use crate::metrics::Counter;
use crate::policy::REQUEST_TIMEOUT;
use crate::rpc::header;
use crate::service::RouteKind;
use crate::telemetry::{Histogram, SpanId, TraceContext, join_trace, mark_error, trace_of};

/// Longest request id that is taken over from a caller; a UUID has 36.
const REQUEST_ID_MAX: usize = 128;
/// Longest `tracestate` that is passed on: what the standard asks of everyone (W3C Trace Context, section 3.3.1.5).
const TRACESTATE_MAX_BYTES: usize = 512;
/// Counts requests in flight of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct InFlight {
    now: Arc<AtomicUsize>,
    most: usize,
}

struct Place(Arc<AtomicUsize>);

impl InFlight {
    pub(super) fn new(most: usize) -> Self {
        InFlight {
            now: Arc::default(),
            most,
        }
    }

    fn enter(&self) -> Option<Place> {
        let place = Place(Arc::clone(&self.now));
        (self.now.fetch_add(1, Ordering::Relaxed) < self.most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The guard of one route: a tower layer.
#[derive(Clone)]
pub(super) struct Guard(Arc<Inner>);

struct Inner {
    kernel: Arc<Kernel>,
    in_flight: InFlight,
    name: String,
    access: Access,
    kind: RouteKind,
    by_class: [Counter; 5],
    took: Arc<Histogram>,
    shed: Counter,
    page_policy: HeaderValue,
}

impl Guard {
    pub(super) fn new(
        kernel: Arc<Kernel>,
        in_flight: InFlight,
        method: &str,
        path: &str,
        access: Access,
        kind: RouteKind,
    ) -> Self {
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
        let page_policy = page_policy(&kernel);
        Guard(Arc::new(Inner {
            name: format!("{method} {path}"),
            kernel,
            in_flight,
            access,
            kind,
            by_class,
            took,
            shed,
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
        let remote = request
            .headers()
            .get(header::TRACEPARENT)
            .and_then(|value| TraceContext::parse(value.to_str().ok()?));

        let (mut response, trace) = if self.kind == RouteKind::Probe {
            let trace = remote.unwrap_or_default().at(SpanId::random());
            (self.run(inner, request, &request_id, begun).await, Some(trace))
        } else {
            let span = tracing::info_span!(
                target: "syscall", parent: self.kernel.scope.span(), "request",
                otel.name = self.name, span.kind = "server", http.request.method = request.method().as_str(),
                url.path = request.uri().path(), http.response.status_code = tracing::field::Empty
            );
            join_trace(&span, remote);
            let trace = trace_of(&span);
            request.extensions_mut().insert(span.clone());
            let response = self
                .run(inner, request, &request_id, begun)
                .instrument(span.clone())
                .await;
            span.record("http.response.status_code", response.status().as_u16());
            if response.status().is_server_error() {
                mark_error(&span, response.status().as_str());
            }
            (response, trace)
        };

        identify(&mut response, request_id, trace);
        let headers = response.headers_mut();
        if headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
        {
            dress_page(headers, &self.page_policy);
        }
        let took = begun.elapsed();
        if self.kind != RouteKind::Probe {
            let traffic = &self.kernel.traffic;
            traffic.requests.one();
            traffic.took.record(took);
            if response.status().is_server_error() {
                traffic.errors.one();
            }
        }
        self.took.record(took);
        self.by_class[class(response.status())].one();
        response
    }

    async fn run<S>(&self, mut inner: S, mut request: Request, request_id: &HeaderValue, begun: Instant) -> Response
    where
        S: Service<Request, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        if self.kind == RouteKind::Probe {
            // Never shed, since a prober must learn the truth of a busy service; but asked for its credential like anyone.
            if self.access != Access::Public
                && let Err(error) = self.kernel.gate.admit(&self.access, &caller(request.headers()))
            {
                return failure(&error);
            }
            return never_fails(inner.call(request).await);
        }
        let Some(_place) = self.in_flight.enter() else {
            self.shed.one();
            return failure(&Error::new(
                Kind::Overloaded,
                "too many requests are in flight here; nothing of this one was done, send it again",
            ));
        };
        if self.access == Access::Session
            && let Err(error) = same_origin(request.method(), request.headers())
        {
            return failure(&error);
        }
        let caller = caller(request.headers());
        if let Err(error) = self.kernel.gate.admit(&self.access, &caller) {
            return failure(&error);
        }
        let limit = self.limit(request.headers());
        // Without a trace there is nothing that it could speak of.
        let traced = request.headers().contains_key(header::TRACEPARENT);
        let info = RequestInfo {
            caller,
            deadline: limit.map(|limit| begun + limit),
            hops: number(request.headers(), header::HOPS)
                .and_then(|hops| u8::try_from(hops).ok())
                .unwrap_or(0),
            request_id: Some(request_id.clone()),
            trace_state: request
                .headers()
                .get(header::TRACESTATE)
                .filter(|state| traced && state.len() <= TRACESTATE_MAX_BYTES)
                .cloned(),
            host: text(request.headers(), HOST.as_str()),
        };
        request.extensions_mut().insert(Arc::new(info));

        let work = AssertUnwindSafe(async move { never_fails(inner.call(request).await) }).catch_unwind();
        let outcome = match limit {
            // RPC cuts itself off at its own deadline; a stream lasts.
            Some(limit) if self.kind != RouteKind::Rpc => tokio::time::timeout(limit, work).await,
            _ => Ok(work.await),
        };
        match outcome {
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
        }
    }

    /// How long the caller waits, at most; `None` where the route has no end of its own.
    fn limit(&self, headers: &HeaderMap) -> Option<Duration> {
        let callers = number(headers, header::TIMEOUT).map(Duration::from_millis);
        match self.kind {
            RouteKind::Stream => None,
            RouteKind::Rpc => callers,
            RouteKind::Plain | RouteKind::Page | RouteKind::Probe => {
                Some(callers.unwrap_or(REQUEST_TIMEOUT).min(REQUEST_TIMEOUT))
            }
        }
    }
}

/// A refusal from before any service's guard, such as a door's: identified as every answer is.
pub fn refuse(headers: &HeaderMap, error: &Error) -> Response {
    let remote = headers
        .get(header::TRACEPARENT)
        .and_then(|value| TraceContext::parse(value.to_str().ok()?));
    let trace = remote.unwrap_or_default().at(SpanId::random());
    let mut response = failure(error);
    identify(&mut response, request_id(headers), Some(trace));
    response
}

fn identify(response: &mut Response, request_id: HeaderValue, trace: Option<TraceContext>) {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(header::REQUEST_ID), request_id);
    if let Some(value) = trace.and_then(|trace| HeaderValue::try_from(trace.to_string()).ok()) {
        headers.insert(HeaderName::from_static(header::TRACEPARENT), value);
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// What a signed-in person does must come from the service's own pages: a browser sends the session along whichever page asks.
fn same_origin(method: &http::Method, headers: &HeaderMap) -> Result<(), Error> {
    let from = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if method.is_safe() || matches!(from, None | Some(b"same-origin" | b"none")) {
        return Ok(());
    }
    Err(Error::new(
        Kind::Forbidden,
        "a page of another site asked for this on your behalf; do it from this service's own page",
    )
    .with_code("CROSS_SITE"))
}

fn never_fails(answer: Result<Response, Infallible>) -> Response {
    match answer {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The caller's own where it is harmless in a log, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    match headers.get(header::REQUEST_ID) {
        Some(id) if (1..=REQUEST_ID_MAX).contains(&id.len()) && id.as_bytes().iter().all(harmless) => id.clone(),
        _ => {
            let mut text = Uuid::encode_buffer();
            let id: &str = Uuid::now_v7().hyphenated().encode_lower(&mut text);
            HeaderValue::from_str(id).expect("a UUID is made of hexadecimal digits and dashes")
        }
    }
}

fn caller(headers: &HeaderMap) -> Caller {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    Caller {
        service: text(header::SERVICE_NAME),
        role: text(header::SERVICE_ROLE),
        credential: text(AUTHORIZATION.as_str()).map(Secret::new),
    }
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

fn class(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, 5) - 1
}

fn dress_page(headers: &mut HeaderMap, policy: &HeaderValue) {
    headers
        .entry("content-security-policy")
        .or_insert_with(|| policy.clone());
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        headers
            .entry(HeaderName::from_static(name))
            .or_insert(HeaderValue::from_static(value));
    }
}

/// Pages load nothing from elsewhere and run no script of their own text; only the fleet's own pages frame one another, since the
/// shell opens them in windows.
fn page_policy(kernel: &Kernel) -> HeaderValue {
    let environment = kernel.settings.environment;
    let mut fleet = "'self'".to_owned();
    if environment == Environment::Development {
        fleet.push_str(" http://localhost:* http://*.localhost:*");
    }
    for service in kernel.registry.services() {
        fleet.push(' ');
        fleet.push_str(
            &kernel
                .registry
                .public_url(&service.key, environment)
                .unwrap_or_default(),
        );
    }
    let policy = format!(
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src {fleet}; \
         frame-ancestors {fleet}; base-uri 'none'; form-action 'self'; object-src 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}
