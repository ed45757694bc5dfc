//! Opaque secrets: made of the system's randomness, shown once, kept as their hash.
//!
//! A secret of 256 bits cannot be guessed, so one round of SHA-256 keeps it as well as a slow hash would, and it can be looked up by
//! its hash: no comparison of secrets happens whose time could tell something.

use aws_lc_rs::{constant_time, digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use syscall_sdk::error::{Error, Result};

/// Bytes of a secret: as many as the hash that keeps it has.
const SECRET_BYTES: usize = 32;

/// Bytes that nobody can guess.
///
/// # Errors
/// `INTERNAL` where the system has no randomness.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::internal("the system gives no randomness"))?;
    Ok(bytes)
}

/// A new secret, in letters, digits, `-` and `_`.
///
/// # Errors
/// As [`random`].
pub(crate) fn secret() -> Result<String> {
    Ok(encoded(&random::<SECRET_BYTES>()?))
}

/// Bytes in base64url without padding (RFC 4648, section 5).
pub(crate) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a text in base64url; `None` where it is none.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// What is kept of a secret: its SHA-256, in base64url.
pub(crate) fn hashed(secret: &str) -> String {
    encoded(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref())
}

/// Says with a secret that a text is from who knows it: HMAC-SHA-256, in base64url.
pub(crate) fn signed(secret: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    encoded(hmac::sign(&key, text.as_bytes()).as_ref())
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    constant_time::verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_what_rfc_7636_says_of_its_example() {
        // Appendix B: the challenge of a verifier is made in the same way.
        assert_eq!(
            hashed("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn no_two_secrets_are_the_same() {
        let (one, other) = (secret().unwrap(), secret().unwrap());
        assert_eq!(one.len(), 43);
        assert!(!same(&one, &other) && same(&one, &one.clone()));
    }
}
