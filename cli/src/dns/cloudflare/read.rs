//! Reading a zone: its records, its settings, its health checks.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::Value;

use super::client::{Ask, Client};
use super::refusal::Refusal;
use crate::dns::checks::LiveCheck;
use crate::dns::live::Live;
use crate::dns::plan::Found;
use crate::dns::settings::{Family, MANAGED_RULES, Reading, Setting, State};

#[derive(Deserialize)]
struct Zone {
    id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    plan: Plan,
}

#[derive(Default, Deserialize)]
struct Plan {
    #[serde(default)]
    legacy_id: String,
}

impl Client {
    /// A zone by its name, with all that is planned of it. What the token may not read beside the records is told, not failed on.
    pub(in crate::dns) async fn found(&mut self, name: &str, settings: &[Setting], checks: bool) -> Result<Found> {
        let mut ask = Ask::get("zones".to_owned(), format!("the zone {name}"), "Zone Read");
        ask.query.push(("name", name.to_owned()));
        let zones: Vec<Zone> = self.ask(ask).await?;
        let Some(zone) = zones.into_iter().next() else {
            bail!(
                "Cloudflare has no zone {name} that this token can see: add the domain to the account, let the token's zone resources include it, or leave it out with --zone"
            );
        };
        let id = zone.id;
        let records = self.records(&id, name).await?;
        let mut found = BTreeMap::new();
        for setting in settings {
            let state = match setting.family {
                Family::Setting => self.setting(&id, setting.id).await,
                Family::Bots => self.bots(&id).await,
                Family::Firewall => self.firewall(&id).await,
            };
            found.insert(setting.id, tolerated(state)?);
        }
        let checks = if checks {
            let ask = Ask::get(
                format!("zones/{id}/healthchecks"),
                "the health checks",
                "Health Checks Read",
            );
            tolerated(self.all::<LiveCheck>(ask).await)?
        } else {
            Reading::Is(Vec::new())
        };
        Ok(Found {
            id,
            plan: if zone.plan.legacy_id.is_empty() {
                "unknown".to_owned()
            } else {
                zone.plan.legacy_id
            },
            status: zone.status,
            records,
            settings: found,
            checks,
        })
    }

    /// The records of a zone.
    pub(in crate::dns) async fn records(&mut self, id: &str, name: &str) -> Result<Vec<Live>> {
        let what = format!("the records of {name}");
        self.all(Ask::get(format!("zones/{id}/dns_records"), what, "DNS Read"))
            .await
    }

    async fn setting(&mut self, id: &str, setting: &str) -> Result<State> {
        #[derive(Deserialize)]
        struct Said {
            value: Value,
            #[serde(default = "yes")]
            editable: bool,
        }
        let path = format!("zones/{id}/settings/{setting}");
        let said: Said = self
            .ask(Ask::get(path, format!("the setting {setting}"), "Zone Settings Read"))
            .await?;
        Ok(State {
            value: said.value.as_str().map(str::to_owned),
            editable: said.editable,
            ruleset: None,
        })
    }

    async fn bots(&mut self, id: &str) -> Result<State> {
        let path = format!("zones/{id}/bot_management");
        let said: Value = self
            .ask(Ask::get(path, "the bot settings", "Bot Management Read"))
            .await?;
        let on = said["fight_mode"].as_bool();
        Ok(State {
            value: on.map(|on| if on { "on" } else { "off" }.to_owned()),
            editable: on.is_some(),
            ruleset: None,
        })
    }

    async fn firewall(&mut self, id: &str) -> Result<State> {
        let path = format!("zones/{id}/rulesets/phases/http_request_firewall_managed/entrypoint");
        let asked: Result<Value> = self.ask(Ask::get(path, "the managed rules", "Zone WAF Read")).await;
        let said = match asked {
            Ok(said) => said,
            // A zone to which no managed rules were ever added has no such ruleset.
            Err(error) if error.downcast_ref::<Refusal>().is_some_and(Refusal::is_missing) => Value::Null,
            Err(error) => return Err(error),
        };
        let deployed = |rule: &Value| {
            rule["action"] == "execute"
                && rule["action_parameters"]["id"] == MANAGED_RULES
                && rule["enabled"].as_bool().unwrap_or(true)
        };
        let on = said["rules"].as_array().is_some_and(|rules| rules.iter().any(deployed));
        Ok(State {
            value: Some(if on { "on" } else { "off" }.to_owned()),
            editable: true,
            ruleset: said["id"].as_str().map(str::to_owned),
        })
    }
}

/// What the token may not read, or the plan does not have, is no reason to read nothing.
fn tolerated<T>(read: Result<T>) -> Result<Reading<T>> {
    match read {
        Ok(read) => Ok(Reading::Is(read)),
        Err(error) => match error.downcast_ref::<Refusal>() {
            Some(refusal) if refusal.is_tolerable() => Ok(Reading::Refused(refusal.in_short())),
            _ => Err(error),
        },
    }
}

fn yes() -> bool {
    true
}
