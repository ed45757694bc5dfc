//! What a call bears beside its body: where to, who calls, in which trace, for how long.

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::header;
use super::options::{CallOptions, ClientOptions};
use super::target::Target;
use crate::auth::{Caller, Minter, Purpose};
use crate::error::{Error, Result};
use crate::telemetry::current_trace;

/// What says who calls, made once.
pub(super) fn own(options: &ClientOptions) -> Result<HeaderMap> {
    let mut own = HeaderMap::new();
    set(&mut own, header::SERVICE_NAME, options.name.clone())?;
    set(&mut own, header::SERVICE_ROLE, options.role.clone())?;
    Ok(own)
}

/// What a call bears of the caller's own, where it is made for nobody else.
pub(super) struct Own<'a> {
    /// What says who calls.
    pub(super) names: &'a HeaderMap,
    /// Signs what the call shows.
    pub(super) minter: Option<&'a Minter>,
    /// What the call is for.
    pub(super) purpose: Purpose<'a>,
}

/// Puts onto a request what a call bears.
pub(super) fn dress(
    headers: &mut HeaderMap,
    own: &Own<'_>,
    target: &Target,
    options: &CallOptions,
    deadline: Instant,
) -> Result<()> {
    headers.insert(HOST, target.authority.clone());
    match &options.relay_for {
        None => {
            headers.extend(own.names.iter().map(|(name, value)| (name.clone(), value.clone())));
            if let Some(minter) = own.minter
                && let Some(token) = minter.header(&target.key, own.purpose)?
            {
                headers.insert(AUTHORIZATION, token);
            }
        }
        Some(Caller {
            credential: None,
            principal: Some(whom),
            ..
        }) => {
            // Whoever was let in by something that is no token of the fleet's own is spoken for, and what they showed stays here.
            let minter = own.minter.ok_or_else(|| {
                Error::internal(
                    "this service holds no token of its own to speak for its caller with; mint it a SYSCALL_TOKEN",
                )
            })?;
            if let Some(token) = minter.speak(&target.key, own.purpose, whom)? {
                headers.insert(AUTHORIZATION, token);
            }
        }
        Some(caller) => {
            let credential = caller
                .credential
                .as_ref()
                .map(|credential| credential.reveal().to_owned());
            for (name, value) in [
                (header::SERVICE_NAME, caller.service.clone()),
                (header::SERVICE_ROLE, caller.role.clone()),
                (AUTHORIZATION.as_str(), credential),
            ] {
                if let Some(value) = value {
                    set(headers, name, value)?;
                }
            }
        }
    }
    if let Some(trace) = current_trace() {
        set(headers, header::TRACEPARENT, trace.to_string())?;
        if let Some(state) = &options.trace_state {
            headers.insert(header::TRACESTATE, state.clone());
        }
    }
    if let Some(id) = &options.request_id {
        headers.insert(header::REQUEST_ID, id.clone());
    }
    if let Some(key) = &options.idempotency_key {
        set(headers, header::IDEMPOTENCY_KEY, key.clone())?;
    }
    let left = deadline.saturating_duration_since(Instant::now()).as_millis();
    headers.insert(
        header::TIMEOUT,
        HeaderValue::from(u64::try_from(left).unwrap_or(u64::MAX)),
    );
    headers.insert(header::HOPS, HeaderValue::from(u16::from(options.hops) + 1));
    Ok(())
}

fn set(headers: &mut HeaderMap, name: &'static str, value: String) -> Result<()> {
    let value = HeaderValue::try_from(value)
        .map_err(|error| Error::invalid(format!("{name} cannot be sent as a header")).with_source(error))?;
    headers.insert(name, value);
    Ok(())
}
