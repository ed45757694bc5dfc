//! What stands before every route: a place, identity of the request, trace, time limit, panics, access, figures.
//!
//! One service instead of a tower of layers: each request passes it once, with one allocation.

mod arrival;
mod client;
mod egress;
mod encoding;
mod headers;
mod page;
#[cfg_attr(not(feature = "pages"), path = "nobody.rs")]
mod person;
mod seat;
mod time;
mod wall;
mod who;

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, StatusCode};
use tokio::time::Instant;
use tower::{Layer, Service};
use tracing::Instrument;

use super::quota::tell_quota;
use super::respond::{Refused, failure};
use crate::admission::{Class, Priority, Reference, Who};
use crate::audit::Record;
use crate::auth::{Access, Caller, Of, Principal};
use crate::context::{Asked, Context, Kernel, RequestInfo};
use crate::error::{Error, Kind};
use crate::lifecycle::panic_message;
use crate::metrics::Counter;
use crate::rpc::header;
use crate::service::RouteKind;
use crate::telemetry::{Histogram, SpanId, join_trace, mark_error, trace_of};
use arrival::Arrival;
use egress::Egress;
use encoding::refuse_encoding;
pub use headers::refuse;
use headers::{caller, identify, number, remote_trace, request_id, same_origin, text};
use page::{dress, dress_page, page_policy};
pub(super) use seat::Measured;
use seat::{Admitted, seated};
use time::time_limit;
pub use wall::turn_away;

/// Longest `tracestate` that is passed on: what the standard asks of everyone (W3C Trace Context, section 3.3.1.5).
const TRACESTATE_MAX_BYTES: usize = 512;

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

    /// A place, if there is one.
    fn admit(&self, request: &Request) -> Result<Admitted, Error> {
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
    fn give_back(&self, admitted: Admitted, response: Response, who: Option<Who>) -> Response {
        let Admitted::AtWork(place) = admitted else {
            return response;
        };
        let measured = response.extensions().get::<Measured>().map(|measured| &measured.0);
        if seat::is_stream(&response) {
            drop(place);
            let admission = &self.kernel.admission;
            let seat = match self.rule.access {
                Access::Public => admission.open_stream(who),
                _ => admission.stream(who),
            };
            return match seat {
                Ok(seat) => seated(response, seat),
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

    fn count(&self, response: &Response, took: Duration) {
        if response.extensions().get::<Refused>().is_some() {
            self.shed.one();
            if self.kernel.admission.is_news() {
                self.kernel.scope.span().in_scope(|| self.tell_of_refusals());
            }
        }
        if self.rule.kind != RouteKind::Probe {
            let traffic = &self.kernel.traffic;
            traffic.requests.one();
            traffic.took.record(took);
            if response.status().is_server_error() {
                traffic.errors.one();
            }
        }
        self.took.record(took);
        self.by_class[class(response.status())].one();
    }

    fn tell_of_refusals(&self) {
        let admission = &self.kernel.admission;
        tracing::warn!(
            in_flight = admission.in_flight(),
            limit = admission.limit(),
            streams = admission.streams(),
            waits = admission.waits(),
            shed = self.shed.get(),
            "requests are turned away before any work, such as {}; more replicas, or less work in each, would take them",
            self.name
        );
    }

    /// Never turned away, since a prober must learn the truth of a busy service; but asked for its credential like anyone.
    async fn probe<S>(&self, mut inner: S, request: Request) -> Response
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

    async fn run<S>(
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
        (response, principal)
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
        self.kernel.denied(caller, address, &self.name, error);
        failure(error)
    }
}

fn never_fails(answer: Result<Response, Infallible>) -> Response {
    match answer {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn class(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, 5) - 1
}
