//! What an API key looks like: `br_live_`, 32 random characters, 6 that check them.
//!
//! The prefix lets a scanner of public repositories find a leaked key, the check lets it and the gateway tell a key from a typing error
//! without asking anybody.

use blackroad_os_contracts::core::key_form::{ALPHABET, RANDOM_CHARS, check};
use syscall_sdk::error::Result;

use crate::token;

/// Characters that are kept in the clear, to tell one key from another: the prefix and 4 more.
const HINT_CHARS: usize = 4;

/// How keys begin where they open the public fleet, and elsewhere: one is not taken for the other by a person either.
pub(super) const fn prefix(production: bool) -> &'static str {
    if production { "br_live_" } else { "br_test_" }
}

/// A new key.
///
/// # Errors
/// Where the system has no randomness.
pub(super) fn new(prefix: &str) -> Result<String> {
    let mut body = String::with_capacity(RANDOM_CHARS);
    while body.len() < RANDOM_CHARS {
        for byte in token::random::<RANDOM_CHARS>()? {
            // 248 is four times 62: the rest would make the first letters likelier.
            if byte < 248 && body.len() < RANDOM_CHARS {
                body.push(char::from(ALPHABET[usize::from(byte % 62)]));
            }
        }
    }
    let check = check(&format!("{prefix}{body}"));
    Ok(format!("{prefix}{body}{check}"))
}

/// What is shown of a key ever after.
pub(super) fn hint(key: &str, prefix: &str) -> String {
    format!("{}…", &key[..prefix.len() + HINT_CHARS])
}

#[cfg(test)]
mod tests {
    use blackroad_os_contracts::core::key_form::{CHECK_CHARS, is_well_formed};

    use super::*;

    #[test]
    fn the_check_is_crc_32() {
        // The check value that every description of it gives: CBF43926.
        let mut value = 0xCBF4_3926_u32;
        let mut expected = Vec::new();
        for _ in 0..CHECK_CHARS {
            expected.push(ALPHABET[(value % 62) as usize]);
            value /= 62;
        }
        expected.reverse();
        assert_eq!(check("123456789").into_bytes(), expected);
    }

    #[test]
    fn a_key_with_one_wrong_character_is_none() {
        let key = new(prefix(true)).unwrap();
        assert_eq!(key.len(), 8 + 32 + 6);
        assert!(is_well_formed(&key), "{key}");
        for at in 8..key.len() {
            let mut other = key.clone().into_bytes();
            other[at] = if other[at] == b'a' { b'b' } else { b'a' };
            assert!(!is_well_formed(&String::from_utf8(other).unwrap()), "{at}");
        }
        for bad in [
            "",
            "br_live_",
            "sk_live_x",
            "br_live_ü",
            &"é".repeat(23),
            &key[1..],
            &format!("{key}0"),
        ] {
            assert!(!is_well_formed(bad), "{bad}");
        }
        assert!(!is_well_formed(&key.replace("br_live_", "br_test_")));
    }
}
