//! base64url without padding (RFC 4648, section 5), as JWS and JWK write bytes. Reading is strict: one text for each sequence of bytes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Writes bytes.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let wide = chunk
            .iter()
            .chain(&[0, 0])
            .take(3)
            .fold(0_usize, |wide, byte| wide << 8 | usize::from(*byte));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[wide >> (18 - 6 * place) & 63]));
        }
    }
    text
}

/// Reads exactly so many bytes; `None` where the text is anything else.
pub(super) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != (N * 4).div_ceil(3) {
        return None;
    }
    let mut bytes = [0; N];
    let (mut wide, mut bits, mut at) = (0_u32, 0, 0);
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == byte)?;
        wide = wide << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            *bytes.get_mut(at)? = u8::try_from(wide >> bits & 255).ok()?;
            at += 1;
        }
    }
    // What is left over is padding, which another text could fill otherwise.
    (at == N && wide & ((1 << bits) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_standard_hold() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
        }
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        assert_eq!(decode::<2>("-_8"), Some([0xfb, 0xff]));
    }

    #[test]
    fn bytes_have_one_text_alone() {
        assert_eq!(decode::<1>("Zg"), Some([b'f']));
        for other in ["Zh", "Zg==", "Zg=", "Z", "+/", "Z ", "Zgg", ""] {
            assert_eq!(decode::<1>(other), None, "{other}");
        }
    }
}
