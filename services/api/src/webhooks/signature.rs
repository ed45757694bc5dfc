//! HMAC-SHA256 over parts of a message, compared in constant time.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a Standard Webhooks secret begins; the rest is its base64.
pub(super) const SECRET_PREFIX: &str = "whsec_";

/// The key that a secret's bytes make.
pub(super) fn key(secret: &[u8]) -> Key {
    Key::new(HMAC_SHA256, secret)
}

/// The bytes of a secret as Standard Webhooks writes it, with its prefix or without.
pub(super) fn decoded(secret: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret))
        .ok()
}

/// Signs the parts, one after the other.
pub(super) fn sign(key: &Key, parts: &[&[u8]]) -> Tag {
    let mut context = Context::with_key(key);
    parts.iter().for_each(|part| context.update(part));
    context.sign()
}

/// Whether one of the claims is one of the keys' signature of the parts. It takes as long whichever it is.
pub(super) fn genuine(keys: &[Key], parts: &[&[u8]], claims: &[Vec<u8>]) -> bool {
    keys.iter().fold(false, |found, key| {
        let tag = sign(key, parts);
        claims.iter().fold(found, |found, claim| {
            found | verify_slices_are_equal(tag.as_ref(), claim).is_ok()
        })
    })
}

/// The signature as Standard Webhooks writes it.
pub(super) fn versioned(tag: &Tag) -> String {
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

/// Bytes from base64.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Bytes from hexadecimal, of either case.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| {
            let pair = &text[at..at + 2];
            // `from_str_radix` takes a sign as well.
            let digits = pair.bytes().all(|byte| byte.is_ascii_hexdigit());
            digits.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
        })
        .collect()
}
