//! `blackroad identity SERVICE`.

use anyhow::Result;
use syscall_sdk::wire::Identity;

use crate::args::One;
use crate::print::{self, DIM};
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, machine: bool, which: One) -> Result<()> {
    let identity: Identity = remote.get(&which.service, "/v1/sys/identity", &[]).await?;
    if machine {
        return print::json(&identity);
    }
    let uptime = print::span(identity.runtime.uptime);
    let pid = identity.runtime.pid.to_string();
    let fields = [
        ("service", identity.service.as_str()),
        ("role", &identity.role),
        ("version", &identity.version),
        ("environment", &identity.environment),
        ("health", identity.health.status.as_str()),
        ("uptime", &uptime),
        ("pid", &pid),
        ("cloudflare", &identity.dns.cloudflare),
        ("railway", &identity.dns.railway),
        ("internal", &identity.dns.internal),
    ];
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        print::line(format!("{DIM}{name:12}{DIM:#} {value}"))?;
    }
    print::line(format!(
        "{DIM}{:12}{DIM:#} {}",
        "capabilities",
        identity.capabilities.join(", ")
    ))
}
