//! Asking name servers: the system's, or those that were named.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

/// One question's limit: a resolver that knows nothing asks three others first.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);
/// Questions before a server is taken for silent.
const ATTEMPTS: usize = 2;

/// Where questions go.
pub(super) struct Servers(TokioResolver);

impl Servers {
    /// Those that were named, else the system's.
    pub(super) fn new(named: &[SocketAddr]) -> Result<Self> {
        let provider = TokioRuntimeProvider::default();
        let mut builder = if named.is_empty() {
            let (config, options) = hickory_resolver::system_conf::read_system_conf().map_err(|error| {
                anyhow!("the system's name servers are not known ({error}); name one with --resolver, such as 1.1.1.1")
            })?;
            TokioResolver::builder_with_config(config, provider).with_options(options)
        } else {
            let servers = named.iter().map(|server| {
                let mut known = NameServerConfig::udp_and_tcp(server.ip());
                let connections = known.connections.iter_mut();
                connections.for_each(|connection| connection.port = server.port());
                known
            });
            let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
            TokioResolver::builder_with_config(config, provider).with_options(ResolverOpts::default())
        };
        let options = builder.options_mut();
        options.timeout = QUERY_TIMEOUT;
        options.attempts = ATTEMPTS;
        options.edns0 = true;
        // Names are asked as they are, and once each.
        options.ndots = 0;
        options.cache_size = 0;
        Ok(Servers(
            builder.build().context("the resolver of names cannot be made")?,
        ))
    }

    /// Whether anybody answers at all, whatever the answer, so that silence is waited for once and not for every name.
    pub(super) async fn answer(&self, name: &str) -> Result<()> {
        match self.0.lookup(format!("{name}."), RecordType::SOA).await {
            Ok(_) | Err(NetError::Dns(_)) => Ok(()),
            Err(error) => Err(anyhow!(
                "no name server answered ({error}); name another with --resolver, such as 1.1.1.1"
            )),
        }
    }

    async fn ask<T>(&self, name: &str, kind: RecordType, read: impl Fn(&RData) -> Option<T>) -> Result<Vec<T>> {
        match self.0.lookup(format!("{name}."), kind).await {
            Ok(found) => Ok(found.answers().iter().filter_map(|record| read(&record.data)).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(anyhow!("the name servers gave no answer: {error}")),
        }
    }

    /// The addresses of a name, of both families.
    pub(super) async fn addresses(&self, name: &str) -> Result<BTreeSet<IpAddr>> {
        let (four, six) = futures_util::future::try_join(
            self.ask(name, RecordType::A, RData::ip_addr),
            self.ask(name, RecordType::AAAA, RData::ip_addr),
        )
        .await?;
        Ok(four.into_iter().chain(six).collect())
    }

    /// The texts of a name, each with its strings joined.
    pub(super) async fn texts(&self, name: &str) -> Result<Vec<String>> {
        self.ask(name, RecordType::TXT, |data| match data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        })
        .await
    }

    /// The mail servers of a name, with their priorities.
    pub(super) async fn mail(&self, name: &str) -> Result<BTreeSet<(String, u16)>> {
        let found = self.ask(name, RecordType::MX, |data| match data {
            RData::MX(mx) => Some((super::record::host(&mx.exchange.to_ascii()), mx.preference)),
            _ => None,
        });
        Ok(found.await?.into_iter().collect())
    }

    /// What a name is another name of.
    pub(super) async fn alias(&self, name: &str) -> Result<Option<String>> {
        let found = self.ask(name, RecordType::CNAME, |data| match data {
            RData::CNAME(to) => Some(super::record::host(&to.0.to_ascii())),
            _ => None,
        });
        Ok(found.await?.into_iter().next())
    }
}
