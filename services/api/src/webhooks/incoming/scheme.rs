use std::time::Duration;

use aws_lc_rs::hmac::Key;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName};

use crate::webhooks::signature::{base64, genuine, hex};

/// How far a delivery's time may be from ours, either way: what Stripe, Slack and Standard Webhooks all say. It bounds for how long what
/// somebody saw on the way is of use.
pub(super) const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// Signatures of one delivery that are looked at: providers send one for each of their live secrets.
const CLAIMS_MAX: usize = 8;

/// How a provider proves that it sent something.
#[derive(Clone, Debug)]
pub(super) enum Scheme {
    /// `X-Hub-Signature-256` over the body.
    GitHub,
    /// `Stripe-Signature: t=…,v1=…` over time and body.
    Stripe,
    /// `X-Slack-Signature: v0=…` over version, time and body.
    Slack,
    /// Standard Webhooks: `{prefix}-signature: v1,…` over id, time and body.
    Standard(&'static str),
    /// A header over the body.
    Custom(Custom),
}

/// A provider's own header.
#[derive(Clone, Debug)]
pub(super) struct Custom {
    /// The header that bears the signature.
    pub(super) signature: HeaderName,
    /// What stands before it there, such as `sha256=`.
    pub(super) prefix: String,
    pub(super) encoding: Encoding,
    /// The header that names the delivery.
    pub(super) id: Option<HeaderName>,
    /// The header that says what happened.
    pub(super) kind: Option<HeaderName>,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Encoding {
    Hex,
    Base64,
}

/// The signature, its time or its headers do not prove it; which of them is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unproven;

impl Scheme {
    /// Whether one of the keys signed this, not long ago where the scheme tells the time.
    pub(super) fn verify(
        &self,
        keys: &[Key],
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), Unproven> {
        let header = |name: &str| text(headers, name).ok_or(Unproven);
        let proven = match self {
            Scheme::GitHub => {
                let claim = header("x-hub-signature-256")?.strip_prefix("sha256=").and_then(hex);
                genuine(keys, &[body], &claims(claim))
            }
            Scheme::Stripe => {
                let said = header("stripe-signature")?;
                let fields = || said.split(',').filter_map(|field| field.trim().split_once('='));
                let (_, time) = fields().find(|(name, _)| *name == "t").ok_or(Unproven)?;
                recent(time, now)?;
                let signatures = fields().filter(|(name, _)| *name == "v1");
                let claims = claims(signatures.filter_map(|(_, claim)| hex(claim)));
                genuine(keys, &[time.as_bytes(), b".", body], &claims)
            }
            Scheme::Slack => {
                let time = header("x-slack-request-timestamp")?;
                recent(time, now)?;
                let claim = header("x-slack-signature")?.strip_prefix("v0=").and_then(hex);
                genuine(keys, &[b"v0:", time.as_bytes(), b":", body], &claims(claim))
            }
            Scheme::Standard(prefix) => {
                let named = |end: &str| header(&format!("{prefix}-{end}"));
                let (id, time, said) = (named("id")?, named("timestamp")?, named("signature")?);
                recent(time, now)?;
                let signatures = said.split(' ').filter_map(|claim| claim.strip_prefix("v1,"));
                let claims = claims(signatures.filter_map(base64));
                // An id with a dot could be read as another id with another time.
                if id.is_empty() || id.contains('.') {
                    return Err(Unproven);
                }
                let signed = [id.as_bytes(), b".", time.as_bytes(), b".", body];
                genuine(keys, &signed, &claims)
            }
            Scheme::Custom(custom) => {
                let said = header(custom.signature.as_str())?;
                let said = said.strip_prefix(custom.prefix.as_str()).ok_or(Unproven)?;
                let claim = match custom.encoding {
                    Encoding::Hex => hex(said),
                    Encoding::Base64 => base64(said),
                };
                genuine(keys, &[body], &claims(claim))
            }
        };
        if proven { Ok(()) } else { Err(Unproven) }
    }
}

fn claims(found: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    found.into_iter().take(CLAIMS_MAX).collect()
}

/// Whether a time in seconds is near enough to now. Plain digits alone, so that one moment has one text.
fn recent(seconds: &str, now: DateTime<Utc>) -> Result<(), Unproven> {
    if !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Unproven);
    }
    let at: i64 = seconds.parse().map_err(|_| Unproven)?;
    if now.timestamp().abs_diff(at) <= TOLERANCE.as_secs() {
        Ok(())
    } else {
        Err(Unproven)
    }
}

/// A header that is there once; of two with one name, each reader could take another.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let (first, more) = (all.next()?, all.next());
    if more.is_some() {
        return None;
    }
    first.to_str().ok()
}
