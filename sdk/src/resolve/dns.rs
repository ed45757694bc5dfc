use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;

use super::{Endpoint, Resolver};
use crate::error::{Error, Result};

/// One question's limit: two of them must fit well inside a call's deadline (RFC 8767 suggests 1.8 s to a stale answer).
const QUERY_TIMEOUT: Duration = Duration::from_secs(1);
/// Questions before a server is taken for silent.
const ATTEMPTS: usize = 2;

/// The names of the private network, asked of the system's name servers: A and AAAA together.
///
/// It fails closed: without a readable `/etc/resolv.conf` there is no resolver, rather than one that asks strangers for private names.
pub struct Dns(TokioResolver);

impl Dns {
    /// A resolver from the system's configuration. Names are asked as absolute ones, so that a search domain cannot mask a failure.
    ///
    /// # Errors
    /// `UNAVAILABLE` where the system's configuration cannot be read.
    pub fn from_system() -> Result<Self> {
        let unreadable = |error| {
            Error::unavailable(
                "the system's DNS configuration (/etc/resolv.conf) cannot be read, so no service can be found by name",
            )
            .with_source(error)
        };
        let mut builder = TokioResolver::builder_tokio().map_err(unreadable)?;
        let options = builder.options_mut();
        options.timeout = QUERY_TIMEOUT;
        options.attempts = ATTEMPTS;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.edns0 = true;
        options.ndots = 0;
        Ok(Dns(builder.build().map_err(unreadable)?))
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dns")
    }
}

impl Resolver for Dns {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Result<Vec<Endpoint>>> {
        Box::pin(async move {
            if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
                return Ok(vec![Endpoint::Tcp(SocketAddr::new(address, port))]);
            }
            let name = format!("{}.", host.trim_end_matches('.'));
            let found = self.0.lookup_ip(name.as_str()).await.map_err(|error| {
                let why = if error.is_nx_domain() {
                    "the name does not exist"
                } else {
                    "the name servers did not answer it"
                };
                Error::unavailable(format!("{host} cannot be found by DNS: {why}"))
                    .with_code("DNS_FAILED")
                    .with_source(error)
            })?;
            Ok(found
                .iter()
                .map(|address| Endpoint::Tcp(SocketAddr::new(address, port)))
                .collect())
        })
    }
}
