//! What a life trusts and what it shows: the root keys, and the service's own token.

use std::time::Duration;

use crate::auth::{Credential, Gate, Minter, RootKeys, SERVICE_SUBJECT, Verifier, seconds};
use crate::clock::Clock;
use crate::config::{AuthMode, Environment, Problems, Settings};
use crate::context::Kernel;
use crate::error::Result;
use crate::registry::ServiceRecord;

/// How long before its end a token is spoken of: a week has a working day in it.
const WARN_BEFORE: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Finds what is wrong with them before anything is started.
pub(super) fn check(record: &ServiceRecord, settings: &Settings, problems: &mut Problems) {
    if let Err(error) = roots(settings) {
        problems.push(format!("SYSCALL_ROOT_KEYS: {error}"));
    }
    if let Some(token) = &settings.token {
        match Credential::parse(token) {
            Err(error) => problems.push(format!("SYSCALL_TOKEN: {error}")),
            Ok(Credential::Holder(holder)) if holder.subject() != subject(record) => problems.push(format!(
                "SYSCALL_TOKEN is that of {}, and this is {}; deploy the other image or its own token",
                holder.subject(),
                subject(record)
            )),
            Ok(_) => {}
        }
    }
    let production = settings.environment == Environment::Production;
    if !production || settings.auth == AuthMode::Open {
        return;
    }
    if settings.root_keys.is_none() {
        problems.push(
            "SYSCALL_ROOT_KEYS is not set, so nobody could be let in: `blackroad token keygen` makes a root key and prints what to set",
        );
    }
    if settings.token.is_none() {
        problems.push(format!(
            "SYSCALL_TOKEN is not set, so no other service would let this one in: `blackroad token mint {}` makes it",
            record.key
        ));
    }
}

/// What stands before the service's routes.
pub(super) fn gate(record: &ServiceRecord, settings: &Settings, clock: &Clock) -> Result<Gate> {
    if settings.auth == AuthMode::Open {
        return Ok(Gate::Open);
    }
    let roots = roots(settings)?;
    if roots.is_empty() {
        tracing::warn!(
            "SYSCALL_ROOT_KEYS is not set, so that nobody is let in but to what is public; `blackroad token keygen` makes a root key"
        );
    }
    let key = record.key.as_str();
    Ok(Gate::guarded(key, Verifier::new(key, roots, clock.clone())))
}

/// What signs for the service's own calls; where it holds nothing, it shows nothing.
pub(super) fn minter(record: &ServiceRecord, settings: &Settings, clock: &Clock) -> Result<Minter> {
    Minter::new(held(record, settings, clock)?, clock.clone())
}

/// Lets a life that goes on trust and hold what it is told now. What is the same as before costs nothing and stays.
pub(super) fn renew(kernel: &Kernel) -> Result<()> {
    let settings = &kernel.live.now().settings;
    if let Some(verifier) = kernel.gate.verifier() {
        verifier.trust(roots(settings)?);
    }
    kernel.rpc.hold(held(&kernel.record, settings, &kernel.clock)?)
}

fn held(record: &ServiceRecord, settings: &Settings, clock: &Clock) -> Result<Option<Credential>> {
    let Some(token) = &settings.token else {
        return Ok(None);
    };
    let credential = Credential::parse(token)?;
    if let Credential::Holder(holder) = &credential {
        let left = holder.expires_at().saturating_sub(seconds(clock));
        if left < WARN_BEFORE.as_secs() {
            tracing::warn!(
                left_seconds = left,
                "SYSCALL_TOKEN ends soon, and then no other service lets this one in; `blackroad token mint {}` makes another",
                record.key
            );
        }
    }
    Ok(Some(credential))
}

fn roots(settings: &Settings) -> Result<RootKeys> {
    RootKeys::parse(settings.root_keys.as_deref().unwrap_or_default())
}

fn subject(record: &ServiceRecord) -> String {
    format!("{SERVICE_SUBJECT}{}", record.key)
}
