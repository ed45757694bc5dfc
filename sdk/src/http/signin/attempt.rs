//! A sign-in on its way: what goes to the provider, and what is asked for when the browser comes back.
//!
//! Nothing of it is stored, so that nobody can fill a store by asking. One secret is in the browser's cookie; `state`, `nonce` and PKCE's
//! verifier are made of it and of a salt that is new each time. So a browser that opens three pages at once signs in three times with one
//! cookie, and what one attempt brought is worth nothing to another, nor in another browser.

use crate::auth::opaque::{hashed, same, secret, signed};
use crate::error::Result;

use super::way;

/// An attempt to sign in.
pub(super) struct Attempt {
    /// What the provider gives back as it came.
    pub(super) state: String,
    /// What the id token has to repeat.
    pub(super) nonce: String,
    /// What shows that who brings the code is who asked for it (RFC 7636).
    pub(super) verifier: String,
    /// Where the person wants to go.
    pub(super) to: String,
}

impl Attempt {
    /// A new one, of a browser's secret.
    ///
    /// # Errors
    /// `INTERNAL` where the system has no randomness.
    pub(super) fn new(browser: &str, to: &str) -> Result<Self> {
        Ok(Self::of(browser, &secret()?, to))
    }

    /// The one that a browser has begun, by the state with which it comes back; `None` where it began none such.
    pub(super) fn returned(browser: &str, state: &str) -> Option<Self> {
        let (salt, rest) = state.split_once('.')?;
        let (_, to) = rest.split_once('.')?;
        let attempt = Self::of(browser, salt, to);
        // Checked as a whole, and the way once more by its own rule: it is used to redirect.
        (same(&attempt.state, state) && way::of(Some(to)) == to).then_some(attempt)
    }

    /// PKCE's challenge, by S256.
    pub(super) fn challenge(&self) -> String {
        hashed(&self.verifier)
    }

    fn of(browser: &str, salt: &str, to: &str) -> Self {
        let made = |purpose: &str| signed(browser, &format!("{purpose} {salt} {to}"));
        Attempt {
            state: format!("{salt}.{}.{to}", made("state")),
            nonce: made("nonce"),
            verifier: made("verifier"),
            to: to.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_one_browsers_and_none_is_like_another() {
        let browser = secret().unwrap();
        let attempt = Attempt::new(&browser, "/jobs?q=a.b").unwrap();
        let again = Attempt::new(&browser, "/jobs?q=a.b").unwrap();
        assert_ne!(attempt.nonce, again.nonce);
        assert_ne!(attempt.verifier, again.verifier);
        assert_ne!(attempt.nonce, attempt.verifier);
        let back = Attempt::returned(&browser, &attempt.state).unwrap();
        assert_eq!(
            (back.nonce, back.verifier, back.to.as_str()),
            (attempt.nonce, attempt.verifier, "/jobs?q=a.b")
        );
        assert!(Attempt::returned(&secret().unwrap(), &attempt.state).is_none());
    }

    #[test]
    fn a_state_that_was_touched_is_nobodys() {
        let browser = secret().unwrap();
        let state = Attempt::new(&browser, "/jobs").unwrap().state;
        let other = Attempt::new(&browser, "/jobs").unwrap().state;
        let elsewhere = state.replace("/jobs", "//evil.example");
        let mixed = format!(
            "{}.{}",
            state.split_once('.').unwrap().0,
            other.split_once('.').unwrap().1
        );
        for bad in [
            "",
            ".",
            "..",
            "a.b./jobs",
            &elsewhere,
            &mixed,
            &state[1..],
            &format!("{state}x"),
        ] {
            assert!(Attempt::returned(&browser, bad).is_none(), "{bad}");
        }
    }
}
