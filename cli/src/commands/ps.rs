//! `blackroad ps`: who is there.

use anyhow::Result;
use comfy_table::Cell;
use serde_json::json;
use syscall_sdk::contract::mesh;
use syscall_sdk::wire::{Identity, Mesh, MeshService};

use super::health;
use crate::print;
use crate::remote::Remote;
use crate::results;

pub(super) async fn run(remote: &Remote, machine: bool, watch: bool) -> Result<()> {
    if watch {
        return keep_watching(remote, machine).await;
    }
    let listed: Result<Mesh> = remote.call(mesh::KEEPER, mesh::LIST.name, &json!({})).await;
    match listed {
        Ok(roster) => {
            if machine {
                return print::json(&roster);
            }
            show(&roster)
        }
        Err(error) => {
            let why = error.to_string();
            let answers = one_by_one(remote).await?;
            eprintln!(
                "the roster cannot be read, so each service was asked: {}",
                why.lines().next().unwrap_or_default()
            );
            if machine {
                return print::json(&json!({ "services": answers.iter().map(Asked::to_json).collect::<Vec<_>>() }));
            }
            show_asked(&answers)
        }
    }
}

/// Prints the roster, and again whenever the operator says that it has changed.
async fn keep_watching(remote: &Remote, machine: bool) -> Result<()> {
    let call = results::Call::of(mesh::KEEPER, mesh::WATCH.name);
    let watching = results::each(remote, call, |roster| {
        if machine {
            return print::json(roster);
        }
        let roster: Mesh = roster.to()?;
        show(&roster)?;
        print::line("")
    });
    tokio::select! {
        signal = tokio::signal::ctrl_c() => Ok(signal?),
        ended = watching => ended,
    }
}

fn show(roster: &Mesh) -> Result<()> {
    let mut table = print::table(&["service", "health", "version", "up since", "seen", "url"]);
    for service in &roster.services {
        for row in rows(service) {
            table.add_row(row);
        }
    }
    print::show(&table)
}

fn rows(service: &MeshService) -> Vec<[Cell; 6]> {
    if service.instances.is_empty() {
        let [health, blank] = [print::health(service.status), Cell::new("")];
        return vec![[
            Cell::new(&service.key),
            health,
            blank.clone(),
            blank.clone(),
            blank.clone(),
            blank,
        ]];
    }
    let instances = service.instances.iter();
    instances
        .map(|instance| {
            [
                Cell::new(&service.key),
                if instance.state == "up" || instance.state == "alive" {
                    print::health(Some(instance.status))
                } else {
                    Cell::new(&instance.state)
                },
                Cell::new(&instance.version),
                Cell::new(print::age(instance.since)),
                Cell::new(print::age(instance.last_seen)),
                Cell::new(&instance.url),
            ]
        })
        .collect()
}

/// What a service said of itself.
struct Asked {
    key: String,
    url: String,
    identity: Result<Identity>,
}

impl Asked {
    fn to_json(&self) -> serde_json::Value {
        match &self.identity {
            Ok(identity) => json!({
                "key": self.key, "service": identity.service, "role": identity.role, "status": identity.health.status,
                "version": identity.version, "uptime": identity.runtime.uptime, "url": self.url,
            }),
            Err(error) => json!({ "key": self.key, "status": null, "url": self.url, "message": format!("{error:#}") }),
        }
    }
}

async fn one_by_one(remote: &Remote) -> Result<Vec<Asked>> {
    let mut answers = Vec::new();
    let mut missing = 0;
    for (key, health) in health::ask_all(remote).await {
        let identity = match health {
            Ok(_) => remote.get(&key, "/v1/sys/identity", &[]).await,
            Err(error) => Err(error),
        };
        missing += usize::from(identity.is_err());
        answers.push(Asked {
            url: remote.url(&key)?,
            key,
            identity,
        });
    }
    if missing == answers.len()
        && let Some(Asked {
            identity: Err(error), ..
        }) = answers.pop()
    {
        return Err(error);
    }
    Ok(answers)
}

fn show_asked(answers: &[Asked]) -> Result<()> {
    let mut table = print::table(&["service", "health", "version", "up", "url"]);
    for Asked { key, url, identity } in answers {
        match identity {
            Ok(identity) => table.add_row([
                Cell::new(key),
                print::health(Some(identity.health.status)),
                Cell::new(&identity.version),
                Cell::new(print::span(identity.runtime.uptime)),
                Cell::new(url),
            ]),
            Err(_) => table.add_row([
                Cell::new(key),
                print::health(None),
                Cell::new(""),
                Cell::new(""),
                Cell::new(url),
            ]),
        };
    }
    print::show(&table)
}
