//! One service in full.

pub(crate) mod charts;
pub(crate) mod deliveries;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod methods;
pub(crate) mod why;

use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::pages::service_url;
use syscall_sdk::pages::{Failure, Frame, Html, NavGroup, NavLink, error_state, live_controls, status_label};
use syscall_sdk::wire::Timestamp;

use crate::board::{Board, Report};
use crate::parts::{by_hand, frame};
use crate::traces;
use crate::view::View;

/// The parts of the page, by id and name.
const PARTS: [(&str, &str); 9] = [
    ("health", "Health"),
    ("latency", "Latency and load"),
    ("methods", "Methods"),
    ("logs", "Log"),
    ("events", "Events"),
    ("subscriptions", "Subscriptions"),
    ("jobs", "Jobs"),
    ("schedules", "Schedules"),
    ("traces", "Traces"),
];

/// The page of a service.
///
/// # Errors
/// `UNKNOWN_SERVICE`. A service that does not answer has a page that says so.
pub(crate) async fn page(context: &Context, board: &Board, key: &str, view: &View) -> Result<String> {
    let record = context.registry().get(key)?.clone();
    let key = record.key.as_str();
    let opened = Timestamp(context.clock().now());
    let report = board.of(context, key).await;
    let (version, charts, methods, logs, events, deliveries, jobs, schedules, traces, frame) = tokio::join!(
        health::version(context, key),
        charts::section(context, key, view),
        methods::section(context, key),
        logs::section(context, key, view),
        events::section(context, key, view),
        deliveries::section(context, key),
        jobs::section(context, key, view),
        jobs::schedules(context, key),
        traces::section(context, key, view),
        frame(context, key),
    );
    let frame = frame
        .path(&format!("/services/{key}"))
        .live(&live_url(key, view, opened));
    let Some(report) = report.filter(|report| report.health.is_ok()) else {
        return Ok(frame.nav(vec![services(context, key)]).render(silent(context, key)));
    };
    let frame = frame.nav(vec![on_this_page(), services(context, key)]);
    let content: Html = [
        head(context, &report),
        health::stats(&report, version.as_ref()),
        health::section(context, &report),
        charts,
        methods,
        logs,
        events,
        deliveries,
        jobs,
        schedules,
        traces,
    ]
    .into_iter()
    .collect();
    Ok(frame.render(content))
}

/// Where the page's live parts come from: what was emitted before the page was made is in the page.
fn live_url(key: &str, view: &View, opened: Timestamp) -> String {
    let query = view.query();
    let and = if query.is_empty() { '?' } else { '&' };
    format!("/services/{key}/live{query}{and}since={opened}")
}

fn head(context: &Context, report: &Report) -> Html {
    let url = service_url(context, &report.key);
    Html::trusted(format!(
        concat!(
            r#"<div class="page-head"><div><h1>{key}</h1><p><span class="id">{name}</span> · <a href="{url}">its own page</a> · <a href="/calls?service={key}">its calls</a></p></div>"#,
            r#"<div class="tools">{mark}{live}{command}</div></div>"#
        ),
        key = Html::text(&report.key),
        name = Html::text(&report.name),
        url = Html::text(&url),
        mark = mark(report),
        live = live_controls(),
        command = by_hand(
            context,
            &report.key,
            &format!("health {}", report.key),
            "/v1/sys/health"
        ),
    ))
}

/// How it is, in a word.
pub(crate) fn mark(report: &Report) -> Html {
    Html::trusted(format!(
        r#"<span id="state">{}</span>"#,
        status_label(report.status(), report.status().as_str())
    ))
}

/// The page of a service that says nothing.
fn silent(context: &Context, key: &str) -> Html {
    let again = format!("/services/{key}");
    Html::trusted(format!(
        r#"<div class="page-head"><div><h1>{}</h1></div><div class="tools">{}</div></div>{}"#,
        Html::text(key),
        by_hand(context, key, &format!("health {key}"), "/v1/sys/health"),
        error_state(Failure {
            what: &format!("{key} did not answer."),
            whose: "The console and its host are well; the service could not be reached within 1.5 s.",
            next: "See whether it runs with `blackroad ps`, and what the platform's log says of its last minutes.",
            retry: Some(&again),
            ..Failure::default()
        }),
    ))
}

fn on_this_page() -> NavGroup {
    let links = PARTS
        .iter()
        .map(|(id, name)| NavLink {
            label: (*name).to_owned(),
            href: format!("#{id}"),
            current: false,
        })
        .collect();
    NavGroup {
        label: "On this page".to_owned(),
        links,
    }
}

fn services(context: &Context, key: &str) -> NavGroup {
    let links = context
        .registry()
        .services()
        .map(|service| NavLink {
            label: service.key.clone(),
            href: format!("/services/{}", service.key),
            current: service.key == key,
        })
        .collect();
    NavGroup {
        label: "Services".to_owned(),
        links,
    }
}

/// The marks at the top, for the live parts.
pub(crate) async fn fleet(context: &Context) -> (String, Html) {
    let frame: Frame = frame(context, "").await;
    ("fleet".to_owned(), frame.fleet_fragment())
}
