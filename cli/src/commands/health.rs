//! `blackroad health [SERVICE]`.

use anyhow::Result;
use comfy_table::{Cell, Color};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Map, Value, json};
use syscall_sdk::wire::{Check, CheckStatus, SystemHealth};

use crate::args::OneOrAll;
use crate::print;
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, machine: bool, which: OneOrAll) -> Result<()> {
    match which.service {
        Some(service) => one(remote, machine, &service).await,
        None => all(remote, machine).await,
    }
}

/// How a service is. One that is sick answers 503 with the same body.
pub(super) async fn ask(remote: &Remote, service: &str) -> Result<SystemHealth> {
    let answer = remote
        .send(service, remote.request(Method::GET, service, "/v1/sys/health")?)
        .await?;
    match answer.shape() {
        Ok(health) => Ok(health),
        Err(_) => answer.read(),
    }
}

/// How every service is, or why it could not be asked.
pub(super) async fn ask_all(remote: &Remote) -> Vec<(String, Result<SystemHealth>)> {
    let keys: Vec<String> = remote.registry.keys().into_iter().map(str::to_owned).collect();
    let answers = join_all(keys.iter().map(|key| ask(remote, key))).await;
    keys.into_iter().zip(answers).collect()
}

async fn one(remote: &Remote, machine: bool, service: &str) -> Result<()> {
    let health = ask(remote, service).await?;
    if machine {
        return print::json(&health);
    }
    print::line(format!(
        "{service} is {}, up {}, {} MiB resident",
        health.status.as_str(),
        print::span(health.uptime),
        health.memory.rss / 1_048_576
    ))?;
    let mut table = print::table(&["check", "status", "latency", ""]);
    for (name, check) in &health.checks {
        table.add_row([
            Cell::new(name),
            status(check),
            Cell::new(
                check
                    .latency
                    .map_or_else(String::new, |latency| format!("{latency:.1} ms")),
            ),
            Cell::new(check.message.as_deref().unwrap_or_default()),
        ]);
    }
    print::show(&table)
}

async fn all(remote: &Remote, machine: bool) -> Result<()> {
    let mut answers = ask_all(remote).await;
    // Where nobody answers it is the fleet that is missing, and saying so nine times helps no one.
    if answers.iter().all(|(_, answer)| answer.is_err())
        && let Some((_, Err(error))) = answers.pop()
    {
        return Err(error);
    }
    if machine {
        let map: Map<String, Value> = answers
            .into_iter()
            .map(|(key, answer)| {
                let told = match answer {
                    Ok(health) => serde_json::to_value(health)?,
                    Err(error) => json!({ "status": null, "message": format!("{error:#}") }),
                };
                anyhow::Ok((key, told))
            })
            .collect::<Result<_>>()?;
        return print::json(&map);
    }
    let mut table = print::table(&["service", "health", "uptime", "checks"]);
    for (key, answer) in answers {
        match answer {
            Ok(health) => table.add_row([
                Cell::new(key),
                print::health(Some(health.status)),
                Cell::new(print::span(health.uptime)),
                Cell::new(amiss(&health)),
            ]),
            Err(error) => table.add_row([
                Cell::new(key),
                print::health(None),
                Cell::new(""),
                Cell::new(print::short(error.to_string().lines().next().unwrap_or_default(), 100)),
            ]),
        };
    }
    print::show(&table)
}

/// The checks that are not well, or how many are.
fn amiss(health: &SystemHealth) -> String {
    let sick: Vec<String> = health
        .checks
        .iter()
        .filter(|(_, check)| check.status != CheckStatus::Ok)
        .map(|(name, check)| format!("{name}: {}", check.message.as_deref().unwrap_or("down")))
        .collect();
    if sick.is_empty() {
        format!("{} ok", health.checks.len())
    } else {
        sick.join("; ")
    }
}

fn status(check: &Check) -> Cell {
    match check.status {
        CheckStatus::Ok => Cell::new("ok").fg(Color::Green),
        CheckStatus::Degraded => Cell::new("degraded").fg(Color::Yellow),
        CheckStatus::Down => Cell::new("down").fg(Color::Red),
    }
}
