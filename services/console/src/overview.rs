//! The fleet on one page.

use std::time::Duration;

use syscall_sdk::context::Context;
use syscall_sdk::http::pages::{command, service_url};
use syscall_sdk::pages::chart::{Unit, spark};
use syscall_sdk::pages::{Html, Status, Table, ago, as_command, live_controls, partial, stat, status_mark};

use crate::board::{Board, Report};
use crate::parts::{frame, span_words};

pub(crate) async fn page(context: &Context, board: &Board) -> String {
    let reports = board.look(context).await;
    let content = format!(
        concat!(
            r#"<div class="page-head"><div><h1>Fleet</h1><p>What each service says of itself. Rates and latencies are of the last 10 seconds, "#,
            r#"the lines beside them of the last 10 minutes.</p></div><div class="tools">{}{}<a class="button" href="/calls">Calls</a><a class="button" href="/traces">Traces</a><a class="button" href="/audit">Audit</a></div></div>{}"#
        ),
        live_controls(),
        as_command(
            &command(context, "ps"),
            &format!(
                "curl -s {}v1/sys/rpc -d '{{\"method\":\"mesh.list\"}}'",
                service_url(context, "operator")
            )
        ),
        body(context, &reports),
    );
    frame(context, "Fleet")
        .await
        .live("/live")
        .wide()
        .render(Html::trusted(content))
}

/// What changes on the page.
pub(crate) async fn parts(context: Context, board: Board) -> Vec<(String, Html)> {
    let (frame, reports) = tokio::join!(frame(&context, ""), board.look(&context));
    vec![
        ("fleet".to_owned(), frame.fleet_fragment()),
        ("board".to_owned(), body(&context, &reports)),
    ]
}

fn body(context: &Context, reports: &[Report]) -> Html {
    let silent: Vec<&str> = reports
        .iter()
        .filter(|report| report.health.is_err())
        .map(|report| report.key.as_str())
        .collect();
    Html::trusted(format!(
        r#"<div id="board" data-live-part>{}{}{}{}</div>"#,
        partial(&silent, reports.len()),
        stats(reports),
        table(context, reports),
        one_process(reports),
    ))
}

fn stats(reports: &[Report]) -> Html {
    let healthy = reports
        .iter()
        .filter(|report| report.status() == Status::Healthy)
        .count();
    let rates: Vec<f64> = reports
        .iter()
        .filter_map(|report| report.vitals.last("http.rate"))
        .collect();
    let failing = reports
        .iter()
        .filter_map(|report| Some((report.vitals.last("http.rate")?, report.vitals.last("http.errors")?)))
        .fold((0.0, 0.0), |(all, bad), (rate, share)| (all + rate, bad + rate * share));
    let slowest = reports
        .iter()
        .filter_map(|report| Some((report.vitals.last("http.p99")?, report.key.as_str())))
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let share = if failing.0 > 0.0 {
        failing.1 / failing.0 * 100.0
    } else {
        0.0
    };
    let waiting = Html::text("recorded every 10 s");
    let known = !rates.is_empty();
    let shown = |words: String| if known { words } else { "–".to_owned() };
    Html::trusted(format!(
        r#"<div class="stats">{}{}{}{}</div>"#,
        stat(
            "Healthy",
            &format!("{healthy} of {}", reports.len()),
            &Html::text(if healthy == reports.len() {
                "all of them"
            } else {
                "look at the marks below"
            })
        ),
        stat("Requests", &shown(Unit::PerSecond.format(rates.iter().sum())), &waiting),
        stat(
            "Errors",
            &shown(Unit::Percent.format(share)),
            &Html::text("of requests, answered 5xx")
        ),
        match slowest {
            Some((p99, key)) => stat("Slowest p99", &Unit::Milliseconds.format(p99), &Html::text(key)),
            None => stat("Slowest p99", "–", &waiting),
        },
    ))
}

fn table(context: &Context, reports: &[Report]) -> Html {
    let table = Table::new("Services")
        .stacked()
        .live_id("services")
        .column("Service")
        .column("Version")
        .numbers("Up")
        .numbers("Checked")
        .numbers("Memory")
        .numbers("Requests")
        .column("10 min")
        .numbers("Errors")
        .numbers("p50")
        .numbers("p95")
        .numbers("p99")
        .column("10 min");
    let table = reports.iter().fold(table, |table, report| {
        table.keyed_row(&report.key, row(context, report))
    });
    Html::trusted(format!(r#"<div class="section">{}</div>"#, table.html()))
}

fn row(context: &Context, report: &Report) -> [Html; 12] {
    let link = Html::trusted(format!(
        r#"<span>{} <a href="/services/{key}" title="{name}"><b>{key}</b></a></span>"#,
        status_mark(report.status(), &report.key),
        key = Html::text(&report.key),
        name = Html::text(&report.name),
    ));
    let nothing = || Html::trusted(r#"<span class="quiet">–</span>"#);
    let figure = |name: &str, unit: Unit<'_>, times: f64| {
        report
            .vitals
            .last(name)
            .map_or_else(nothing, |value| Html::text(unit.format(value * times)))
    };
    let line = |name: &str, words: &str, unit: Unit<'_>| {
        spark(&format!("{words} of {}", report.key), unit, &report.vitals.all(name))
    };
    let health = report.health.as_ref().ok();
    let identity = report.identity.as_ref();
    let now = context.clock().now();
    [
        link,
        identity.map_or_else(nothing, |identity| Html::text(&identity.version)),
        health.map_or_else(
            || Html::text("no answer"),
            |health| Html::text(span_words(Duration::from_secs_f64(health.uptime.max(0.0)))),
        ),
        identity.map_or_else(nothing, |identity| ago(identity.health.last_check, now)),
        health.map_or_else(nothing, |health| {
            Html::text(Unit::Bytes.format(health.memory.rss as f64))
        }),
        figure("http.rate", Unit::PerSecond, 1.0),
        line("http.rate", "Requests", Unit::PerSecond),
        figure("http.errors", Unit::Percent, 100.0),
        figure("http.p50", Unit::Milliseconds, 1.0),
        figure("http.p95", Unit::Milliseconds, 1.0),
        figure("http.p99", Unit::Milliseconds, 1.0),
        line("http.p99", "p99", Unit::Milliseconds),
    ]
}

/// Services of one process share its memory, which nine equal numbers would not tell.
fn one_process(reports: &[Report]) -> Html {
    let mut pids: Vec<u32> = reports
        .iter()
        .filter_map(|report| Some(report.identity.as_ref()?.runtime.pid))
        .collect();
    let services = pids.len();
    pids.sort_unstable();
    pids.dedup();
    match (pids.len(), services) {
        (1, 2..) => Html::trusted(
            r#"<p class="quiet note">These services run in one process; the memory is the process's, the same in every row.</p>"#,
        ),
        _ => Html::default(),
    }
}

impl Report {
    /// How it is; down where it did not say.
    pub(crate) fn status(&self) -> Status {
        self.health
            .as_ref()
            .map_or(Status::Down, |health| Status::from(health.status))
    }
}
