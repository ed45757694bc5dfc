//! Secrets that nobody can guess: made of the system's randomness, shown to one browser, kept as their hash.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::{constant_time, hmac, rand};

use super::base64url;
use crate::error::{Error, Result};

/// Bytes of a secret: as many as the hash that keeps it has.
const SECRET_BYTES: usize = 32;

/// A new secret of 256 bits: 43 letters, digits, `-` and `_`.
///
/// # Errors
/// `INTERNAL` where the system has no randomness.
pub fn secret() -> Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    rand::fill(&mut bytes).map_err(|_| Error::internal("the system gives no random bytes"))?;
    Ok(base64url::encode(&bytes))
}

/// Whether a text has the form of a secret.
pub fn is_secret(text: &str) -> bool {
    base64url::decode::<SECRET_BYTES>(text).is_some()
}

/// What is kept of a secret, and what PKCE shows of one (RFC 7636, S256): its SHA-256, in base64url.
pub fn hashed(secret: &str) -> String {
    base64url::encode(digest(&SHA256, secret.as_bytes()).as_ref())
}

/// Says with a secret that a text is from who knows it: HMAC-SHA-256, in base64url.
pub fn signed(secret: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    base64url::encode(hmac::sign(&key, text.as_bytes()).as_ref())
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub fn same(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}
