//! A service's overview: the shapes of real data, made up.

use std::time::{Duration, SystemTime};

use syscall_sdk::pages::chart::{Bar, BarChart, LineChart, Series, Unit, UptimeDay, bar, line, spark, uptime_bar};
use syscall_sdk::pages::{Html, Status, Table, Tone, ago, as_command, badge, id, live_controls, pager, partial, stat};
use syscall_sdk::wire::Timestamp;

const MINUTE: i64 = 60_000;

/// Eight in the morning of a day in October.
const MORNING: i64 = 1_791_187_200_000;

pub(super) fn now() -> Timestamp {
    Timestamp(SystemTime::now().into())
}

pub(super) fn overview() -> Html {
    let head = format!(
        r#"<div class="page-head"><div><h1>core</h1><p>Identity: users, API keys, roles, tokens, and the audit trail.</p></div><div class="tools">{}{}</div></div>"#,
        live_controls(),
        as_command(
            "blackroad metrics core --range 6h --resolution 1m",
            "curl -s https://core.blackroad.systems/v1/sys/metrics?range=6h -H \"authorization: Bearer $TOKEN\"",
        ),
    );
    let wave = |base: f64, swing: f64| -> Vec<Option<f64>> {
        (0..40)
            .map(|at| Some(base + swing * (f64::from(at) / 5.0).sin() + f64::from(at * 7 % 5) * swing / 8.0))
            .collect()
    };
    let stats = format!(
        r#"<div class="stats">{}{}{}{}</div>"#,
        stat(
            "Requests",
            "412/s",
            &spark("Requests in the last hour", Unit::PerSecond, &wave(400.0, 40.0))
        ),
        stat(
            "p95",
            "38 ms",
            &spark("p95 in the last hour", Unit::Milliseconds, &wave(36.0, 6.0))
        ),
        stat(
            "Errors",
            "0.04 %",
            &spark("Errors in the last hour", Unit::Percent, &wave(0.04, 0.02))
        ),
        stat(
            "Jobs waiting",
            "7",
            &spark(
                "Jobs waiting in the last hour",
                Unit::Count,
                &[None, Some(1.0), Some(4.0), None, Some(9.0), Some(7.0)]
            )
        ),
    );
    let charts = format!(
        r#"<section class="section"><div class="section-head"><h2>Latency and load</h2></div><div class="columns"><div class="card">{}</div><div class="card">{}</div></div></section>"#,
        latency(),
        bar(&BarChart {
            title: "Requests by method",
            unit: Unit::Count,
            of: "Method",
            bars: &[
                Bar {
                    name: "getUserById",
                    value: Some(1_204_311.0),
                    href: Some("/parts")
                },
                Bar {
                    name: "verifyToken",
                    value: Some(822_190.0),
                    href: Some("/parts")
                },
                Bar {
                    name: "listUsers",
                    value: Some(90_412.0),
                    href: Some("/parts")
                },
                Bar {
                    name: "rotateKey",
                    value: Some(312.0),
                    href: None
                },
                Bar {
                    name: "deleteUser",
                    value: None,
                    href: None
                },
            ],
            range_label: "Last 24 hours",
        }),
    );
    let jobs = format!(
        r#"<section class="section"><div class="section-head"><h2>Jobs <span class="count">4</span></h2>{}</div>{}{}</section>"#,
        as_command(
            "blackroad job list core",
            "curl -s https://core.blackroad.systems/v1/jobs"
        ),
        jobs().html(),
        pager("1 to 4 of 1,204 jobs", None, Some("?page=2")),
    );
    let log = format!(
        r#"<section class="section"><div class="section-head"><h2>Log</h2></div><div class="tail"><ol class="log short-log" id="log" data-tail="end" data-tail-most="200" tabindex="0" aria-label="Log">{}</ol></div></section>"#,
        (0..40).map(log_line).collect::<Html>(),
    );
    let uptime = format!(
        r#"<section class="section"><div class="section-head"><h2>Uptime</h2><p class="quiet">99.98 % in 90 days</p></div><div class="card">{}</div></section>"#,
        uptime(),
    );
    Html::trusted(format!(
        "{head}{}{stats}{charts}{jobs}{log}{uptime}",
        partial(&["docs", "os"], 9)
    ))
}

fn latency() -> Html {
    let points = |base: f64, swing: f64| -> Vec<(i64, Option<f64>)> {
        (0..180_i32)
            .map(|at| {
                let value = base + swing * (f64::from(at) / 17.0).sin().abs() + f64::from(at * 13 % 11) * swing / 40.0;
                (
                    MORNING + i64::from(at) * 2 * MINUTE,
                    (!(70..82).contains(&at)).then_some(value),
                )
            })
            .collect()
    };
    let (p50, p95, p99) = (points(8.0, 3.0), points(24.0, 16.0), points(52.0, 60.0));
    line(&LineChart {
        title: "Latency",
        unit: Unit::Milliseconds,
        series: &[
            Series {
                name: "p50",
                class: "p50",
                points: &p50,
            },
            Series {
                name: "p95",
                class: "p95",
                points: &p95,
            },
            Series {
                name: "p99",
                class: "p99",
                points: &p99,
            },
        ],
        range_label: "Last 6 hours, one point each 2 minutes, UTC",
    })
}

pub(crate) fn jobs() -> Table {
    let now = now();
    let row = |key: &str, name: &str, status: Html, tries: u32, seconds: u64| {
        let id_cell = id(&key[..8], Some(&format!("/jobs/{key}")));
        let since = ago(Timestamp(now.0 - Duration::from_secs(seconds)), now.0);
        [id_cell, Html::text(name), status, Html::text(tries), since]
    };
    Table::new("Jobs of core")
        .stacked()
        .live_id("jobs")
        .growing(100)
        .column("Id")
        .wide("Name")
        .column("Status")
        .numbers("Attempts")
        .column("Created")
        .keyed_row(
            "018f4a6e",
            row("018f4a6e-3b1c", "send-email", badge(Tone::Info, "running"), 1, 4),
        )
        .keyed_row(
            "018f4a5c",
            row("018f4a5c-91d0", "send-email", badge(Tone::Good, "completed"), 1, 61),
        )
        .keyed_row(
            "018f4a41",
            row(
                "018f4a41-0f7e",
                "rotate-signing-keys",
                badge(Tone::Warn, "waiting"),
                3,
                4_000,
            ),
        )
        .keyed_row(
            "018f49f2",
            row(
                "018f49f2-c220",
                "export-audit-trail",
                badge(Tone::Bad, "failed"),
                5,
                90_000,
            ),
        )
}

pub(crate) fn log_line(at: u32) -> Html {
    let (tone, level, words) = match at % 7 {
        3 => (
            "warn",
            "warn",
            "rpc.retry method=verifyToken attempt=2 wait_ms=40 reason=\"connection refused\"",
        ),
        5 => (
            "bad",
            "error",
            "job.failed job.id=018f49f2-c220 attempt=5 error=\"bucket audit is not there\"",
        ),
        _ => ("info", "info", "rpc.served method=getUserById duration_ms=3 caller=api"),
    };
    Html::trusted(format!(
        r#"<li data-key="line-{at}"><time>14:{:02}:{:02}.120</time><span class="tone-{tone}">{level}</span><span>{}</span></li>"#,
        at / 60 % 60,
        at % 60,
        Html::text(words),
    ))
}

fn uptime() -> Html {
    let dates: Vec<String> = (0..90)
        .map(|at| format!("2026-{:02}-{:02}", 7 + at / 30, 1 + at % 30))
        .collect();
    let days: Vec<UptimeDay<'_>> = dates
        .iter()
        .enumerate()
        .map(|(at, date)| match at {
            0..6 => UptimeDay {
                date,
                status: Status::Unknown,
                detail: "",
            },
            31 | 32 => UptimeDay {
                date,
                status: Status::Degraded,
                detail: "18 min slow",
            },
            58 => UptimeDay {
                date,
                status: Status::Down,
                detail: "4 min no answer",
            },
            _ => UptimeDay {
                date,
                status: Status::Healthy,
                detail: "",
            },
        })
        .collect();
    uptime_bar("core", &days)
}
