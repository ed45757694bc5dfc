//! Where a call goes: the name to ask for and the `Host` to bear.

use http::HeaderValue;

use crate::error::{Error, Result};
use crate::registry::Registry;

/// A service as the private network knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The registry key.
    pub(super) key: String,
    /// What to resolve.
    pub(super) host: String,
    /// Where it listens.
    pub(super) port: u16,
    /// What to put into `Host`, so that a recycled address answers 421 instead of doing another's work.
    pub(super) authority: HeaderValue,
}

impl Target {
    pub(super) fn of(registry: &Registry, service: &str) -> Result<Self> {
        let record = registry.get(service)?;
        let url = registry.internal_url(&record.key)?;
        let wrong = || {
            Error::internal(format!(
                "the internal URL {url:?} of {} is no URL with a host",
                record.key
            ))
        };
        let uri: http::Uri = url
            .parse()
            .map_err(|error: http::uri::InvalidUri| wrong().with_source(error))?;
        let authority = uri.authority().ok_or_else(wrong)?;
        Ok(Target {
            key: record.key.clone(),
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|error| wrong().with_source(error))?,
        })
    }
}
