//! Time-based one-time passwords (RFC 6238): HMAC-SHA-1, six digits, thirty seconds, since that is what every authenticator does.

use aws_lc_rs::hmac;

/// Seconds of a step.
const STEP: i64 = 30;
/// Codes end here: six digits.
const MODULUS: u32 = 1_000_000;
/// Bytes of a secret: as many as the hash gives (RFC 4226, section 4).
pub(super) const SECRET_BYTES: usize = 20;
/// Steps before and after that are taken too: phones are half a minute off, and people type slowly.
const AROUND: i64 = 1;

/// The step that a code is of, at a moment in seconds of Unix time: one that is later than `after`, so that no code is good twice.
pub(super) fn step_of(secret: &[u8], code: &str, now: i64, after: Option<i64>) -> Option<i64> {
    let current = now.div_euclid(STEP);
    (current - AROUND..=current + AROUND)
        .filter(|step| after.is_none_or(|after| *step > after))
        .find(|step| crate::token::same(&code_of(secret, *step), code))
}

/// The code of a step (RFC 4226, section 5.3).
pub(super) fn code_of(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0xF);
    let word = [tag[offset] & 0x7F, tag[offset + 1], tag[offset + 2], tag[offset + 3]];
    format!("{:06}", u32::from_be_bytes(word) % MODULUS)
}

/// Bytes in base32 without padding (RFC 4648, section 6): what authenticators take a secret as.
pub(super) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = bytes.len() * 8;
    (0..bits.div_ceil(5))
        .map(|group| {
            let value = (0..5).fold(0_usize, |value, bit| {
                let at = group * 5 + bit;
                let set = bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
                value << 1 | usize::from(set)
            });
            char::from(ALPHABET[value])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn codes_are_those_of_rfc_6238() {
        // Appendix B, of whose eight digits six are shown.
        for (now, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_of(SECRET, now / 30), code, "{now}");
            assert_eq!(step_of(SECRET, code, now, None), Some(now / 30));
        }
    }

    #[test]
    fn a_code_is_good_for_its_neighbours_and_once() {
        let code = code_of(SECRET, 100);
        for now in [99 * 30, 100 * 30, 101 * 30 + 29] {
            assert_eq!(step_of(SECRET, &code, now, None), Some(100), "{now}");
        }
        assert_eq!(step_of(SECRET, &code, 102 * 30, None), None);
        assert_eq!(step_of(SECRET, &code, 100 * 30, Some(100)), None);
        assert_eq!(step_of(SECRET, &code, 100 * 30, Some(99)), Some(100));
    }

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }
}
