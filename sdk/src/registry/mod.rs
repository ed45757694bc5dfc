//! The fleet as `registry.toml` tells it: who there is, where each can be found, who may call whom.

mod file;
mod grants;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use file::{Data, Deploy, EdgeHealth, Record, RegistryFile, ServiceRecord, Urls, VersionRecord, Zone};

use crate::config::{Environment, Problems, Variables};
use crate::error::{Error, Result};

/// The registry that ships with this repository.
pub const BUILTIN: &str = include_str!("../../../registry.toml");

/// A way to reach a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Through Cloudflare; outside production it falls to Railway's edge.
    Cloudflare,
    /// Through Railway's edge.
    Railway,
    /// On the private network.
    Internal,
}

/// The registry, checked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: RegistryFile,
    public: BTreeMap<String, String>,
    internal: BTreeMap<String, String>,
}

/// Names that the owner's 2.0 clients use in variables, beside each service's own key.
const VARIABLE_ALIASES: [(&str, &str); 2] = [("CORE_API", "core"), ("PUBLIC_API", "api")];

impl Registry {
    /// Reads and checks a registry file.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, with the line or the service that is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let file: RegistryFile =
            toml::from_str(text).map_err(|error| Error::invalid(format!("registry.toml: {error}")))?;
        file.check()?;
        Ok(Registry(Arc::new(Inner {
            file,
            public: BTreeMap::new(),
            internal: BTreeMap::new(),
        })))
    }

    /// The registry that ships with this repository.
    pub fn builtin() -> Self {
        Self::parse(BUILTIN).expect("the registry that was compiled in is checked by a test")
    }

    /// The same registry with the URLs that the environment overrides: `{KEY}_URL`, `{KEY}_INTERNAL_URL`, and the names of 2.0.
    #[must_use]
    pub fn with_overrides(&self, variables: &Variables, problems: &mut Problems) -> Self {
        let mut public = self.0.public.clone();
        let mut internal = self.0.internal.clone();
        let own = self
            .services()
            .map(|service| (service.key.to_uppercase().replace('-', "_"), service.key.clone()));
        // The names of 2.0 come last, so that they win where both are set.
        let aliases = VARIABLE_ALIASES
            .iter()
            .map(|(name, key)| ((*name).to_owned(), (*key).to_owned()));
        for (name, key) in own.chain(aliases) {
            if !self.has(&key) {
                continue;
            }
            let given = |variable: &str| {
                let url = variables.get(variable)?.trim().trim_end_matches('/');
                (!url.is_empty()).then(|| url.to_owned())
            };
            let variable = format!("{name}_URL");
            match given(&variable) {
                None => {}
                Some(url) if is_base_url(&url) => drop(public.insert(key.clone(), url)),
                Some(url) => problems.push(format!(
                    "{variable} is {url:?}; it is http:// or https://, a host, a port where it is not the scheme's own, and no path"
                )),
            }
            let variable = format!("{name}_INTERNAL_URL");
            match given(&variable) {
                None => {}
                // On the private network nothing listens on the scheme's own port unless it is said: a forgotten one is refused at every call.
                Some(url) if is_base_url(&url) && has_port(&url) => drop(internal.insert(key.clone(), url)),
                Some(url) => problems.push(format!(
                    "{variable} is {url:?}; it is http:// or https://, a host, the port on which the service listens, and no path"
                )),
            }
        }
        Registry(Arc::new(Inner {
            file: self.0.file.clone(),
            public,
            internal,
        }))
    }

    /// Every service, in the order of the file.
    pub fn services(&self) -> impl ExactSizeIterator<Item = &ServiceRecord> {
        self.0.file.service.iter()
    }

    /// Every key, in the order of the file.
    pub fn keys(&self) -> Vec<&str> {
        self.services().map(|service| service.key.as_str()).collect()
    }

    /// A service by key or name.
    ///
    /// # Errors
    /// `UNKNOWN_SERVICE`: `Unknown service: X`.
    pub fn get(&self, key_or_name: &str) -> Result<&ServiceRecord> {
        self.services()
            .find(|service| service.key == key_or_name || service.name == key_or_name)
            .ok_or_else(|| {
                Error::not_found(format!("Unknown service: {key_or_name}"))
                    .with_code("UNKNOWN_SERVICE")
                    .with_details(serde_json::json!({ "service": key_or_name }))
            })
    }

    /// Whether there is a service of this key or name.
    pub fn has(&self, key_or_name: &str) -> bool {
        self.get(key_or_name).is_ok()
    }

    /// The first service of a role.
    pub fn by_role(&self, role: &str) -> Option<&ServiceRecord> {
        self.services().find(|service| service.role == role)
    }

    /// Every service of a role.
    pub fn all_by_role(&self, role: &str) -> Vec<&ServiceRecord> {
        self.services().filter(|service| service.role == role).collect()
    }

    /// Where a service is found, by a way.
    ///
    /// # Errors
    /// `UNKNOWN_SERVICE`.
    pub fn url(&self, service: &str, environment: Environment, way: Way) -> Result<String> {
        let service = self.get(service)?;
        let production = environment == Environment::Production;
        Ok(match way {
            Way::Internal => self
                .0
                .internal
                .get(&service.key)
                .cloned()
                .unwrap_or_else(|| service.internal()),
            Way::Cloudflare if production => {
                let known = self.0.public.get(&service.key).cloned();
                known
                    .or_else(|| service.production.cloudflare.clone())
                    .unwrap_or_default()
            }
            Way::Cloudflare | Way::Railway => {
                let urls = match environment {
                    Environment::Production => &service.production,
                    Environment::Staging => service.staging.as_ref().unwrap_or(&service.development),
                    Environment::Development | Environment::Test => &service.development,
                };
                urls.railway.clone()
            }
        })
    }

    /// Where people find a service.
    ///
    /// # Errors
    /// `UNKNOWN_SERVICE`.
    pub fn public_url(&self, service: &str, environment: Environment) -> Result<String> {
        let key = &self.get(service)?.key;
        match self.0.public.get(key) {
            Some(url) => Ok(url.clone()),
            None => self.url(service, environment, Way::Cloudflare),
        }
    }

    /// Where other services find a service.
    ///
    /// # Errors
    /// `UNKNOWN_SERVICE`.
    pub fn internal_url(&self, service: &str) -> Result<String> {
        self.url(service, Environment::Production, Way::Internal)
    }

    /// The versions of a service that run side by side; none where there is one, and where the environment says where that is.
    ///
    /// # Errors
    /// `UNKNOWN_SERVICE`.
    pub fn versions(&self, service: &str) -> Result<&[VersionRecord]> {
        let service = self.get(service)?;
        let said = self.0.internal.contains_key(&service.key);
        Ok(if said { &[] } else { &service.version })
    }

    /// Which service a `Host` names, if any: its key, name, internal name or one of its public names, or where one of its versions is found. Ports do not matter.
    pub fn by_host(&self, host: &str) -> Option<&ServiceRecord> {
        let host = host_name(host).to_ascii_lowercase();
        let label = host
            .strip_suffix(".localhost")
            .or_else(|| host.strip_suffix(".railway.internal"));
        let versioned = |service: &ServiceRecord| {
            service
                .version
                .iter()
                .any(|version| host_of_url(&version.internal) == host)
        };
        self.services().find(|service| match label {
            Some(label) => service.key == label || service.name == label || versioned(service),
            None if versioned(service) && !is_shared(host.as_str()) => true,
            None => {
                let urls = [
                    service.production.cloudflare.as_deref(),
                    Some(service.production.railway.as_str()),
                    service.staging.as_ref().map(|urls| urls.railway.as_str()),
                    Some(service.development.railway.as_str()),
                    self.0.public.get(&service.key).map(String::as_str),
                ];
                urls.into_iter().flatten().any(|url| host_of_url(url) == host)
            }
        })
    }

    /// Everything that the file says.
    pub fn file(&self) -> &RegistryFile {
        &self.0.file
    }
}

/// The host of a `Host` header, without its port.
pub fn host_name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    }
}

/// Whether a host is this machine, where versions may lie side by side with anything else.
fn is_shared(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok()
}

fn host_of_url(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    host_name(rest.split('/').next().unwrap_or(rest))
}

fn is_base_url(url: &str) -> bool {
    url.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() && matches!(uri.path(), "" | "/")
    })
}

fn has_port(url: &str) -> bool {
    url.parse::<http::Uri>().is_ok_and(|uri| uri.port_u16().is_some())
}

#[cfg(test)]
mod tests;
