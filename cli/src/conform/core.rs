//! The six core GETs, the probes and what every service says of itself.

use std::time::{Duration, Instant};

use serde_json::Value;
use syscall_sdk::clock::Clock;
use syscall_sdk::config::Environment;
use syscall_sdk::registry::Way;

use super::probe::Probe;
use super::reply::{Is, has, moment};
use super::rule::{Rule, Verdict, ensure, fail, rule, skip};

pub(super) const RULES: &[Rule] = &[
    rule!(Core V2 Required, "/health answers 200 healthy or degraded, or 503 unhealthy", "2.0 — core: GET /health", health),
    rule!(Core V2 Required, "/version names the version and the service", "2.0 — core: GET /version", version),
    rule!(Core V2 Required, "identity has every key of the contract in its type", "2.0 — core: Identity", identity),
    rule!(Core V2 Required, "identity is that of the service which was asked for", "`service` in answers is the registry name", who),
    rule!(Core V2 Required, "identity's dns is its environment's column of the registry", "2.0 — core: `dns` is the environment's column", dns),
    rule!(Core V2 Required, "identity's internalHost is the internal URL with scheme and port", "2.0 — core: `internalHost`", internal_host),
    rule!(Core V2 Required, "sys/health has status, timestamp, uptime, memory and checks", "2.0 — core: GET /v1/sys/health", system_health),
    rule!(Core V2 Required, "sys/health is 200 when healthy, and 503 with the same body when not", "2.0 — core: 503, same body, when degraded or unhealthy", system_health_status),
    rule!(Core V2 Required, "each check is ok, degraded or down", "2.0 — core: checks", checks),
    rule!(Core V2 Required, "a basic and a deep health answer take under 100 ms", "a basic or deep health answer takes under 100 ms", quick),
    rule!(Core V2 Recommended, "sys/version has version, service, nodeVersion and environment", "2.0 — core: GET /v1/sys/version", system_version),
    rule!(Core V2 Recommended, "sys/config has service and features", "2.0 — core: GET /v1/sys/config", config),
    rule!(Core V2 Recommended, "sys/config holds no secret", "2.0 — core: no secret, ever", no_secret),
    rule!(Core V2 Recommended, "the features of sys/config are the capabilities of identity", "`ENABLE_*`: `capabilities` and `features` say so", features),
    rule!(Core Ours Required, "sys/version says its runtime twice", "2.0 — core: `runtime` says the same under a better name", runtime),
    rule!(Core Ours Required, "sys/health's timestamp is now", "timestamps RFC 3339 in UTC", now),
    rule!(Core Ours Required, "/healthz answers 200", "Ours: GET /healthz", healthz),
    rule!(Core Ours Required, "/readyz says whether reads and writes are taken", "Ours: GET /readyz", readyz),
    rule!(Core Ours Required, "/metrics is a Prometheus exposition", "Ours: GET /metrics", metrics),
    rule!(Core Ours Required, "/v1/ says that the service is here", "Ours: GET /v1/", presence),
    rule!(Core Ours Required, "openapi.json is OpenAPI 3.1 and lists the syscalls that are on", "Ours: GET /v1/sys/openapi.json", openapi),
    rule!(Core Ours Required, "every operation of openapi.json declares its access", "Every route declares who may call it", access),
    rule!(Core Ours Required, "the gateway's /v1/health is its deep health", "Ours: api also answers GET /v1/health", gateway),
];

const STATUS: Is = Is::OneOf(&["healthy", "degraded", "unhealthy"]);

async fn health(probe: &Probe) -> Verdict {
    let reply = probe.get("/health").await?;
    let wanted = match reply.json["status"].as_str() {
        Some("healthy" | "degraded") => 200,
        Some("unhealthy") => 503,
        _ => return fail(format!("{}, where status is no health", reply.shown())),
    };
    reply.status(wanted)
}

async fn version(probe: &Probe) -> Verdict {
    let reply = probe.get("/version").await?;
    reply.has(200, &[("version", Is::Word), ("service", Is::Word)])
}

async fn identity(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/identity").await?;
    reply.has(
        200,
        &[
            ("service", Is::Word),
            ("role", Is::Word),
            ("version", Is::Word),
            (
                "environment",
                Is::OneOf(&["production", "development", "staging", "test"]),
            ),
            ("dns.cloudflare", Is::Text),
            ("dns.railway", Is::Text),
            ("dns.internal", Is::Text),
            ("runtime.railwayHost", Is::Text),
            ("runtime.internalHost", Is::Text),
            ("runtime.port", Is::Whole),
            ("runtime.pid", Is::Whole),
            ("runtime.uptime", Is::Number),
            ("health.status", STATUS),
            ("health.uptime", Is::Number),
            ("health.lastCheck", Is::Moment),
            ("capabilities", Is::Array),
        ],
    )
}

async fn who(probe: &Probe) -> Verdict {
    let Some(expected) = &probe.expected else {
        return skip("nobody said which service this is; --service does");
    };
    let version = probe.get("/version").await?;
    for told in [&probe.identity["service"], &version.json["service"]] {
        ensure(*told == *expected.name, || {
            format!("it says {told}, not {:?}", expected.name)
        })?;
    }
    ensure(probe.identity["role"] == *expected.role, || {
        format!("its role is {}, not {:?}", probe.identity["role"], expected.role)
    })
}

async fn dns(probe: &Probe) -> Verdict {
    let Some(record) = probe.record() else {
        return skip("the registry does not know this service");
    };
    let production = probe.identity["environment"] == "production";
    let environment = if production {
        Environment::Production
    } else {
        Environment::Development
    };
    let url = |way| probe.registry.url(&record.key, environment, way).unwrap_or_default();
    let cloudflare = if production {
        url(Way::Cloudflare)
    } else {
        String::new()
    };
    for (name, wanted) in [
        ("cloudflare", cloudflare),
        ("railway", url(Way::Railway)),
        ("internal", url(Way::Internal)),
    ] {
        let told = &probe.identity["dns"][name];
        ensure(*told == *wanted, || format!("dns.{name} is {told}, not {wanted:?}"))?;
    }
    Ok(())
}

async fn internal_host(probe: &Probe) -> Verdict {
    let host = probe.identity["runtime"]["internalHost"].as_str().unwrap_or_default();
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    ensure(
        host.starts_with("http") && host.contains("://") && port.is_some(),
        || format!("runtime.internalHost is {host:?}"),
    )
}

async fn system_health(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/health").await?;
    let fields = [
        ("status", STATUS),
        ("timestamp", Is::Moment),
        ("uptime", Is::Number),
        ("memory.rss", Is::Whole),
        ("memory.heapTotal", Is::Whole),
        ("memory.heapUsed", Is::Whole),
        ("memory.external", Is::Whole),
        ("checks", Is::Object),
    ];
    reply.has(reply.status, &fields)
}

async fn system_health_status(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/health").await?;
    reply.status(if reply.json["status"] == "healthy" { 200 } else { 503 })
}

async fn checks(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/health").await?;
    let fields = [
        ("status", Is::OneOf(&["ok", "degraded", "down"])),
        ("message?", Is::Text),
        ("latency?", Is::Number),
    ];
    let checks = reply.json["checks"].as_object().into_iter().flatten();
    checks.into_iter().try_for_each(|(_, check)| has(check, &fields))
}

async fn quick(probe: &Probe) -> Verdict {
    for path in ["/health", "/v1/sys/health"] {
        let mut best = Duration::MAX;
        // The best of five: the rule is about the service, not about a busy machine.
        for _ in 0..5 {
            let begun = Instant::now();
            probe.get(path).await?;
            best = best.min(begun.elapsed());
        }
        ensure(best < Duration::from_millis(100), || {
            format!("GET {path} took {} ms at best", best.as_millis())
        })?;
    }
    Ok(())
}

async fn system_version(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/version").await?;
    reply.has(
        200,
        &[
            ("version", Is::Word),
            ("service", Is::Word),
            ("nodeVersion", Is::Word),
            ("environment", Is::Word),
            ("commit?", Is::Text),
            ("buildTime?", Is::Text),
        ],
    )
}

async fn config(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/config").await?;
    reply.has(
        200,
        &[
            ("service.name", Is::Word),
            ("service.role", Is::Word),
            ("service.version", Is::Word),
            ("service.environment", Is::Word),
            ("service.port", Is::Whole),
            ("features.rpc", Is::Bool),
            ("features.events", Is::Bool),
            ("features.jobs", Is::Bool),
            ("features.state", Is::Bool),
        ],
    )
}

async fn no_secret(probe: &Probe) -> Verdict {
    const TELLTALE: [&str; 6] = ["password", "secret", "token", "credential", "postgres://", "bearer"];
    let reply = probe.get("/v1/sys/config").await?;
    reply.status(200)?;
    let text = reply.text.to_lowercase();
    match TELLTALE.into_iter().find(|word| text.contains(word)) {
        Some(word) => fail(format!("the configuration speaks of {word:?}")),
        None => Ok(()),
    }
}

async fn features(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/config").await?;
    reply.status(200)?;
    for name in ["rpc", "events", "jobs", "state"] {
        let (feature, listed) = (&reply.json["features"][name], probe.can(name));
        ensure(*feature == listed, || {
            format!(
                "features.{name} is {feature}, and the capabilities {} it",
                if listed { "list" } else { "do not list" }
            )
        })?;
    }
    Ok(())
}

async fn runtime(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/version").await?;
    reply.has(200, &[("runtime", Is::Word)])?;
    reply.is("runtime", &reply.json["nodeVersion"])
}

async fn now(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/health").await?;
    let Some(told) = moment(&reply.text_at("timestamp")?) else {
        return fail(reply.shown());
    };
    let apart = (Clock::system().now() - told.0).as_seconds_f64().abs();
    ensure(apart < 300.0, || format!("it is {told} there, {apart:.0} s from here"))
}

async fn healthz(probe: &Probe) -> Verdict {
    probe.get("/healthz").await?.status(200)
}

async fn readyz(probe: &Probe) -> Verdict {
    let reply = probe.get("/readyz").await?;
    let wanted = if reply.json["reads"] == true { 200 } else { 503 };
    reply.has(wanted, &[("reads", Is::Bool), ("writes", Is::Bool)])
}

async fn metrics(probe: &Probe) -> Verdict {
    let reply = probe.get("/metrics").await?;
    reply.status(200)?;
    let kind = reply.header("content-type");
    ensure(
        kind.starts_with("text/plain") || kind.starts_with("application/openmetrics-text"),
        || format!("the exposition is {kind:?}"),
    )?;
    let sample = |line: &str| {
        line.rsplit_once(' ')
            .is_some_and(|(_, value)| value.parse::<f64>().is_ok() || value == "+Inf")
    };
    match reply
        .text
        .lines()
        .find(|line| !line.is_empty() && !line.starts_with('#') && !sample(line))
    {
        Some(line) => fail(format!("{line:?} is no sample")),
        None => ensure(reply.text.contains("# TYPE "), || "no metric has a TYPE".to_owned()),
    }
}

async fn presence(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/").await?;
    reply.has(200, &[("ok", Is::Bool), ("service", Is::Word)])?;
    reply.is("ok", &Value::Bool(true))
}

async fn openapi(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/openapi.json").await?;
    reply.has(
        200,
        &[("openapi", Is::Word), ("info.title", Is::Word), ("paths", Is::Object)],
    )?;
    ensure(reply.text_at("openapi")?.starts_with("3.1"), || {
        format!("it is OpenAPI {}", reply.json["openapi"])
    })?;
    let paths = [
        ("", "/health"),
        ("", "/v1/sys/identity"),
        ("", "/v1/sys/log"),
        ("rpc", "/v1/sys/rpc"),
        ("events", "/v1/sys/events"),
        ("jobs", "/v1/sys/job"),
        ("state", "/v1/sys/state"),
    ];
    for (capability, path) in paths {
        let on = capability.is_empty() || probe.can(capability);
        ensure(!on || reply.json["paths"].get(path).is_some(), || {
            format!("{path} is not in the document")
        })?;
    }
    Ok(())
}

async fn access(probe: &Probe) -> Verdict {
    let reply = probe.get("/v1/sys/openapi.json").await?;
    reply.has(200, &[("paths", Is::Object)])?;
    let paths = reply.json["paths"].as_object().into_iter().flatten();
    for (path, operations) in paths {
        for (verb, operation) in operations.as_object().into_iter().flatten() {
            ensure(operation["security"].is_array(), || {
                format!("{verb} {path} does not say who may call it")
            })?;
        }
    }
    Ok(())
}

async fn gateway(probe: &Probe) -> Verdict {
    if probe.record().is_none_or(|record| record.key != "api") {
        return skip("this is not the gateway");
    }
    let reply = probe.get("/v1/health").await?;
    if reply.status == 404 {
        return skip("the gateway's own routes are not mounted");
    }
    reply.has(reply.status, &[("status", STATUS), ("checks", Is::Object)])
}
