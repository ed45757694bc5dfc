//! Until when a certificate is good (RFC 5280, section 4.1.2.5), without a parser of all the rest of it.

use chrono::{DateTime, NaiveDateTime, Utc};

const SEQUENCE: u8 = 0x30;
/// `[0]`, the version, which the oldest certificates leave out.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of a certificate's validity; none where these are no bytes of a certificate.
pub(super) fn not_after(der: &[u8]) -> Option<DateTime<Utc>> {
    let (certificate, _) = value_of(der, SEQUENCE)?;
    let (signed, _) = value_of(certificate, SEQUENCE)?;
    let rest = match value_of(signed, VERSION) {
        Some((_, rest)) => rest,
        None => signed,
    };
    // The serial number, the signature's algorithm, and who issued it.
    let rest = skip(skip(skip(rest)?)?)?;
    let (validity, _) = value_of(rest, SEQUENCE)?;
    let (tag, ends, _) = next(skip(validity)?)?;
    moment(tag, std::str::from_utf8(ends).ok()?)
}

fn moment(tag: u8, text: &str) -> Option<DateTime<Utc>> {
    let full = match tag {
        // Two digits of the year: 50 and on are of the last century.
        UTC_TIME => {
            let century = if text.get(..2)?.parse::<u8>().ok()? < 50 {
                "20"
            } else {
                "19"
            };
            format!("{century}{text}")
        }
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    Some(NaiveDateTime::parse_from_str(&full, "%Y%m%d%H%M%SZ").ok()?.and_utc())
}

/// The value of the element that stands first, where it has this tag, and what follows it.
fn value_of(der: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    let (tag, value, rest) = next(der)?;
    (tag == wanted).then_some((value, rest))
}

fn skip(der: &[u8]) -> Option<&[u8]> {
    next(der).map(|(_, _, rest)| rest)
}

/// The element that stands first: its tag, its value, and what follows.
fn next(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(*short), rest),
        // Four bytes say more than any certificate has.
        long @ 0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(long - 0x80))?;
            (
                bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
                rest,
            )
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((*tag, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use proptest::prelude::*;

    /// `openssl req -x509 -newkey ed25519 -nodes -subj /CN=x -days 1900`.
    const CERTIFICATE: &str = include_str!("certificate.txt");

    fn certificate() -> Vec<u8> {
        let text: String = CERTIFICATE.split_whitespace().collect();
        base64::engine::general_purpose::STANDARD
            .decode(text)
            .expect("it is base64")
    }

    #[test]
    fn a_certificates_end_is_read() {
        let ends = not_after(&certificate()).unwrap();
        assert_eq!(ends.to_rfc3339(), "2032-02-03T20:28:27+00:00");
        let of = |tag, text| moment(tag, text).map(|moment| moment.to_rfc3339());
        assert_eq!(
            of(UTC_TIME, "491231235959Z").as_deref(),
            Some("2049-12-31T23:59:59+00:00")
        );
        assert_eq!(
            of(UTC_TIME, "500101000000Z").as_deref(),
            Some("1950-01-01T00:00:00+00:00")
        );
        assert_eq!(
            of(GENERALIZED_TIME, "20500101000000Z").as_deref(),
            Some("2050-01-01T00:00:00+00:00")
        );
        assert_eq!(of(UTC_TIME, "soon"), None);
    }

    proptest! {
        #[test]
        fn bytes_that_are_no_certificate_have_no_end_and_do_no_harm(at in 0_usize..200, byte: u8, keep in 0_usize..400) {
            let mut spoiled = certificate();
            let at = at % spoiled.len();
            spoiled[at] = byte;
            spoiled.truncate(keep);
            let _ = not_after(&spoiled);
        }
    }
}
