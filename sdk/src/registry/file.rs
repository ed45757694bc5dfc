//! `registry.toml`, as written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::grants::rights_at;
use super::{has_port, is_base_url};
use crate::error::{Error, Result};
use crate::name::ServiceKey;

/// The whole file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryFile {
    /// The fleet's domain.
    pub domain: String,
    /// What every service answers a probe on.
    pub health_path: String,
    /// How often the operator probes, in seconds; 0 is never.
    pub probe_interval_seconds: u64,
    /// The owner's project on the platform.
    pub railway_project: String,
    /// Who owns the satellite repositories.
    pub organisation: String,
    /// How the platform builds and runs the services.
    #[serde(default)]
    pub deploy: Deploy,
    /// The services.
    pub service: Vec<ServiceRecord>,
    /// The DNS zones.
    pub zone: Vec<Zone>,
    /// How the edge probes.
    pub edge_health: EdgeHealth,
}

/// How the platform builds and runs the services.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deploy {
    /// The repository that is built: `{organisation}/{repository}`.
    pub repository: String,
    /// Its branch.
    pub branch: String,
    /// The platform's word for where it runs; where it is not said, the project's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Seconds in which a deployed service must answer on `health_path`, or the deploy has failed.
    pub health_timeout_seconds: u64,
    /// Seconds that an old process goes on beside a new one that is well.
    pub overlap_seconds: u64,
    /// Seconds between SIGTERM and SIGKILL.
    pub draining_seconds: u64,
}

impl Default for Deploy {
    fn default() -> Self {
        Deploy {
            repository: "blackroad-os".to_owned(),
            branch: "main".to_owned(),
            region: None,
            // The owner's; a service boots in under a second.
            health_timeout_seconds: 10,
            // Peers ask for addresses anew every few seconds: when the old process ends, none knows it alone.
            overlap_seconds: 10,
            // A drain takes 10 at most, and whatever the platform loses on the way to the signal is on top.
            draining_seconds: 15,
        }
    }
}

/// Where a service's data lies on the platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Data {
    /// In a file on a volume: one replica, and a gap at each deploy.
    #[default]
    Volume,
    /// In the fleet's PostgreSQL: replicas, and no gap.
    Postgres,
}

/// One service.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceRecord {
    /// Short name: folder, subdomain, CLI.
    pub key: String,
    /// Full name: package, binary, internal host, satellite repository.
    pub name: String,
    /// What it is for the others.
    pub role: String,
    /// The port it listens on.
    pub port: u16,
    /// Replicas in production.
    #[serde(default = "one")]
    pub replicas: u32,
    /// The platform's TCP proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_proxy: Option<String>,
    /// Where its data lies on the platform.
    #[serde(default)]
    pub data: Data,
    /// Names of variables whose values are kept as they are on the platform, beside those that every service has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Variables that are no secret, beside those that are made of the rest of this file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Where it is found in production.
    pub production: Urls,
    /// Where it is found in staging, where people reach that; development's holds else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staging: Option<Urls>,
    /// Where it is found in development.
    pub development: Urls,
    /// Which services it may call.
    #[serde(default)]
    pub calls: Vec<String>,
    /// What it may do there, by service; `*` is every one that it calls, and itself. Where nothing is said it may call any method and take
    /// any event.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rights: BTreeMap<String, Vec<String>>,
    /// Versions that run side by side, each with its share of the callers; none where there is one, at its internal URL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub version: Vec<VersionRecord>,
}

/// One of several versions of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionRecord {
    /// What it is called: `blue`, `green`.
    pub name: String,
    /// Where it is found on the private network.
    pub internal: String,
    /// Of a hundred callers so many are its own; 0 gets none.
    pub weight: u32,
}

impl ServiceRecord {
    /// The name of the file in which it keeps its data, in the data directory.
    pub fn file_name(&self) -> String {
        format!("{}.db", self.name)
    }

    /// The name of the schema in which it keeps its data, in PostgreSQL.
    pub fn schema_name(&self) -> String {
        // A key is a DNS label: it has no underscore that a dash could be taken for.
        format!("blackroad_{}", self.key.replace('-', "_"))
    }
}

/// Where a service is found in an environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Urls {
    /// Through Cloudflare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudflare: Option<String>,
    /// Through Railway's edge.
    pub railway: String,
}

/// A DNS zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Its apex.
    pub name: String,
    /// How the edge speaks to the origin.
    pub tls_mode: String,
    /// The oldest TLS the edge takes.
    pub minimum_tls: String,
    /// Whether plain HTTP is redirected.
    pub always_https: bool,
    /// Whether links in pages are rewritten to HTTPS.
    pub automatic_https_rewrites: bool,
    /// Whether opportunistic encryption is on.
    pub opportunistic_encryption: bool,
    /// Whether the firewall is on.
    pub waf: bool,
    /// Whether bots are fought.
    pub bot_fight_mode: bool,
    /// Records beside the services' own.
    pub records: Vec<Record>,
}

/// A DNS record.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// `CNAME`, `MX`, `TXT`.
    pub r#type: String,
    /// Below the apex; `@` is the apex.
    pub name: String,
    /// What it says; empty where each owner fills it in.
    pub value: String,
    /// For `MX`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
    /// Whether the edge stands in between.
    #[serde(default)]
    pub proxied: bool,
}

/// How the edge probes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeHealth {
    /// Seconds between probes.
    pub interval_seconds: u64,
    /// Seconds until a probe has failed.
    pub timeout_seconds: u64,
    /// Probes that must fail in a row.
    pub retries: u32,
    /// The status that is well.
    pub expects: u16,
}

impl VersionRecord {
    /// The host of its internal URL.
    pub fn host(&self) -> Option<String> {
        let uri = self.internal.parse::<http::Uri>().ok()?;
        uri.host().map(str::to_owned)
    }
}

impl ServiceRecord {
    /// The internal URL, the same in every environment.
    pub fn internal(&self) -> String {
        format!("http://{}.railway.internal:{}", self.name, self.port)
    }
}

impl RegistryFile {
    pub(super) fn check(&self) -> Result<()> {
        let deploy = &self.deploy;
        for (name, text) in [("repository", &deploy.repository), ("branch", &deploy.branch)] {
            if text.is_empty() {
                return Err(Error::invalid(format!("registry.toml: deploy: {name} is empty")));
            }
        }
        if deploy.health_timeout_seconds == 0 {
            return Err(Error::invalid(
                "registry.toml: deploy: health_timeout_seconds is at least 1",
            ));
        }
        let mut seen = std::collections::BTreeSet::new();
        for service in &self.service {
            let at = |problem: String| Error::invalid(format!("registry.toml: service {:?}: {problem}", service.key));
            ServiceKey::new(&service.key).map_err(|error| at(error.to_string()))?;
            ServiceKey::new(&service.name).map_err(|error| at(error.to_string()))?;
            for word in std::iter::once(&service.key).chain((service.name != service.key).then_some(&service.name)) {
                if !seen.insert(word) {
                    return Err(at(format!("{word:?} names two services")));
                }
            }
            if service.port == 0 || service.replicas == 0 {
                return Err(at("port and replicas are at least 1".to_owned()));
            }
            check_versions(&service.version).map_err(at)?;
            if service.replicas > 1 && service.data == Data::Volume {
                return Err(at(format!(
                    "{} replicas want data = \"postgres\": a volume has one reader",
                    service.replicas
                )));
            }
            let names = || service.secrets.iter().chain(service.variables.keys());
            if let Some(wrong) = names().find(|name| !is_variable_name(name)) {
                return Err(at(format!(
                    "{wrong:?} is no variable's name: capitals, digits and _, no digit first"
                )));
            }
            if let Some(twice) = service
                .secrets
                .iter()
                .find(|name| service.variables.contains_key(*name))
            {
                return Err(at(format!("{twice} is among its secrets and its variables")));
            }
        }
        for service in &self.service {
            if let Some(unknown) = service
                .calls
                .iter()
                .find(|key| !self.service.iter().any(|other| other.key == **key))
            {
                return Err(Error::invalid(format!(
                    "registry.toml: service {:?} may call {unknown:?}, which is no service",
                    service.key
                )));
            }
            let at = |problem: String| Error::invalid(format!("registry.toml: service {:?}: {problem}", service.key));
            if let Some(stray) = service
                .rights
                .keys()
                .find(|callee| *callee != "*" && **callee != service.key && !service.calls.contains(callee))
            {
                return Err(at(format!("it has rights at {stray:?}, which it does not call")));
            }
            for callee in service.calls.iter().chain([&service.key]) {
                rights_at(service, callee).map_err(|error| at(error.to_string()))?;
            }
        }
        Ok(())
    }
}

/// Of a hundred callers: what the weights of a service's versions come to.
const WEIGHTS: u32 = 100;

fn check_versions(versions: &[VersionRecord]) -> Result<(), String> {
    for (nth, version) in versions.iter().enumerate() {
        let name = &version.name;
        ServiceKey::new(name).map_err(|error| format!("version {name:?}: {error}"))?;
        if !is_base_url(&version.internal) || !has_port(&version.internal) {
            return Err(format!(
                "version {name:?}: internal is {:?}; it is http:// or https://, a host, the port on which it listens, and no path",
                version.internal
            ));
        }
        for other in &versions[..nth] {
            if other.name == *name {
                return Err(format!("{name:?} names two versions"));
            }
            if other.internal == version.internal {
                return Err(format!(
                    "versions {:?} and {name:?} have one internal URL, so that they are the same",
                    other.name
                ));
            }
        }
    }
    let sum: u64 = versions.iter().map(|version| u64::from(version.weight)).sum();
    if !versions.is_empty() && sum != u64::from(WEIGHTS) {
        let each: Vec<String> = versions
            .iter()
            .map(|version| format!("{} {}", version.name, version.weight))
            .collect();
        return Err(format!(
            "the weights of its versions are {WEIGHTS} together, and {} are {sum}",
            each.join(", ")
        ));
    }
    Ok(())
}

fn one() -> u32 {
    1
}

fn is_variable_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    text.bytes().next().is_some_and(letter) && text.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}
