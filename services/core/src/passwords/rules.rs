//! What may be a password: long, and not what everybody tries first. No rule about its characters (NIST SP 800-63B-4, section 3.1.1.2).

use blackroad_os_contracts::core::User;
use syscall_sdk::error::{Error, Result};

/// Fewest characters. NIST asks for 15 where a password alone is enough to sign in, as it is for whoever has no second factor.
const CHARS_MIN: usize = 15;
/// Most characters: twice what NIST asks to be allowed, and nothing that a hash would feel.
const CHARS_MAX: usize = 128;
/// Fewest different characters: below that a text is a drumming of fingers.
const DIFFERENT_MIN: usize = 6;
/// What must be left of a password once the words that anybody knows of its owner are taken out.
const OWN_CHARS_MIN: usize = 8;
/// Shortest word that is taken out: shorter ones are in any sentence by chance.
const WORD_MIN: usize = 4;

/// What is common among the long ones and fits no other rule, folded, without spaces.
const COMMON: [&str; 8] = [
    "correcthorsebatterystaple",
    "qwertyuiopasdfghjkl",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv",
    "1qaz2wsx3edc4rfv5tgb",
    "thequickbrownfoxjumpsoverthelazydog",
    "iloveyouforeverandever",
    "administrator123456789",
];

/// Refuses a password that would not last.
///
/// # Errors
/// `WEAK_PASSWORD`, with the rule that it breaks.
pub(crate) fn check(password: &str, user: &User) -> Result<()> {
    let chars = password.chars().count();
    if !(CHARS_MIN..=CHARS_MAX).contains(&chars) {
        return Err(weak(&format!(
            "a password has {CHARS_MIN} to {CHARS_MAX} characters of any kind; a sentence is a good one"
        )));
    }
    let folded: String = password.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    if COMMON.contains(&folded.as_str()) || is_drummed(&folded) {
        return Err(weak(
            "this password is among the first that are tried; choose words of your own",
        ));
    }
    if rest(&folded, user).chars().count() < OWN_CHARS_MIN {
        return Err(weak(
            "a password must not be made of the name, the e-mail address or the name of this place",
        ));
    }
    Ok(())
}

/// Whether a text cannot be a password at all: too long to be worth a hash.
pub(crate) fn is_absurd(password: &str) -> bool {
    password.chars().count() > CHARS_MAX
}

/// Few different characters, one unit over and over, or characters in a row.
fn is_drummed(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let mut different = chars.clone();
    different.sort_unstable();
    different.dedup();
    let repeats = (1..=chars.len() / 2).any(|unit| chars.iter().zip(&chars[unit..]).all(|(a, b)| a == b));
    let step = |pair: &[char]| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0]));
    // 9 is followed by 0 on a keyboard.
    let in_row = chars
        .windows(2)
        .all(|pair| step(pair).abs() == 1 || step(pair).abs() == 9);
    different.len() < DIFFERENT_MIN || repeats || in_row
}

/// What is left without the words that anybody knows.
fn rest(folded: &str, user: &User) -> String {
    let known = format!("{} {} blackroad", user.email, user.name).to_lowercase();
    let mut rest = folded.to_owned();
    for word in known.split(|c: char| !c.is_alphanumeric()) {
        if word.chars().count() >= WORD_MIN {
            rest = rest.replace(word, "");
        }
    }
    rest
}

fn weak(rule: &str) -> Error {
    Error::invalid(rule).with_code("WEAK_PASSWORD")
}

#[cfg(test)]
mod tests {
    use syscall_sdk::wire::Timestamp;

    use super::*;

    fn verdict(password: &str) -> bool {
        let at = Timestamp::from(chrono::DateTime::UNIX_EPOCH);
        let user = User {
            id: "7".to_owned(),
            email: "ada.lovelace@engine.example".to_owned(),
            name: "Ada Lovelace".to_owned(),
            created_at: at,
            updated_at: at,
        };
        check(password, &user).is_ok()
    }

    #[test]
    fn a_sentence_is_a_password_whatever_its_characters() {
        for good in [
            "a lamp beside the river",
            "nur kleine buchstaben",
            "пять медведей в лесу",
            "🦀🐙🐳🦉🦋🐢🐌🐞🐝🦔🦇🐿🦎🐊🦑",
            "tr0ub4dor&3-and-more",
        ] {
            assert!(verdict(good), "{good}");
        }
    }

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for bad in [
            "short of fifteen"[..14].to_owned(),
            "x".repeat(129),
            "aaaaaaaaaaaaaaaaaaaa".to_owned(),
            "passwordpassword".to_owned(),
            "Correct Horse Battery Staple".to_owned(),
            "123456789012345".to_owned(),
            "abcdefghijklmnop".to_owned(),
            "AdaLovelace1815".to_owned(),
            "blackroad-lovelace-1".to_owned(),
            String::new(),
        ] {
            assert!(!verdict(&bad), "{bad}");
        }
    }
}
