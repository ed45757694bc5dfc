//! The HTTP surface: one file a syscall family, the guard before every route, the one place that maps an error to a status.

mod allow;
mod cloudevents;
mod commit;
mod events;
mod extract;
mod groups;
mod guard;
mod idempotency;
mod job_retry;
mod job_wait;
mod jobs;
mod observe;
mod openapi;
#[cfg(feature = "pages")]
pub mod pages;
mod peers;
mod pipes;
mod quota;
mod respond;
mod revocations;
mod rpc;
mod rpc_stream;
#[cfg(feature = "pages")]
mod signin;
mod sse;
mod state;
mod subscriptions;
mod system;
mod traces;
#[cfg(feature = "pages")]
pub mod way;
mod why;
mod workflows;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::handler::Handler as _;
use http::HeaderName;
use tower::ServiceExt;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowHeaders, AllowOrigin, Any, CorsLayer};

pub use extract::{Body, Path, Payload, Query, parse};
pub use guard::{refuse, turn_away};
pub use pipes::relay_pipe;
pub use quota::tell_quota;
pub use respond::{Failure, Html, failure, json};
pub use system::system_health;

use crate::admission::{Class, Priority};
use crate::config::Live;
use crate::context::{Context, Kernel};
use crate::error::{Error, Kind};
use crate::rpc::header;
use crate::service::{RouteKind, Routes};
use crate::transport::Handler;
use guard::{Guard, Rule};

/// How long a browser may keep what a preflight said: a list that is changed holds everywhere within ten minutes.
const PREFLIGHT_AGE: Duration = Duration::from_secs(600);

/// Builds everything that a service answers into one handler: the syscalls that are switched on, and its own routes.
pub fn handler(kernel: Arc<Kernel>, own: Routes) -> Handler {
    let context = Context::new(Arc::clone(&kernel));
    let mut routes = syscalls(&kernel);
    let signs_in = own.iter().any(|route| route.access == crate::auth::Access::Session);
    #[cfg(feature = "pages")]
    if signs_in {
        routes.extend(signin::routes());
    }
    routes.extend(own);
    #[cfg(feature = "pages")]
    if !routes.iter().any(|route| route.path == "/") {
        routes.extend(pages::front());
    }
    let document = Arc::<openapi::Document>::default();
    routes.extend(openapi::routes(Arc::clone(&document)));
    document.tells(&routes);
    let guard = |method: &str, path: &str, rule| Guard::new(Arc::clone(&kernel), method, path, rule);

    let mut router = Router::<Context>::new();
    let (routes, otherwise) = routes.into_parts();
    for route in routes {
        let rule = Rule {
            access: route.access,
            kind: route.kind,
            priority: route.priority,
            measured: true,
            class: route.class.or((route.kind == RouteKind::Page).then_some(Class::Page)),
            audited: route.audited,
            signs_in,
        };
        let guard = guard(route.verb.as_str(), route.path, rule);
        let mut methods = route.router;
        if route.kind == RouteKind::Page {
            methods = methods.layer(CompressionLayer::new());
        }
        router = router.route(route.path, methods.layer(guard));
    }
    let nothing = || async {
        failure(
            &Error::not_found("there is nothing at this path; GET /v1/sys/openapi.json lists what is")
                .with_code("ROUTE_NOT_FOUND"),
        )
    };
    let not_so = || async {
        failure(&Error::new(
            Kind::MethodNotAllowed,
            "this path does not take this method; the Allow header says which it takes",
        ))
    };
    let nowhere = Rule {
        access: crate::auth::Access::Public,
        kind: RouteKind::Plain,
        priority: Priority::Work,
        measured: false,
        class: None,
        audited: None,
        signs_in: false,
    };
    let unmatched = guard("ANY", "unmatched", nowhere);
    let nothing = axum::routing::any(nothing).with_state::<()>(());
    let nowhere = match otherwise {
        None => nothing.layer(unmatched.clone()),
        Some(page) => {
            let page = page.layer(CompressionLayer::new()).with_state::<()>(context.clone());
            let choose = tower::service_fn(move |request: axum::extract::Request| {
                let chosen = if wants_page(&request) {
                    page.clone()
                } else {
                    nothing.clone()
                };
                chosen.oneshot(request)
            });
            axum::routing::any_service(choose).layer(unmatched.clone())
        }
    };
    router = router
        .fallback_service(nowhere)
        .method_not_allowed_fallback(not_so.layer(unmatched));
    let router: Router = router.with_state(context);
    let (live, crossed) = (kernel.live.clone(), Arc::<OnceLock<Router>>::default());
    Handler::new(move |request| {
        // Other origins' scripts cost something where they may call at all, and there alone.
        let router = if live.allows_origins() {
            crossed.get_or_init(|| router.clone().layer(cors(live.clone())))
        } else {
            &router
        };
        let answer = router.clone().oneshot(request);
        Box::pin(async move {
            match answer.await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    })
}

/// Whether a person asks with a browser, for what may be a page.
fn wants_page(request: &axum::extract::Request) -> bool {
    let path = request.uri().path();
    let accepts = request.headers().get(http::header::ACCEPT);
    request.method().is_safe()
        && !path.starts_with("/v1/")
        && !path.starts_with("/_")
        && accepts.is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// The one list of syscalls.
fn syscalls(kernel: &Kernel) -> Routes {
    let features = kernel.settings.features;
    let mut routes = Routes::new();
    routes.extend(system::routes());
    routes.extend(observe::routes());
    routes.extend(traces::routes());
    routes.extend(peers::routes());
    routes.extend(why::routes());
    routes.extend(revocations::routes());
    #[cfg(feature = "pages")]
    routes.extend(pages::routes());
    for (on, family) in [
        (features.rpc, rpc::routes as fn() -> Routes),
        (features.rpc, pipes::routes),
        (features.events, events::routes),
        (features.events, groups::routes),
        (features.events, subscriptions::routes),
        (features.jobs, jobs::routes),
        (features.jobs, job_retry::routes),
        // A run is a job.
        (features.jobs, workflows::routes),
        (features.state, state::routes),
        (features.state, commit::routes),
    ] {
        if on {
            routes.extend(family());
        }
    }
    routes
}

/// Lets scripts of the origins call that are allowed when they do.
fn cors(live: Live) -> CorsLayer {
    let allowed = AllowOrigin::predicate(move |origin, _| {
        let told = live.now();
        let mut allowed = told.settings.allowed_origins.iter();
        allowed.any(|allowed| allowed == "*" || allowed.as_bytes() == origin.as_bytes())
    });
    // What a script may read of an answer beside the few fields that it always may.
    let told = [
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        header::REQUEST_ID,
        header::ORIGIN,
        header::VERSION,
        header::IDEMPOTENCY_REPLAYED,
    ];
    CorsLayer::new()
        .allow_methods(Any)
        // Named one by one: a `*` does not stand for Authorization (Fetch, "CORS-unsafe request-header names").
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(told.map(HeaderName::from_static))
        .max_age(PREFLIGHT_AGE)
        .allow_origin(allowed)
}
