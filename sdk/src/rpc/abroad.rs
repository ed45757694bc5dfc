//! The public network, as far as requests to it may lead: to no address inside, whatever a name resolves to, and never on to another place.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::config::Environment;
use crate::policy::Reach;

/// Where requests to the public network may lead: in development and tests to what stands for it on this machine, too.
pub const fn abroad(environment: Environment) -> Reach {
    if is_at_home(environment) {
        Reach::PUBLIC.or_loopback()
    } else {
        Reach::PUBLIC
    }
}

/// Whether this is a laptop or a test, where all that is asked listens on it.
pub const fn is_at_home(environment: Environment) -> bool {
    matches!(environment, Environment::Development | Environment::Test)
}

/// A client of the public network, without proxy, redirects and retries, to be given its times. A name that leads inside, to this machine or
/// to a cloud's metadata is as one that leads nowhere; for a URL that holds an address there is [`Reach::check_url`].
pub fn public_client(environment: Environment) -> reqwest::ClientBuilder {
    // This client has its own; a client that a service makes by itself looks for the process's.
    crate::transport::install_tls();
    reqwest::Client::builder()
        .tls_backend_preconfigured(crate::transport::client_tls())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(CheckedNames(abroad(environment))))
}

/// Resolves names as the system does, and gives the addresses alone to which a way may lead.
#[derive(Clone, Copy, Debug)]
pub struct CheckedNames(pub Reach);

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut barred = None;
            let fit: Vec<SocketAddr> = found
                .filter(|address| match reach.check(address.ip()) {
                    Ok(()) => true,
                    Err(why) => {
                        barred = Some(why);
                        false
                    }
                })
                .collect();
            match barred {
                // Where some fit and some do not, those that do are the name's own.
                Some(why) if fit.is_empty() => Err(why.into()),
                _ => Ok(Box::new(fit.into_iter()) as Addrs),
            }
        })
    }
}
