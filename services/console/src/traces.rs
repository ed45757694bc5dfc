//! Recent traces: of one service, and of the fleet.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures_util::future::join_all;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::pages::{command, service_url};
use syscall_sdk::pages::chart::Unit;
use syscall_sdk::pages::{Html, Table, Tone, ago, as_command, badge, empty_state, id, partial};
use syscall_sdk::wire::{TraceSummary, Traces};

use crate::ask;
use crate::parts::{self, Failed, by_hand, frame};
use crate::view::View;

/// Traces that are asked for: enough that some are left when those of dashboards are not shown.
const ASKED: usize = 500;
/// Traces on a service's page.
const SHOWN: usize = 20;
/// Traces on the fleet's page.
const SHOWN_OF_FLEET: usize = 50;

/// What dashboards and pages read all the time.
const QUIET: [&str; 3] = ["GET /v1/sys/", "GET /_assets/", "GET /_pages/"];

/// A trace, with the services that have a part in it.
struct Found {
    summary: TraceSummary,
    services: Vec<String>,
}

pub(crate) async fn section(context: &Context, key: &str, view: &View) -> Html {
    let errors = if view.traces.as_deref() == Some("errors") {
        " --error"
    } else {
        ""
    };
    let tools = by_hand(context, key, &format!("traces {key}{errors}"), &path(view));
    let content = content(context, key, view).await.map_err(Failed::of(key));
    parts::section("traces", "Traces", &tools, content)
}

/// The traces alone, as live messages renew them.
///
/// # Errors
/// Where the service does not give its traces.
pub(crate) async fn content(context: &Context, key: &str, view: &View) -> Result<Html> {
    let traces: Traces = ask::get(context, key, &path(view)).await?;
    let found: Vec<Found> = traces
        .traces
        .into_iter()
        .filter(|trace| wanted(view, trace))
        .map(|summary| Found {
            summary,
            services: Vec::new(),
        })
        .collect();
    let list = list(context, &found, SHOWN, key);
    Ok(Html::trusted(format!(
        r#"<div id="trace-list" data-live-part>{}{list}</div>"#,
        choices(&format!("/services/{key}"), view, "#traces")
    )))
}

/// The traces of all services.
pub(crate) async fn page(context: &Context, view: &View) -> String {
    let path = path(view);
    let asked = context.registry().services().map(|service| {
        let path = &path;
        async move {
            let traces: Result<Traces> = ask::get(context, &service.key, path).await;
            (service.key.as_str(), traces)
        }
    });
    let answers = join_all(asked).await;
    let silent: Vec<&str> = answers
        .iter()
        .filter(|(_, answer)| answer.is_err())
        .map(|(key, _)| *key)
        .collect();
    let asked = answers.len();
    let found = merge(
        answers
            .into_iter()
            .filter_map(|(key, answer)| Some((key.to_owned(), answer.ok()?))),
        view,
    );
    let curl = format!(
        "curl -s '{}{}'",
        service_url(context, "core").trim_end_matches('/'),
        path
    );
    let content = format!(
        concat!(
            r#"<div class="page-head"><div><h1>Traces</h1><p>What the services did lately, each service's part put together by its trace. A service keeps its newest 4,096 spans.</p></div>"#,
            r#"<div class="tools">{}</div></div>{}{}{}"#
        ),
        as_command(&command(context, "traces core"), &curl),
        partial(&silent, asked),
        choices("/traces", view, ""),
        list(context, &found, SHOWN_OF_FLEET, "core"),
    );
    frame(context, "Traces")
        .await
        .path("/traces")
        .render(Html::trusted(content))
}

/// Puts the parts of a trace together; the newest first.
fn merge(answers: impl Iterator<Item = (String, Traces)>, view: &View) -> Vec<Found> {
    let mut by_id: BTreeMap<String, Found> = BTreeMap::new();
    for (key, traces) in answers {
        for summary in traces.traces {
            match by_id.get_mut(&summary.trace_id) {
                None => {
                    let found = Found {
                        services: vec![key.clone()],
                        summary,
                    };
                    by_id.insert(found.summary.trace_id.clone(), found);
                }
                Some(found) => {
                    let known = &mut found.summary;
                    let end = end(known).max(end(&summary));
                    // Of two that began in the same millisecond the longer caused the other.
                    let before = |one: &TraceSummary, other: &TraceSummary| {
                        (one.start, other.duration) < (other.start, one.duration)
                    };
                    if before(&summary, known) {
                        known.start = summary.start;
                        known.name = summary.name;
                        found.services.insert(0, key.clone());
                    } else {
                        found.services.push(key.clone());
                    }
                    known.duration = (end - known.start.0).num_microseconds().unwrap_or(i64::MAX) as f64 / 1_000.0;
                    known.spans += summary.spans;
                    known.error |= summary.error;
                }
            }
        }
    }
    let mut found: Vec<Found> = by_id
        .into_values()
        .filter(|found| wanted(view, &found.summary))
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.summary.start));
    found
}

fn end(trace: &TraceSummary) -> chrono::DateTime<chrono::Utc> {
    trace.start.0 + TimeDelta::microseconds((trace.duration * 1_000.0) as i64)
}

fn path(view: &View) -> String {
    let errors = if view.traces.as_deref() == Some("errors") {
        "&error=true"
    } else {
        ""
    };
    format!("/v1/sys/traces?limit={ASKED}{errors}")
}

/// Dashboards read all the time; what they read is shown where it is asked for.
fn wanted(view: &View, trace: &TraceSummary) -> bool {
    view.traces.as_deref() == Some("all") || trace.error || !QUIET.iter().any(|path| trace.name.starts_with(path))
}

fn choices(path: &str, view: &View, anchor: &str) -> Html {
    let chosen = view.traces.as_deref().unwrap_or_default();
    let words = [
        ("Requests", ""),
        ("With an error", "errors"),
        ("With dashboards' reads", "all"),
    ];
    let links = words.map(|(label, value)| {
        (
            label,
            format!("{path}{}{anchor}", view.with("traces", value)),
            value == chosen,
        )
    });
    parts::choices("Which traces", &links)
}

fn list(context: &Context, found: &[Found], most: usize, key: &str) -> Html {
    if found.is_empty() {
        return empty_state(
            "Traces will be listed here: what a request caused, in every service that had a part in it.",
            &command(context, &format!("call {key}")),
        );
    }
    let now = context.clock().now();
    let of_fleet = found.iter().any(|found| !found.services.is_empty());
    let mut table = Table::new("Traces").stacked().column("Trace").wide("What");
    if of_fleet {
        table = table.column("Services");
    }
    table = table.column("When").numbers("Took").numbers("Spans").column("Outcome");
    let table = found.iter().take(most).fold(table, |table, found| {
        let trace = &found.summary;
        let mut cells = vec![
            id(
                &trace.trace_id[..8.min(trace.trace_id.len())],
                Some(&format!("/traces/{}", trace.trace_id)),
            ),
            Html::text(&trace.name),
        ];
        if of_fleet {
            cells.push(Html::text(found.services.join(", ")));
        }
        cells.extend([
            ago(trace.start, now),
            Html::text(Unit::Milliseconds.format(trace.duration)),
            Html::text(trace.spans),
            if trace.error {
                badge(Tone::Bad, "error")
            } else {
                badge(Tone::Good, "ok")
            },
        ]);
        table.keyed_row(&trace.trace_id, cells)
    });
    let rest = if found.len() > most {
        format!(r#"<p class="quiet note">The newest {most} of {}.</p>"#, found.len())
    } else {
        String::new()
    };
    Html::trusted(format!("{}{rest}", table.html()))
}

#[cfg(test)]
mod tests {
    use syscall_sdk::wire::Timestamp;

    use super::*;

    #[test]
    fn parts_of_a_trace_are_one_trace_named_for_its_first_span() {
        let part = |name: &str, at: i64, duration: f64| Traces {
            traces: vec![TraceSummary {
                trace_id: "ab".repeat(16),
                name: name.to_owned(),
                start: Timestamp(chrono::DateTime::from_timestamp_millis(at).expect("a moment")),
                duration,
                spans: 2,
                error: name == "inner",
            }],
        };
        let answers = [
            ("core".to_owned(), part("inner", 10, 5.0)),
            ("api".to_owned(), part("outer", 4, 30.0)),
        ];
        let merged = merge(answers.into_iter(), &View::default());
        assert_eq!(merged.len(), 1);
        let trace = &merged[0].summary;
        assert_eq!((trace.name.as_str(), trace.spans, trace.error), ("outer", 4, true));
        assert_eq!(trace.duration, 30.0);
        assert_eq!(merged[0].services, ["api", "core"]);
    }
}
