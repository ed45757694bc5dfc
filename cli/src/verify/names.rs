//! Whether the names under which people find a service lead anywhere.

use std::net::IpAddr;

use reqwest::Url;
use syscall_sdk::registry::RegistryFile;
use syscall_sdk::resolve::{Dns, Resolver as _};

use super::facts::Fact;

/// The system's name servers.
pub(super) struct Names(Result<Dns, String>);

/// What a host leads to.
pub(super) enum Found {
    /// It needs no name server: an address, or this machine.
    Here,
    /// It has addresses.
    Addresses,
    /// An authority says that there is no such name.
    Nothing(String),
    /// Nobody knows.
    Failed(String),
}

impl Names {
    pub(super) fn new() -> Self {
        Names(Dns::from_system().map_err(|error| error.message().to_owned()))
    }

    /// Looks the host of a URL up.
    pub(super) async fn find(&self, url: &str) -> Found {
        let Some((host, port)) = host_and_port(url) else {
            return Found::Here;
        };
        if host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok() {
            return Found::Here;
        }
        let dns = match &self.0 {
            Ok(dns) => dns,
            Err(why) => return Found::Failed(why.clone()),
        };
        match dns.resolve(&host, port).await {
            Ok(answer) if answer.endpoints.is_empty() => Found::Nothing(host),
            Ok(_) => Found::Addresses,
            Err(error) => Found::Failed(error.message().to_owned()),
        }
    }
}

/// The host of a URL, with the port that is dialled.
pub(super) fn host_and_port(url: &str) -> Option<(String, u16)> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    Some((host, url.port_or_known_default()?))
}

impl Found {
    pub(super) fn fact(&self, registry: &RegistryFile) -> Fact {
        match self {
            Found::Here => Fact::unknown("-"),
            Found::Addresses => Fact::well("ok"),
            Found::Nothing(host) => {
                let ours = registry
                    .zone
                    .iter()
                    .any(|zone| host == &zone.name || host.ends_with(&format!(".{}", zone.name)));
                let instead = if ours {
                    "`blackroad dns plan` shows what is missing"
                } else {
                    "it is none of our zones: look whether the platform still calls it so, and write it into registry.toml"
                };
                Fact::drift(
                    "none",
                    format!("has no address, for nobody has a record {host}; {instead}"),
                )
            }
            Found::Failed(why) => Fact::unknown("?").since(format!("may have an address or not: {why}")),
        }
    }
}
