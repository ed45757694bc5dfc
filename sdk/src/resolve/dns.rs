use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, select};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;
use tokio::time::timeout;

use super::discovery::in_order;
use super::{Answer, Endpoint, Resolver};
use crate::error::{Error, Result};

/// One question's limit: two of them must fit well inside a call's deadline (RFC 8767 suggests 1.8 s to a stale answer).
const QUERY_TIMEOUT: Duration = Duration::from_secs(1);
/// Questions before a server is taken for silent.
const ATTEMPTS: usize = 2;
/// How long the other family may come after the first (RFC 8305, section 3, "Resolution Delay").
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// The suffix of names whose addresses must be private: an answer that points elsewhere is a mistake or an attack.
const PRIVATE_SUFFIX: &str = ".internal";

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
        Self::from_file(Path::new("/etc/resolv.conf"))
    }

    /// A resolver from a file in the form of `resolv.conf(5)`.
    ///
    /// # Errors
    /// `UNAVAILABLE` where it cannot be read or names no server.
    pub fn from_file(path: &Path) -> Result<Self> {
        let unreadable = |why: String| {
            Error::unavailable(format!(
                "the system's DNS configuration ({}) cannot be read, so no service can be found by name: {why}",
                path.display()
            ))
        };
        let text = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        let (config, options) =
            hickory_resolver::system_conf::parse_resolv_conf(text).map_err(|error| unreadable(error.to_string()))?;
        Self::build(config, options)
    }

    /// A resolver that asks these servers and no others.
    ///
    /// # Errors
    /// `INTERNAL` where it cannot be made.
    pub fn with_servers(servers: &[SocketAddr]) -> Result<Self> {
        let servers = servers.iter().map(|server| {
            let mut known = NameServerConfig::udp_and_tcp(server.ip());
            let connections = known.connections.iter_mut();
            connections.for_each(|connection| connection.port = server.port());
            known
        });
        Self::build(
            ResolverConfig::from_parts(None, Vec::new(), servers.collect()),
            ResolverOpts::default(),
        )
    }

    fn build(config: ResolverConfig, options: ResolverOpts) -> Result<Self> {
        let mut builder =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).with_options(options);
        let options = builder.options_mut();
        options.timeout = QUERY_TIMEOUT;
        options.attempts = ATTEMPTS;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.edns0 = true;
        options.ndots = 0;
        // Who calls keeps the answer, by a schedule of its own.
        options.cache_size = 0;
        let resolver = builder
            .build()
            .map_err(|error| Error::internal("the resolver of names cannot be made").with_source(error))?;
        Ok(Dns(resolver))
    }

    /// Both families at once. The first that has addresses is given, with the other's where they come within a moment; an error only
    /// where neither has and one did not answer, since then nobody knows.
    async fn ask(&self, name: &str) -> std::result::Result<Vec<Lookup>, NetError> {
        let six = std::pin::pin!(self.family(name, RecordType::AAAA));
        let four = std::pin::pin!(self.family(name, RecordType::A));
        let (first, second) = match select(six, four).await {
            Either::Left((first, second)) => (first, Either::Left(second)),
            Either::Right((first, second)) => (first, Either::Right(second)),
        };
        match first {
            Ok(Some(found)) => {
                let mut all = vec![found];
                if let Ok(Ok(Some(other))) = timeout(RESOLUTION_DELAY, second).await {
                    all.push(other);
                }
                Ok(all)
            }
            Ok(None) => Ok(second.await?.into_iter().collect()),
            Err(error) => match second.await? {
                Some(found) => Ok(vec![found]),
                None => Err(error),
            },
        }
    }

    /// The records of a family; `None` where an authority says that there are none.
    async fn family(&self, name: &str, kind: RecordType) -> std::result::Result<Option<Lookup>, NetError> {
        match self.0.lookup(name, kind).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_no_records_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dns")
    }
}

impl Resolver for Dns {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, Result<Answer>> {
        Box::pin(async move {
            if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
                return Ok(Answer {
                    endpoints: vec![Endpoint::Tcp(SocketAddr::new(address, port))],
                    ttl: Duration::MAX,
                    refused: 0,
                });
            }
            let name = format!("{}.", host.trim_end_matches('.'));
            let found = self.ask(&name).await.map_err(|error| {
                Error::unavailable(format!("the name servers gave no answer to {host}"))
                    .with_code("DNS_FAILED")
                    .with_source(error)
            })?;
            let records = || found.iter().flat_map(Lookup::answers);
            let addresses: Vec<IpAddr> = records().filter_map(|record| record.data.ip_addr()).collect();
            let accepted: Vec<Endpoint> = addresses
                .iter()
                .filter(|address| acceptable(host, **address))
                .map(|address| Endpoint::Tcp(SocketAddr::new(*address, port)))
                .collect();
            Ok(Answer {
                refused: addresses.len() - accepted.len(),
                endpoints: in_order(accepted),
                ttl: Duration::from_secs(records().map(|record| record.ttl).min().unwrap_or(0).into()),
            })
        })
    }

    fn source(&self) -> &'static str {
        "dns"
    }
}

/// Whether a process of the fleet can have the address: names of the private network have private addresses (RFC 1918, RFC 6598,
/// RFC 4193), any other name has one that a packet can be sent to.
fn acceptable(host: &str, address: IpAddr) -> bool {
    let address = address.to_canonical();
    if address.is_unspecified() || address.is_multicast() {
        return false;
    }
    if !host.trim_end_matches('.').ends_with(PRIVATE_SUFFIX) {
        return true;
    }
    match address {
        IpAddr::V4(address) => address.is_private() || shared(address),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

/// RFC 6598: 100.64.0.0/10.
fn shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && (64..128).contains(&second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_private_network_has_private_addresses_alone() {
        for (host, address, fits) in [
            ("core.railway.internal", "fd12::1", true),
            ("core.railway.internal", "10.1.2.3", true),
            ("core.railway.internal", "100.64.0.1", true),
            ("core.railway.internal.", "127.0.0.1", false),
            ("core.railway.internal", "::1", false),
            ("core.railway.internal", "8.8.8.8", false),
            ("core.railway.internal", "::ffff:8.8.8.8", false),
            ("core.railway.internal", "169.254.169.254", false),
            ("core.railway.internal", "0.0.0.0", false),
            ("core.example", "127.0.0.1", true),
            ("core.example", "8.8.8.8", true),
            ("core.example", "::", false),
            ("core.example", "ff02::1", false),
        ] {
            assert_eq!(acceptable(host, address.parse().unwrap()), fits, "{host} {address}");
        }
    }
}
