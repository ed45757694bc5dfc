//! Where a call goes: the name to ask for and the `Host` to bear.

use http::HeaderValue;

use crate::error::{Error, Result};
use crate::registry::ServiceRecord;

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
    /// Which of the service's versions, where it has several.
    pub(super) version: Option<String>,
}

impl Target {
    /// Where a version of a service is found.
    pub(super) fn of(record: &ServiceRecord, version: Option<String>, url: &str) -> Result<Self> {
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
            version,
        })
    }

    /// What its figures are told apart by.
    pub(super) fn labels(&self) -> Vec<(&'static str, String)> {
        let version = self.version.iter().map(|version| ("version", version.clone()));
        std::iter::once(("peer", self.key.clone())).chain(version).collect()
    }
}
