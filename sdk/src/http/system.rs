//! The six core GETs, the probes and the exposition.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::respond::json;
use crate::auth::Access;
use crate::context::{Context, Phase};
use crate::metrics;
use crate::rpc::header;
use crate::service::{Route, RouteKind, Routes};
use crate::wire::{
    Config, ConfigFeatures, ConfigService, Health, HealthStatus, Identity, Presence, Readiness, SystemHealth,
    SystemVersion, Timestamp, Version,
};

pub(super) fn routes() -> Routes {
    let probe = |path, summary, handler| {
        Route::get(path, Access::Public, handler)
            .says(summary)
            .kind(RouteKind::Probe)
    };
    Routes::new()
        .with(
            Route::get("/health", Access::Public, health)
                .says("Whether the service is well; degraded is still 200.")
                .kind(RouteKind::Probe)
                .gives::<Health>(200, "Healthy or degraded.")
                .gives::<Health>(503, "Unhealthy."),
        )
        .with(
            Route::get("/version", Access::Public, version)
                .says("Which version of which service this is.")
                .kind(RouteKind::Probe)
                .gives::<Version>(200, "The version."),
        )
        .with(
            Route::get("/v1/sys/identity", Access::Public, identity)
                .says("Who this is, where it is found and what it can do.")
                .kind(RouteKind::Probe)
                .gives::<Identity>(200, "The identity."),
        )
        .with(
            Route::get("/v1/sys/health", Access::Public, system_health)
                .says("Each check's last result, uptime and memory.")
                .kind(RouteKind::Probe)
                .gives::<SystemHealth>(200, "Healthy.")
                .gives::<SystemHealth>(503, "Degraded or unhealthy."),
        )
        .with(
            Route::get("/v1/sys/version", Access::Public, system_version)
                .says("Version, commit, build time and runtime.")
                .kind(RouteKind::Probe)
                .gives::<SystemVersion>(200, "The version."),
        )
        .with(
            Route::get("/v1/sys/config", Access::Public, config)
                .control()
                .says("Who this is and what is switched on; no secret, ever.")
                .gives::<Config>(200, "The configuration."),
        )
        .with(
            probe("/healthz", "Whether the process is up.", healthz as fn() -> _).gives_media(
                200,
                "It is.",
                "text/plain",
            ),
        )
        .with(
            Route::get("/readyz", Access::Public, readyz)
                .says("Whether reads are answered and writes are taken.")
                .kind(RouteKind::Probe)
                .gives::<Readiness>(200, "Ready, at least for reads.")
                .gives::<Readiness>(503, "Booting, draining or unable to read."),
        )
        .with(
            Route::get("/v1/", Access::Public, presence)
                .says("That the service is here.")
                .kind(RouteKind::Probe)
                .gives::<Presence>(200, "It is."),
        )
        .with(
            Route::get("/metrics", Access::right("metrics read"), exposition)
                .says("The service's figures for Prometheus.")
                .kind(RouteKind::Probe)
                .gives_media(200, "Text format 0.0.4.", "text/plain"),
        )
}

async fn health(context: Context) -> Response {
    // Two bodies there are; nothing is rendered for a probe.
    let status = context.kernel().health.status();
    let (code, body) = match status {
        HealthStatus::Healthy => (StatusCode::OK, r#"{"status":"healthy"}"#),
        HealthStatus::Degraded => (StatusCode::OK, r#"{"status":"degraded"}"#),
        HealthStatus::Unhealthy => (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unhealthy"}"#),
    };
    (
        code,
        [(CONTENT_TYPE, HeaderValue::from_static("application/json"))],
        body,
    )
        .into_response()
}

fn healthz() -> std::future::Ready<&'static str> {
    std::future::ready("ok")
}

async fn readyz(context: Context) -> Response {
    let kernel = context.kernel();
    let up = *kernel.phase.borrow() == Phase::Ready;
    let stats = kernel.store.stats().await;
    let reads = up && stats.is_ok();
    let readiness = Readiness {
        reads,
        writes: reads && stats.is_ok_and(|stats| !stats.full),
    };
    json(
        if reads {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        &readiness,
    )
}

async fn version(context: Context) -> Response {
    let kernel = context.kernel();
    json(
        StatusCode::OK,
        &Version {
            version: kernel.build.version.clone(),
            service: kernel.record.name.clone(),
            commit: kernel.build.commit.clone(),
        },
    )
}

async fn presence(context: Context) -> Response {
    json(
        StatusCode::OK,
        &Presence {
            ok: true,
            service: context.kernel().record.name.clone(),
        },
    )
}

async fn identity(context: Context) -> Response {
    let mut response = json(StatusCode::OK, &context.kernel().identity());
    // Which of the replicas answered: the roster needs it, and the body's shape is 2.0's.
    if let Ok(instance) = HeaderValue::from_str(&context.kernel().incarnation) {
        response.headers_mut().insert(header::INSTANCE, instance);
    }
    response
}

/// The deep health of a service: also what the gateway answers on `/v1/health`.
pub async fn system_health(context: Context) -> Response {
    let kernel = context.kernel();
    let report = kernel.health.report();
    let body = SystemHealth {
        status: report.status,
        timestamp: Timestamp(kernel.clock.now()),
        uptime: kernel.health.uptime().as_secs_f64(),
        memory: metrics::memory(),
        checks: report.checks.clone(),
    };
    let healthy = report.status == HealthStatus::Healthy;
    let mut response = json(
        if healthy {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        &body,
    );
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn system_version(context: Context) -> Response {
    let kernel = context.kernel();
    let body = SystemVersion {
        version: kernel.build.version.clone(),
        service: kernel.record.name.clone(),
        commit: kernel.build.commit.clone(),
        build_time: kernel.build.time.clone(),
        node_version: kernel.build.runtime.to_owned(),
        runtime: kernel.build.runtime.to_owned(),
        environment: kernel.settings.environment.to_string(),
    };
    json(StatusCode::OK, &body)
}

async fn config(context: Context) -> Response {
    let kernel = context.kernel();
    let features = kernel.settings.features;
    let body = Config {
        service: ConfigService {
            name: kernel.record.name.clone(),
            role: kernel.record.role.clone(),
            version: kernel.build.version.clone(),
            environment: kernel.settings.environment.to_string(),
            port: kernel.port(),
        },
        features: ConfigFeatures {
            rpc: features.rpc,
            events: features.events,
            jobs: features.jobs,
            state: features.state,
        },
    };
    json(StatusCode::OK, &body)
}

async fn exposition(context: Context) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(CONTENT_TYPE, kind)], context.metrics().exposition()).into_response()
}
