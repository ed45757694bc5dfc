//! What an API key looks like: a prefix, 32 random characters, 6 that check them. Whoever takes keys tells one from a typing error by it
//! without asking anybody.

/// How keys begin: where they open the public fleet, and elsewhere.
pub const PREFIXES: [&str; 2] = ["br_live_", "br_test_"];
/// What the rest of a key is made of.
pub const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Random characters: 32 of 62 are 190 bits.
pub const RANDOM_CHARS: usize = 32;
/// Characters of the check: 6 of 62 hold a CRC-32.
pub const CHECK_CHARS: usize = 6;

/// Whether a text is to be a key, well formed or not.
pub fn begins_as_key(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// Whether a text is a key by its form.
pub fn is_well_formed(text: &str) -> bool {
    let Some(body) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) else {
        return false;
    };
    let plain = body.len() == RANDOM_CHARS + CHECK_CHARS && body.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain && text.ends_with(&check(&text[..text.len() - CHECK_CHARS]))
}

/// The check of all that stands before it: CRC-32 (IEEE 802.3) in base 62, most significant first.
pub fn check(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut rest = !crc;
    let mut digits = [b'0'; CHECK_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}
