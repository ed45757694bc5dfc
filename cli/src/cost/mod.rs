//! What the fleet costs in a month: measured, not guessed.

mod price;
mod sample;

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use futures_util::future::join_all;
use reqwest::Method;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::args::{Cost, Target};
use crate::fleet::Known;
use crate::print::{self, DIM, WARN};
use crate::remote::Remote;
use price::{Bill, MONTH_SECONDS, READ_ON, SOURCE};
use sample::{Measured, Sample, used};

/// How often each service is asked while it is watched: the figures are sums, and more moments see more of the replicas behind a name.
const BETWEEN: Duration = Duration::from_secs(5);
/// Shortest time that says anything of a month.
const WATCH_MIN: Duration = Duration::from_secs(1);

/// What is known of a service.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    service: String,
    /// How many of it there are, by the registry.
    replicas: u32,
    /// Of one of them.
    memory_bytes: f64,
    cpus: f64,
    /// Of all.
    egress_bytes_a_month: f64,
    /// Of all, in dollars.
    month: Bill,
    total: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    environment: &'static str,
    watched_seconds: f64,
    prices: Prices,
    services: Vec<Row>,
    /// Services that said nothing, with the reason.
    unknown: Vec<(String, String)>,
    month: Bill,
    total: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Prices {
    source: &'static str,
    read_on: &'static str,
}

/// Watches the fleet and says what it comes to.
pub(crate) async fn run(fleet: &Known, target: &Target, machine: bool, cost: Cost) -> Result<()> {
    ensure!(cost.watch >= WATCH_MIN, "--for is {} s at least", WATCH_MIN.as_secs());
    let remote = Remote::new(&fleet.registry, target)?;
    if !machine {
        eprintln!("watching for {} …", print::span(cost.watch.as_secs_f64()));
    }
    let begun = Instant::now();
    let keys: Vec<String> = remote.registry.keys().into_iter().map(str::to_owned).collect();
    let watched = join_all(keys.iter().map(|key| watch(&remote, key, begun, cost.watch))).await;
    let production = target.environment.environment() == syscall_sdk::config::Environment::Production;
    let (mut services, mut unknown, mut month) = (Vec::new(), Vec::new(), Bill::default());
    for (key, measured) in keys.into_iter().zip(watched) {
        match measured {
            Ok(measured) => {
                let replicas = if production {
                    remote.registry.get(&key)?.replicas
                } else {
                    1
                };
                let row = row(key, replicas, measured);
                month = month.plus(row.month);
                services.push(row);
            }
            Err(error) => unknown.push((key, format!("{error:#}"))),
        }
    }
    if services.is_empty() {
        let (_, why) = unknown.swap_remove(0);
        bail!("no service said what it uses: {why}");
    }
    let report = Report {
        environment: target.environment.environment().as_str(),
        watched_seconds: begun.elapsed().as_secs_f64(),
        prices: Prices {
            source: SOURCE,
            read_on: READ_ON,
        },
        services,
        unknown,
        month,
        total: month.total(),
    };
    if machine {
        print::json(&report)
    } else {
        show(&report, target)
    }
}

/// Asks a service again and again until the time is over.
async fn watch(remote: &Remote, key: &str, begun: Instant, length: Duration) -> Result<Measured> {
    let mut samples = Vec::new();
    loop {
        let answer = remote.send(key, remote.request(Method::GET, key, "/metrics")?).await?;
        let at = begun.elapsed();
        if !answer.status.is_success() {
            answer.done()?;
            break;
        }
        match Sample::read(at.as_secs_f64(), &answer.body) {
            Some(sample) => samples.push(sample),
            None => bail!("its /metrics lacks what is to be paid for; it runs an older version of the kernel"),
        }
        if at >= length {
            break;
        }
        sleep(BETWEEN.min(length - at)).await;
    }
    used(&samples).ok_or_else(|| {
        anyhow::anyhow!("no process of it answered twice in this time, since there are many or it restarted; watch longer with --for")
    })
}

fn row(service: String, replicas: u32, measured: Measured) -> Row {
    let Measured { one, seen } = measured;
    // What left was seen of so many of them; the others send as much.
    let all = price::Use {
        egress_rate: one.egress_rate / f64::from(seen) * f64::from(replicas.max(seen)),
        ..one
    };
    let month = Bill::of(all).times(replicas);
    Row {
        service,
        replicas,
        memory_bytes: one.memory_bytes,
        cpus: one.cpus,
        egress_bytes_a_month: all.egress_rate * MONTH_SECONDS,
        total: month.total(),
        month,
    }
}

fn show(report: &Report, target: &Target) -> Result<()> {
    let mut table = print::table(&[
        "service",
        "memory",
        "cpu",
        "egress/month",
        "$ memory",
        "$ cpu",
        "$ egress",
        "$ month",
    ]);
    let money = |dollars: f64| format!("{dollars:.2}");
    for row in &report.services {
        let name = if row.replicas == 1 {
            row.service.clone()
        } else {
            format!("{} ×{}", row.service, row.replicas)
        };
        table.add_row([
            name,
            format!("{:.0} MB", row.memory_bytes / 1e6),
            format!("{:.4}", row.cpus),
            format!("{:.2} GB", row.egress_bytes_a_month / 1e9),
            money(row.month.memory),
            money(row.month.cpu),
            money(row.month.egress),
            money(row.total),
        ]);
    }
    let Bill { memory, cpu, egress } = report.month;
    table.add_row([
        "all",
        "",
        "",
        "",
        &money(memory),
        &money(cpu),
        &money(egress),
        &money(report.total),
    ]);
    print::show(&table)?;
    for (service, why) in &report.unknown {
        print::line(format!("{WARN}{service}{WARN:#} is not in it: {why}"))?;
    }
    if target.environment.is_here() {
        print::line(format!(
            "{DIM}services in one process each say what all of it uses: `blackroad up --processes` tells them apart{DIM:#}"
        ))?;
    }
    print::line(format!(
        "{DIM}watched for {} at the prices of {} ({}); volumes, databases and calls out of the fleet are not in it{DIM:#}",
        print::span(report.watched_seconds),
        report.prices.read_on,
        report.prices.source
    ))
}
