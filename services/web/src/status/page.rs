//! The status page.

use askama::Template;
use blackroad_os_contracts::web::{FleetStatus, ProbeCount, ProbeStatus, ServiceUptime};
use chrono::{DateTime, Utc};
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::pages::{command, frame, service_url};
use syscall_sdk::pages::chart::{Unit, UptimeDay, uptime_bar, uptime_hours};
use syscall_sdk::pages::{Html, Status, Table, ago, as_command, empty_state, live_controls, status_label};

use super::{fleet, worst};
use crate::home::style;
use crate::processes::{self, Change};

/// Incidents listed; the JSON has all of them.
const INCIDENTS: usize = 20;

#[derive(Template)]
#[template(path = "status.html")]
struct Page {
    parts: Html,
    controls: Html,
    command: Html,
}

pub(crate) async fn page(context: &Context) -> Result<String> {
    let status = fleet(context).await?;
    let changes = processes::latest(context).await?;
    let json = format!("{}status.json", service_url(context, "web"));
    let content = Page {
        parts: body(context, &status, &changes),
        controls: live_controls(),
        command: as_command(&command(context, "health"), &format!("curl -s {json}")),
    };
    Ok(frame(context, "Status")
        .await
        .path("/status")
        .live("/status/live")
        .style(style())
        .render(content))
}

/// What changes on the page.
pub(crate) async fn parts(context: Context) -> Vec<(String, Html)> {
    let mut parts = vec![("fleet".to_owned(), frame(&context, "").await.fleet_fragment())];
    // A store that cannot be read now leaves what is shown as it is.
    if let (Ok(status), Ok(changes)) = tokio::join!(fleet(&context), processes::latest(&context)) {
        parts.push(("status".to_owned(), body(&context, &status, &changes)));
    }
    parts
}

fn body(context: &Context, status: &FleetStatus, changes: &[Change]) -> Html {
    let services: String = status
        .services
        .iter()
        .map(|one| service(one, status.generated_at.0))
        .collect();
    Html::trusted(format!(
        r#"<div id="status" data-live-part>{}<div class="stack">{services}</div>{}{}</div>"#,
        headline(status),
        incidents(context, &status.services),
        comings(context, changes, status.generated_at.0),
    ))
}

fn headline(status: &FleetStatus) -> Html {
    let of = |wanted: ProbeStatus| status.services.iter().filter(|one| one.status == wanted).count();
    let (down, degraded, unknown) = (
        of(ProbeStatus::Down),
        of(ProbeStatus::Degraded),
        of(ProbeStatus::Unknown),
    );
    let services = |count: usize| {
        if count == 1 {
            "service is".to_owned()
        } else {
            "services are".to_owned()
        }
    };
    let (mark, words) = match (down, degraded, unknown) {
        _ if unknown == status.services.len() => (
            Status::Unknown,
            match status.probe_interval_seconds {
                0 => "Nobody probes this fleet.".to_owned(),
                seconds => format!("No probe yet; the first is due within {seconds} s."),
            },
        ),
        (1.., _, _) => (Status::Down, format!("{down} {} down.", services(down))),
        (0, 1.., _) => (Status::Degraded, format!("{degraded} {} degraded.", services(degraded))),
        (0, 0, 1..) => (
            Status::Unknown,
            format!("{unknown} {} not probed now; the others are well.", services(unknown)),
        ),
        (0, 0, 0) => (Status::Healthy, "Every service is well.".to_owned()),
    };
    Html::trusted(format!(r#"<p class="headline">{}</p>"#, status_label(mark, &words)))
}

fn service(one: &ServiceUptime, now: DateTime<Utc>) -> String {
    let hours: Vec<(String, String)> = one
        .hours
        .iter()
        .map(|hour| (hour.from.0.format("%d %b %H:00 UTC").to_string(), detail(hour, None)))
        .collect();
    let days: Vec<(String, String)> = one
        .days
        .iter()
        .map(|day| (day.from.0.format("%Y-%m-%d").to_string(), detail(day, Some(24))))
        .collect();
    let marks = |counts: &[ProbeCount], words: &'_ [(String, String)]| -> Vec<Status> {
        debug_assert_eq!(counts.len(), words.len());
        counts.iter().map(|count| mark(worst(count))).collect()
    };
    let (hour_marks, day_marks) = (marks(&one.hours, &hours), marks(&one.days, &days));
    let checked = one.checked_at.map_or_else(
        || Html::text("never probed"),
        |at| Html::trusted(format!(r#"<span class="probed">probed {}</span>"#, ago(at, now))),
    );
    let latency = one.latency_ms.map_or_else(String::new, |latency| {
        format!(" in {}", Unit::Milliseconds.format(latency))
    });
    format!(
        concat!(
            r#"<section class="card uptime-card" data-key="{key}"><div class="section-head"><h2>{label}</h2><p class="quiet">{checked}{latency}</p></div>"#,
            r#"<div class="columns"><div><p class="uptime-head"><span>24 hours</span><b>{day}</b></p>{hours}</div><div><p class="uptime-head"><span>90 days</span><b>{quarter}</b></p>{days}</div></div></section>"#
        ),
        key = Html::text(&one.key),
        label = status_label(mark(one.status), &one.key),
        checked = checked,
        latency = Html::text(latency),
        day = percent(one.uptime_24h, &one.hours, 24),
        quarter = percent(one.uptime_90d, &one.days, 90 * 24),
        hours = uptime_hours(&one.key, &bars(&hours, &hour_marks)),
        days = uptime_bar(&one.key, &bars(&days, &day_marks)),
    )
}

fn bars<'a>(words: &'a [(String, String)], marks: &[Status]) -> Vec<UptimeDay<'a>> {
    words
        .iter()
        .zip(marks)
        .map(|((date, detail), status)| UptimeDay {
            date,
            status: *status,
            detail,
        })
        .collect()
}

/// A share with what it is of, since a share of little is little.
fn percent(share: Option<f64>, counts: &[ProbeCount], hours: u32) -> String {
    let measured: u32 = counts.iter().map(|count| count.measured_hours).sum();
    match share {
        None => "no data".to_owned(),
        Some(share) if measured >= hours => shown(share),
        Some(share) => format!(r#"{} <span class="unit">of {measured} h measured</span>"#, shown(share)),
    }
}

/// Cut, not rounded: 100 % is said only where nothing was missed.
fn shown(share: f64) -> String {
    let hundredths = (share * 10_000.0).floor() / 100.0;
    if share >= 1.0 {
        "100 %".to_owned()
    } else {
        format!("{hundredths:.2} %")
    }
}

fn detail(count: &ProbeCount, of_hours: Option<u32>) -> String {
    let total = count.ok + count.degraded + count.down;
    if total == 0 {
        return "no probes".to_owned();
    }
    let mut words = match (count.degraded, count.down) {
        (0, 0) => format!("{total} probes"),
        (0, down) => format!("{down} of {total} probes not answered"),
        (degraded, 0) => format!("{degraded} of {total} probes degraded"),
        (degraded, down) => format!("{down} of {total} probes not answered, {degraded} degraded"),
    };
    if let Some(hours) = of_hours
        && count.measured_hours < hours
    {
        words.push_str(&format!(", {} of {hours} h measured", count.measured_hours));
    }
    words
}

/// Days on which something was amiss, newest first.
fn incidents(context: &Context, services: &[ServiceUptime]) -> Html {
    let mut found: Vec<(&ProbeCount, &str)> = services
        .iter()
        .flat_map(|one| one.days.iter().map(|day| (day, one.key.as_str())))
        .filter(|(day, _)| matches!(worst(day), ProbeStatus::Down | ProbeStatus::Degraded))
        .collect();
    found.sort_by(|left, right| right.0.from.cmp(&left.0.from).then(left.1.cmp(right.1)));
    let total = found.len();
    let content = if total == 0 {
        empty_state(
            "Days on which a service was degraded or down will be listed here.",
            &command(context, "health"),
        )
    } else {
        let table = Table::new("Incidents")
            .stacked()
            .column("Day")
            .column("Service")
            .column("State")
            .wide("Probes");
        let table = found.iter().take(INCIDENTS).fold(table, |table, (day, key)| {
            let state = worst(day);
            table.row([
                Html::text(day.from.0.format("%Y-%m-%d")),
                Html::text(key),
                status_label(mark(state), mark(state).as_str()),
                Html::text(detail(day, Some(24))),
            ])
        });
        table.html()
    };
    let rest = if total > INCIDENTS {
        format!(
            r#"<p class="quiet">The newest {INCIDENTS} of {total}; <a href="/status.json">status.json</a> has all.</p>"#
        )
    } else {
        String::new()
    };
    Html::trusted(format!(
        r#"<section class="section"><div class="section-head"><h2>Incidents in 90 days</h2></div>{content}{rest}</section>"#
    ))
}

/// Processes that came, went or were lost, newest first.
fn comings(context: &Context, changes: &[Change], now: DateTime<Utc>) -> Html {
    let content = if changes.is_empty() {
        empty_state(
            "Processes that come, go or are lost will be listed here, as the operator tells of them.",
            &command(context, "events operator --event 'mesh:*'"),
        )
    } else {
        let table = Table::new("Processes")
            .stacked()
            .column("When")
            .column("Service")
            .column("What");
        let table = changes.iter().fold(table, |table, change| {
            let (status, word) = match change.event.as_str() {
                "mesh:joined" => (Status::Healthy, "came up"),
                "mesh:left" => (Status::Unknown, "signed off"),
                _ => (Status::Down, "was lost"),
            };
            table.row([
                ago(change.at, now),
                Html::text(&change.service),
                status_label(status, word),
            ])
        });
        table.html()
    };
    Html::trusted(format!(
        r#"<section class="section"><div class="section-head"><h2>Processes, lately</h2></div>{content}</section>"#
    ))
}

const fn mark(status: ProbeStatus) -> Status {
    match status {
        ProbeStatus::Ok => Status::Healthy,
        ProbeStatus::Degraded => Status::Degraded,
        ProbeStatus::Down => Status::Down,
        ProbeStatus::Unknown => Status::Unknown,
    }
}
