//! Whether what runs is what was meant: one row a service, and a sentence for whatever is not so.

mod certificate;
mod commit;
pub(crate) mod contracts;
mod dates;
mod facts;
mod names;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use futures_util::future::join_all;
use reqwest::{Method, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use syscall_sdk::wire::{Config, HealthStatus, SystemHealth, SystemVersion};

use crate::args::{Target, Verify};
use crate::fleet::Known;
use crate::print;
use crate::remote::Remote;
use commit::Wanted;
use facts::Fact;

/// What is known of a service.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    service: String,
    url: String,
    commit: Fact,
    version: Fact,
    health: Fact,
    dns: Fact,
    certificate: Fact,
    configuration: Fact,
    contract: Fact,
    /// The commit as the service says it.
    #[serde(skip)]
    runs: Option<String>,
}

impl Row {
    fn facts(&self) -> [&Fact; 7] {
        let Row {
            commit,
            version,
            health,
            dns,
            certificate,
            configuration,
            contract,
            ..
        } = self;
        [commit, version, health, dns, certificate, configuration, contract]
    }
}

#[derive(Serialize)]
struct Report {
    environment: &'static str,
    wanted: Option<String>,
    drift: bool,
    services: Vec<Row>,
}

/// Asks every service, or those that are named, and says what is not as it should be.
pub(crate) async fn run(fleet: &Known, target: &Target, machine: bool, verify: Verify) -> Result<ExitCode> {
    let remote = Remote::new(&fleet.registry, target)?;
    let mut keys = Vec::new();
    for record in remote.registry.services() {
        keys.push(record.key.clone());
    }
    if !verify.service.is_empty() {
        let mut asked = Vec::new();
        for service in &verify.service {
            asked.push(remote.registry.get(service)?.key.clone());
        }
        keys.retain(|key| asked.contains(key));
    }
    let wanted = Wanted::of(verify.commit.as_deref())?;
    let names = names::Names::new();
    let mut rows = join_all(keys.iter().map(|key| row(&remote, target, &wanted, &names, key))).await;
    contracts::compare(fleet, &remote, &wanted, &mut rows).await;
    let report = Report {
        environment: target.environment.environment().as_str(),
        wanted: wanted.commit().map(str::to_owned),
        drift: rows.iter().any(|row| row.facts().iter().any(|fact| fact.is_drift())),
        services: rows,
    };
    if machine {
        print::json(&report)?;
    } else {
        show::show(&report.services, report.wanted.as_deref(), target)?;
    }
    Ok(if report.drift {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn row(remote: &Remote, target: &Target, wanted: &Wanted, names: &names::Names, key: &str) -> Row {
    let url = remote.url(key).unwrap_or_default();
    let (version, health, config, (dns, certificate)) = tokio::join!(
        ask::<SystemVersion>(remote, key, "/v1/sys/version"),
        ask::<SystemHealth>(remote, key, "/v1/sys/health"),
        ask::<Config>(remote, key, "/v1/sys/config"),
        async {
            let found = names.find(&url).await;
            let certificate = certificate::look(&url, &found).await;
            (found.fact(remote.registry.file()), certificate)
        },
    );
    let runs = version.as_ref().ok().and_then(|version| version.commit.clone());
    Row {
        service: key.to_owned(),
        commit: match &version {
            Ok(version) => wanted.judge(remote, key, version.commit.as_deref()),
            Err(_) => Fact::unknown("?"),
        },
        version: match &version {
            Ok(version) => Fact::well(&version.version),
            Err(_) => Fact::unknown("?"),
        },
        health: match health {
            Ok(health) => well(&health),
            Err(error) => Fact::drift("down", format!("does not answer at {url}: {}", error.root_cause())),
        },
        dns,
        certificate,
        configuration: match config {
            Ok(config) => configuration(remote, target, key, &url, &config),
            Err(_) => Fact::unknown("?"),
        },
        contract: Fact::unknown("?"),
        runs,
        url,
    }
}

/// A body that is an answer whatever its status.
async fn ask<T: DeserializeOwned>(remote: &Remote, key: &str, path: &str) -> Result<T> {
    let answer = remote.send(key, remote.request(Method::GET, key, path)?).await?;
    match answer.shape() {
        Ok(told) => Ok(told),
        Err(_) => answer.read(),
    }
}

fn well(health: &SystemHealth) -> Fact {
    let word = health.status.as_str();
    let sick: Vec<String> = health
        .checks
        .iter()
        .filter(|(_, check)| check.status != syscall_sdk::wire::CheckStatus::Ok)
        .map(|(name, check)| format!("{name}: {}", check.message.as_deref().unwrap_or("down")))
        .collect();
    match health.status {
        HealthStatus::Healthy => Fact::well(word),
        HealthStatus::Degraded | HealthStatus::Unhealthy => {
            Fact::drift(word, format!("is {word}: {}", sick.join("; ")))
        }
    }
}

/// Whether a service was told what the registry says.
fn configuration(remote: &Remote, target: &Target, key: &str, url: &str, config: &Config) -> Fact {
    let Ok(record) = remote.registry.get(key) else {
        return Fact::unknown("?");
    };
    let mut wrong = Vec::new();
    let mut compare = |what: &str, runs: String, meant: String| {
        if runs != meant {
            wrong.push(format!("{what} is {runs} and not {meant}"));
        }
    };
    let service = &config.service;
    compare("its name", service.name.clone(), record.name.clone());
    compare("its role", service.role.clone(), record.role.clone());
    compare(
        "ENVIRONMENT",
        service.environment.clone(),
        target.environment.environment().to_string(),
    );
    // Where an address was given with its port, no edge stands between that would look for another.
    let by_port = Url::parse(url).is_ok_and(|url| url.port().is_some());
    if !by_port {
        compare("PORT", service.port.to_string(), record.port.to_string());
    }
    let features = config.features;
    for (name, on) in [
        ("ENABLE_RPC", features.rpc),
        ("ENABLE_EVENTS", features.events),
        ("ENABLE_JOBS", features.jobs),
        ("ENABLE_STATE", features.state),
    ] {
        let meant = record
            .variables
            .get(name)
            .is_none_or(|value| matches!(value.as_str(), "true" | "1" | "yes" | "on"));
        compare(name, on.to_string(), meant.to_string());
    }
    if wrong.is_empty() {
        Fact::well("ok")
    } else {
        Fact::drift(
            "drift",
            format!(
                "{}; `railway config plan` shows what would put it right",
                wrong.join(", ")
            ),
        )
    }
}
