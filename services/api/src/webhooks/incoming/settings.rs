use aws_lc_rs::hmac::Key;
use http::HeaderName;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};

use super::scheme::{Custom, Encoding, Scheme};
use crate::webhooks::signature;

/// Secrets of a provider that may be live at once: the new one and the one that it replaces.
const SECRETS_MAX: usize = 2;
/// Shortest secret, in bytes: what is shorter can be found by trying (RFC 2104 asks for the length of the hash, providers make 20 and more).
const SECRET_MIN_BYTES: usize = 16;
/// Longest name of a provider: it becomes part of a variable's and of an event's name.
const NAME_MAX_BYTES: usize = 40;

/// A provider whose webhooks are taken.
pub(super) struct Provider {
    pub(super) scheme: Scheme,
    pub(super) keys: Vec<Key>,
}

/// What `WEBHOOK_{PROVIDER}_SECRETS` and its kin say of a provider; `None` where there is nothing. Read anew for each delivery, so that a
/// secret which is rotated holds at once.
///
/// # Errors
/// `WEBHOOK_MISCONFIGURED`; what is wrong is for the log, not for who sends webhooks.
pub(super) fn of(context: &Context, name: &str) -> Result<Option<Provider>> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.len() > NAME_MAX_BYTES || !name.bytes().all(known) {
        return Ok(None);
    }
    let variable = |end: &str| format!("WEBHOOK_{}_{end}", name.to_ascii_uppercase().replace('-', "_"));
    let said = |end: &str| context.secret(&variable(end));
    let Some(secrets) = said("SECRETS") else {
        return Ok(None);
    };
    let wrong = |end: &str, what: &str| {
        tracing::error!(provider = name, "webhooks are not taken: {} {what}", variable(end));
        Err(Error::unavailable(format!(
            "webhooks of {name} cannot be taken now; the log of api says why"
        ))
        .with_code("WEBHOOK_MISCONFIGURED"))
    };
    let scheme = said("SCHEME");
    let scheme = match scheme.as_ref().map_or(name, |scheme| scheme.reveal()) {
        "github" => Scheme::GitHub,
        "stripe" => Scheme::Stripe,
        "slack" => Scheme::Slack,
        "standard" => Scheme::Standard("webhook"),
        // The same scheme, under the names that it had before it was a standard.
        "svix" => Scheme::Standard("svix"),
        "hmac" => {
            let header = |end: &str| said(end).map(|name| HeaderName::try_from(name.reveal()));
            let (signature, id, kind) = (header("HEADER"), header("ID_HEADER"), header("TYPE_HEADER"));
            let Some(Ok(signature)) = signature else {
                return wrong("HEADER", "must name the header that bears the signature");
            };
            let (Ok(id), Ok(kind)) = (id.transpose(), kind.transpose()) else {
                return wrong("ID_HEADER", "and the one of TYPE_HEADER must be names of headers");
            };
            let encoding = said("ENCODING");
            Scheme::Custom(Custom {
                signature,
                prefix: said("PREFIX")
                    .map(|prefix| prefix.reveal().to_owned())
                    .unwrap_or_default(),
                encoding: match encoding.as_ref().map_or("hex", |encoding| encoding.reveal()) {
                    "hex" => Encoding::Hex,
                    "base64" => Encoding::Base64,
                    _ => return wrong("ENCODING", "must be hex or base64"),
                },
                id,
                kind,
            })
        }
        _ => return wrong("SCHEME", "must be github, stripe, slack, standard, svix or hmac"),
    };
    let mut keys = Vec::new();
    let separated = secrets.reveal().split(|c: char| c == ',' || c.is_whitespace());
    for secret in separated.filter(|secret| !secret.is_empty()) {
        let key = match &scheme {
            Scheme::Standard(_) => signature::decoded(secret),
            _ => Some(secret.as_bytes().to_vec()),
        };
        match key {
            Some(key) if key.len() >= SECRET_MIN_BYTES => keys.push(signature::key(&key)),
            Some(_) => return wrong("SECRETS", "has a secret of fewer than 16 bytes"),
            None => return wrong("SECRETS", "has a secret that is no base64 after whsec_"),
        }
    }
    if !(1..=SECRETS_MAX).contains(&keys.len()) {
        return wrong(
            "SECRETS",
            "must have one secret, or two with a comma while one replaces the other",
        );
    }
    Ok(Some(Provider { scheme, keys }))
}
