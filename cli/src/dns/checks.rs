//! The edge's own health checks, where the zone's plan has some. They are few, so the fleet's prober is the rule and these are beside it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use syscall_sdk::registry::EdgeHealth;

use super::record::MARK;
use super::settings::Reading;

/// A check as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) path: String,
    pub(super) interval: u64,
    pub(super) timeout: u64,
    pub(super) retries: u32,
    pub(super) expects: u16,
}

/// A check that is there.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct LiveCheck {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    address: String,
    #[serde(default, rename = "type")]
    protocol: Option<String>,
    #[serde(default)]
    interval: u64,
    #[serde(default)]
    timeout: u64,
    #[serde(default)]
    retries: u32,
    #[serde(default)]
    http_config: Option<HttpConfig>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
struct HttpConfig {
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    expected_codes: Option<Vec<String>>,
}

/// A change of a check.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub(super) enum Change {
    Delete { before: LiveCheck },
    Update { before: LiveCheck, after: Check },
    Create { after: Check },
}

impl Check {
    /// The check as the API takes it.
    pub(super) fn body(&self) -> Value {
        json!({
            "name": self.name,
            "description": MARK,
            "address": self.address,
            "type": "HTTPS",
            "interval": self.interval,
            "timeout": self.timeout,
            "retries": self.retries,
            "http_config": { "method": "GET", "path": self.path, "expected_codes": [self.expects.to_string()] },
        })
    }
}

impl LiveCheck {
    fn ours(&self) -> bool {
        self.description.as_deref().is_some_and(|text| text.contains(MARK))
    }

    fn says(&self, wanted: &Check) -> bool {
        let http = self.http_config.as_ref();
        let codes = http.and_then(|http| http.expected_codes.as_deref()).unwrap_or_default();
        self.address == wanted.address
            && self.protocol.as_deref() == Some("HTTPS")
            && (self.interval, self.timeout, self.retries) == (wanted.interval, wanted.timeout, wanted.retries)
            && http.and_then(|http| http.path.as_deref()) == Some(&wanted.path)
            && codes == [wanted.expects.to_string()]
    }
}

/// How many checks a plan has, by Cloudflare's name of the plan.
fn most(plan: &str) -> usize {
    match plan {
        "pro" => 2,
        "business" => 10,
        "enterprise" => 1_000,
        _ => 0,
    }
}

/// A check of each host, in the registry's order.
pub(super) fn wanted(hosts: &[(String, String)], edge: &EdgeHealth, path: &str) -> Vec<Check> {
    hosts
        .iter()
        .map(|(key, host)| Check {
            name: format!("blackroad-{key}"),
            address: host.clone(),
            path: path.to_owned(),
            interval: edge.interval_seconds,
            timeout: edge.timeout_seconds,
            retries: edge.retries,
            expects: edge.expects,
        })
        .collect()
}

/// What differs, within what the plan has.
pub(super) fn diff(wanted: &[Check], there: &Reading<Vec<LiveCheck>>, plan: &str) -> (Vec<Change>, Vec<String>) {
    let mut notes = Vec::new();
    if wanted.is_empty() {
        return (Vec::new(), notes);
    }
    let there = match there {
        Reading::Is(there) => there,
        Reading::Refused(why) => {
            notes.push(format!("health checks were not looked at: {why}"));
            return (Vec::new(), notes);
        }
    };
    let others = there.iter().filter(|check| !check.ours()).count();
    let room = most(plan).saturating_sub(others);
    let (fit, rest) = wanted.split_at(room.min(wanted.len()));
    if most(plan) == 0 {
        notes.push(format!(
            "the {plan} plan has no health checks; the operator's prober watches the services"
        ));
    } else if !rest.is_empty() {
        let names: Vec<&str> = rest.iter().map(|check| check.address.as_str()).collect();
        notes.push(format!(
            "the {plan} plan has {} health checks, {others} of them not ours; without one are {}, which the operator's prober watches",
            most(plan),
            names.join(", ")
        ));
    }
    let gone = there
        .iter()
        .filter(|check| check.ours() && !fit.iter().any(|wanted| wanted.name == check.name))
        .map(|check| Change::Delete { before: check.clone() });
    let mut changes: Vec<Change> = gone.collect();
    for check in fit {
        match there.iter().find(|live| live.ours() && live.name == check.name) {
            Some(live) if live.says(check) => {}
            Some(live) => changes.push(Change::Update {
                before: live.clone(),
                after: check.clone(),
            }),
            None => changes.push(Change::Create { after: check.clone() }),
        }
    }
    (changes, notes)
}
