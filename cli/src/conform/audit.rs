//! Laws of every answer, held against all that the other rules met on their way.

use serde_json::Value;

use super::probe::Probe;
use super::reply::{Reply, is_moment};
use super::rule::{Rule, Verdict, ensure, fail, rule, skip};

pub(super) const RULES: &[Rule] = &[
    rule!(Audit V2 Required, "no answer was a 500", "Errors, on every path", no_failure),
    rule!(Audit Ours Required, "every refusal had the error's shape", "Errors, on every path", shaped),
    rule!(Audit Ours Required, "every refusal said whose failure it is", "Ours: X-Syscall-Origin on every error", origin),
    rule!(Audit Ours Required, "every 429 and 503 said when to come back", "Ours: Retry-After on every 429 and 503", retry_after),
    rule!(Audit Ours Required, "every answer bore a request id and a traceparent", "Ours: headers", identified),
    rule!(Audit V2 Required, "every timestamp had three decimals and a Z", "timestamps RFC 3339 in UTC with three decimals and a `Z`", moments),
    rule!(Audit V2 Required, "every key was camelCase", "`camelCase` keys", camel_case),
];

/// Fields that hold what others put there, whose keys and texts are theirs.
const THEIRS: [&str; 14] = [
    "value",
    "data",
    "meta",
    "params",
    "tags",
    "details",
    "result",
    "paths",
    "components",
    "checks",
    "schema",
    "attributes",
    "progress",
    "info",
];

fn refusals(probe: &Probe) -> Vec<Reply> {
    // A sick service answers its health with 503 and the health's own body.
    let health = |reply: &Reply| reply.json.get("status").is_some() || reply.json.get("reads").is_some();
    // A HEAD has no body.
    let head = |reply: &Reply| reply.asked.starts_with("HEAD ");
    probe
        .seen()
        .into_iter()
        .filter(|reply| reply.status >= 400 && !health(reply) && !head(reply))
        .collect()
}

async fn no_failure(probe: &Probe) -> Verdict {
    match probe.seen().iter().find(|reply| reply.status == 500) {
        Some(reply) => fail(reply.shown()),
        None => Ok(()),
    }
}

async fn shaped(probe: &Probe) -> Verdict {
    refusals(probe).iter().try_for_each(Reply::is_error)
}

async fn origin(probe: &Probe) -> Verdict {
    refusals(probe).iter().try_for_each(|reply| {
        ensure(matches!(reply.header("x-syscall-origin"), "kernel" | "handler"), || {
            format!(
                "{}, with X-Syscall-Origin {:?}",
                reply.shown(),
                reply.header("x-syscall-origin")
            )
        })
    })
}

async fn retry_after(probe: &Probe) -> Verdict {
    let late: Vec<Reply> = refusals(probe)
        .into_iter()
        .filter(|reply| matches!(reply.status, 429 | 503))
        .collect();
    if late.is_empty() {
        return skip("nothing was answered with 429 or 503");
    }
    late.iter().try_for_each(|reply| {
        ensure(reply.header("retry-after").parse::<u64>().is_ok(), || {
            format!("{}, without Retry-After", reply.shown())
        })
    })
}

async fn identified(probe: &Probe) -> Verdict {
    probe.seen().iter().try_for_each(|reply| {
        let missing = ["x-request-id", "traceparent"]
            .into_iter()
            .find(|name| reply.header(name).is_empty());
        match missing {
            Some(name) => fail(format!("{}, without {name}", reply.shown())),
            None => Ok(()),
        }
    })
}

async fn moments(probe: &Probe) -> Verdict {
    let wrong = |name: &str, value: &Value| {
        let is_time = matches!(
            name,
            "timestamp" | "lastCheck" | "nextRun" | "lastRun" | "start" | "since" | "lastSeen"
        ) || name.ends_with("At");
        is_time && value.as_str().is_some_and(|text| !is_moment(text))
    };
    hunt(probe, &wrong)
}

async fn camel_case(probe: &Probe) -> Verdict {
    let wrong = |name: &str, _: &Value| {
        let camel =
            name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(|c| c.is_ascii_alphanumeric());
        !camel
    };
    hunt(probe, &wrong)
}

fn hunt(probe: &Probe, wrong: &dyn Fn(&str, &Value) -> bool) -> Verdict {
    probe
        .seen()
        .iter()
        .filter(|reply| reply.asked.contains("/v1/sys/"))
        .try_for_each(|reply| match find(&reply.json, wrong) {
            Some(found) => fail(format!("{found}: {}", reply.shown())),
            None => Ok(()),
        })
}

/// The first field that is wrong, as `name: value`.
fn find(value: &Value, wrong: &dyn Fn(&str, &Value) -> bool) -> Option<String> {
    match value {
        Value::Array(list) => list.iter().find_map(|one| find(one, wrong)),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            if wrong(name, value) {
                return Some(format!("{name:?} is {value}"));
            }
            if THEIRS.contains(&name.as_str()) {
                None
            } else {
                find(value, wrong)
            }
        }),
        _ => None,
    }
}
