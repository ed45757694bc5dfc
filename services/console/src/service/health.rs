//! What the service says of itself: its numbers, its checks, what was built.

use std::time::Duration;

use syscall_sdk::context::Context;
use syscall_sdk::http::pages::command;
use syscall_sdk::pages::chart::{Unit, spark};
use syscall_sdk::pages::{Html, Status, Table, empty_state, stat, status_label};
use syscall_sdk::wire::{CheckStatus, SystemVersion};

use crate::ask;
use crate::board::Report;
use crate::parts::{self, by_hand, span_words};

pub(crate) async fn version(context: &Context, key: &str) -> Option<SystemVersion> {
    ask::get(context, key, "/v1/sys/version").await.ok()
}

/// The numbers at the top.
pub(crate) fn stats(report: &Report, version: Option<&SystemVersion>) -> Html {
    let vitals = &report.vitals;
    let shown = |value: Option<f64>, unit: Unit<'_>| value.map_or_else(|| "–".to_owned(), |value| unit.format(value));
    let line = |name: &str, words: &str, unit: Unit<'_>| spark(words, unit, &vitals.all(name));
    let last = |name: &str| vitals.last(name);
    let health = report.health.as_ref().ok();
    let rest = match (last("http.p50"), last("http.p95")) {
        (Some(p50), Some(p95)) => {
            format!(
                "p50 {}, p95 {}",
                Unit::Milliseconds.format(p50),
                Unit::Milliseconds.format(p95)
            )
        }
        _ => "recorded every 10 s".to_owned(),
    };
    let built = version.map_or_else(Html::default, |version| {
        let commit = version
            .commit
            .as_deref()
            .map_or("", |commit| commit.get(..8).unwrap_or(commit));
        Html::text(format!("{} {}", version.runtime, commit))
    });
    Html::trusted(format!(
        r#"<div class="stats" id="stats" data-live-part>{}{}{}{}{}{}</div>"#,
        stat(
            "Requests",
            &shown(last("http.rate"), Unit::PerSecond),
            &line("http.rate", "Requests", Unit::PerSecond)
        ),
        stat(
            "Errors",
            &shown(last("http.errors").map(|share| share * 100.0), Unit::Percent),
            &line("http.errors", "Share of errors", Unit::Other("of 1"))
        ),
        stat("p99", &shown(last("http.p99"), Unit::Milliseconds), &Html::text(rest)),
        stat(
            "Memory",
            &shown(health.map(|health| health.memory.rss as f64), Unit::Bytes),
            &line("process.rss", "Memory", Unit::Bytes)
        ),
        stat(
            "Up",
            &health.map_or_else(
                || "–".to_owned(),
                |health| span_words(Duration::from_secs_f64(health.uptime.max(0.0)))
            ),
            &report.identity.as_ref().map_or_else(Html::default, |identity| {
                Html::text(format!("process {}", identity.runtime.pid))
            })
        ),
        stat(
            "Version",
            report
                .identity
                .as_ref()
                .map_or("–", |identity| identity.version.as_str()),
            &built
        ),
    ))
}

/// The checks.
pub(crate) fn section(context: &Context, report: &Report) -> Html {
    let key = &report.key;
    let tools = by_hand(context, key, &format!("health {key}"), "/v1/sys/health");
    parts::section("health", "Health", &tools, Ok(checks(context, report)))
}

/// The checks alone, as live messages renew them.
pub(crate) fn checks(context: &Context, report: &Report) -> Html {
    let none = || {
        empty_state(
            "Health checks will be listed here: what the service looks after in the background.",
            &command(context, &format!("health {}", report.key)),
        )
    };
    let content = match &report.health {
        Ok(health) if !health.checks.is_empty() => {
            let table = Table::new("Health checks")
                .stacked()
                .column("Check")
                .column("State")
                .numbers("Took")
                .wide("Message");
            health
                .checks
                .iter()
                .fold(table, |table, (name, check)| {
                    let (status, word) = match check.status {
                        CheckStatus::Ok => (Status::Healthy, "ok"),
                        CheckStatus::Degraded => (Status::Degraded, "degraded"),
                        CheckStatus::Down => (Status::Down, "down"),
                    };
                    let took = check
                        .latency
                        .map_or_else(String::new, |latency| Unit::Milliseconds.format(latency));
                    table.keyed_row(
                        name,
                        [
                            Html::text(name),
                            status_label(status, word),
                            Html::text(took),
                            Html::text(check.message.as_deref().unwrap_or_default()),
                        ],
                    )
                })
                .html()
        }
        _ => none(),
    };
    Html::trusted(format!(r#"<div id="checks" data-live-part>{content}</div>"#))
}
