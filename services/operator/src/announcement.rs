//! What a process may say of itself: short, and an address where a process of that service can be.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use reqwest::Url;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::policy::Reach;
use syscall_sdk::registry::{Registry, ServiceRecord};
use syscall_sdk::wire::Announce;

/// Longest instance name, in bytes; a UUID has 36.
const INSTANCE_MAX_BYTES: usize = 128;
/// Longest version, in bytes: a release, a commit and what was built on top of it.
const VERSION_MAX_BYTES: usize = 128;
/// Longest URL, in bytes: the longest name that DNS has, with its scheme and port.
const URL_MAX_BYTES: usize = 300;
/// Longest reason to leave that is kept, in characters: a sentence.
const REASON_MAX_CHARS: usize = 300;

/// Where the process that announces itself is found, once all that it says can be kept and shown.
///
/// # Errors
/// `INVALID_PARAMS`, with what is wrong.
pub(crate) fn checked(registry: &Registry, record: &ServiceRecord, said: &Announce) -> Result<String> {
    line("version", &said.identity.version, 0..=VERSION_MAX_BYTES)?;
    let url = said.url.as_deref().unwrap_or(&said.identity.dns.internal);
    line("url", url, 1..=URL_MAX_BYTES)?;
    if leads_to(registry, record, url) {
        return Ok(url.to_owned());
    }
    Err(Error::invalid(format!(
        "url is http:// or https:// with a name that the registry has for {}, or an address of this machine or the private network",
        record.key
    )))
}

/// Where a process is on the roster.
///
/// # Errors
/// `INVALID_PARAMS` where its name is none.
pub(crate) fn member_key(service: &str, instance: &str) -> Result<String> {
    line("instance", instance, 1..=INSTANCE_MAX_BYTES)?;
    if instance.contains('/') {
        return Err(Error::invalid("instance has no /"));
    }
    Ok(format!("{service}/{instance}"))
}

/// A reason as far as it is kept: who leaves is let go, whatever it says.
pub(crate) fn short(reason: &str) -> String {
    reason.chars().take(REASON_MAX_CHARS).collect()
}

fn line(name: &str, text: &str, bytes: RangeInclusive<usize>) -> Result<()> {
    if bytes.contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let (least, most) = bytes.into_inner();
    Err(Error::invalid(format!("{name} is {least} to {most} bytes on one line")))
}

fn leads_to(registry: &Registry, record: &ServiceRecord, url: &str) -> bool {
    let Ok(parsed) = Url::parse(url) else { return false };
    let plain =
        matches!(parsed.scheme(), "http" | "https") && parsed.username().is_empty() && parsed.password().is_none();
    let Some(host) = parsed.host_str().filter(|_| plain) else {
        return false;
    };
    // Where the environment says that the service is somewhere else, it is there.
    let known = registry.internal_url(&record.key).is_ok_and(|known| known == url);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    known
        || match address {
            Ok(address) => Reach::PRIVATE.or_loopback().check(address).is_ok(),
            Err(_) => host == "localhost" || registry.by_host(host).is_some_and(|named| named.key == record.key),
        }
}
