//! Requests to addresses that strangers chose: to the public network alone, whatever a name resolves to, and never on to another place.

use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Url;
use syscall_sdk::config::Environment;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::rpc::{abroad, is_at_home, public_client};

/// Longest wait for an endpoint's answer: what Standard Webhooks advises as the least that a sender should give.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The ports of HTTPS. Another one is some other service of a host, which answers a webhook with what it makes of it.
const PORTS: [u16; 2] = [443, 8443];
/// Names that lead inside wherever they are resolved, and which no certificate of the public is made out to: this machine's own
/// (RFC 6761), the platform's and the clouds' private network, and the home's (RFC 6762).
const INSIDE: [&str; 3] = ["localhost", "internal", "local"];

/// Makes the client once, by what the environment allows.
#[derive(Debug, Default)]
pub(super) struct Dialler(OnceLock<reqwest::Client>);

impl Dialler {
    /// A client that resolves names by itself and connects to nothing but what may be reached.
    pub(super) fn client(&self, environment: Environment) -> Result<&reqwest::Client> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let client = public_client(environment)
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .https_only(!is_at_home(environment))
            .build()
            .map_err(|error| Error::internal("the client of webhooks cannot be made").with_source(error))?;
        Ok(self.0.get_or_init(|| client))
    }
}

/// Refuses a URL to which no webhook may go. Of a name that may be public it does not say where it leads: that is looked at whenever it is
/// dialled.
///
/// # Errors
/// `INVALID_URL`.
pub(super) fn check(url: &str, environment: Environment) -> Result<Url> {
    let wrong = |what: &str| Error::invalid(format!("the url {what}")).with_code("INVALID_URL");
    let url = Url::parse(url).map_err(|_| wrong("is none; write https://host/path"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_at_home(environment) => {}
        _ => return Err(wrong("does not begin with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "has a user or a password in it; the signature is what proves who sends",
        ));
    }
    // An address needs no resolving, so the resolver never sees it.
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    if let Ok(address) = host.parse::<IpAddr>() {
        abroad(environment)
            .check(address)
            .map_err(|barred| wrong(&format!("leads where no webhook may go: {barred}")))?;
    } else if !is_at_home(environment) {
        let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        if INSIDE.iter().any(|inside| last.eq_ignore_ascii_case(inside)) {
            return Err(wrong("names something of this machine or of a private network"));
        }
    }
    if !is_at_home(environment) && !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
        return Err(wrong("names a port other than 443 and 8443"));
    }
    Ok(url)
}
