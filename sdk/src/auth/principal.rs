//! Who was let in: what a verified token says.

use std::borrow::Cow;

use super::key::PublicKey;
use super::right::Need;
use super::rights::Rights;
use super::word::Word;

/// The first part of a service's subject: `service:core`. Whoever else holds a token is named otherwise, so that no person and no API key
/// can have a service's name.
pub const SERVICE_SUBJECT: &str = "service:";
/// The first part of a person's subject: `user/01a3…`, and of one of their API keys `user/01a3…/key/01a4…`.
pub const PERSON_SUBJECT: &str = "user/";
/// In an audience: every service.
pub const EVERY_SERVICE: &str = "*";

/// What a verified chain of tokens comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// On whose behalf: `service:core`, `owner`, whatever the root named; where a service speaks for another, that other.
    pub subject: String,
    /// Which service speaks for the subject, where it is not the subject's own token.
    pub by: Option<String>,
    /// At which services, by key; `*` is all.
    pub audience: Vec<String>,
    /// What it allows there.
    pub rights: Rights,
    /// When the first of its tokens was made, in seconds since the epoch.
    pub issued_at: u64,
    /// When it ends, in seconds since the epoch.
    pub expires_at: u64,
    /// When what it opens ends, such as a stream, in seconds since the epoch: with the token, but for one that was made for a call, which only
    /// begins it. There it is the one that this was narrowed from.
    pub lasts_until: u64,
    /// The `jti` of each token of the chain, the root's first.
    pub tokens: Vec<String>,
    /// The thumbprints of the keys that the chain names, the root's own first.
    pub keys: Vec<String>,
    /// Whose key signs what is narrowed from it. Where there is one, the token alone lets nobody in.
    pub holder: Option<PublicKey>,
}

impl Principal {
    /// A person whom a service has signed in, by the id that the identity provider gives them. Their rights are good at every service
    /// that the rights name; what is done with them elsewhere is narrowed from the service's own token.
    pub fn of_person(id: &str, rights: Rights, issued_at: u64, expires_at: u64) -> Self {
        Principal {
            subject: format!("{PERSON_SUBJECT}{id}"),
            by: None,
            audience: vec![EVERY_SERVICE.to_owned()],
            rights,
            issued_at,
            expires_at,
            lasts_until: expires_at,
            tokens: Vec::new(),
            keys: Vec::new(),
            holder: None,
        }
    }

    /// Who it is, for the record and for who is refused; with who speaks for it, where somebody does.
    pub fn named(&self) -> Cow<'_, str> {
        match &self.by {
            Some(by) => Cow::Owned(format!("{} by {by}", self.subject)),
            None => Cow::Borrowed(&self.subject),
        }
    }

    /// The service that it is, by key, if it is one.
    pub fn service(&self) -> Option<&str> {
        self.subject.strip_prefix(SERVICE_SUBJECT)
    }

    /// The person whom core knows by this id, by their own sign-in or by one of their keys.
    pub fn person(&self) -> Option<&str> {
        let person = self.subject.strip_prefix(PERSON_SUBJECT)?;
        person.split('/').next().filter(|id| !id.is_empty())
    }

    /// Whether it may be shown to a service.
    pub fn is_for(&self, service: &str) -> bool {
        names(&self.audience, service)
    }

    /// Whether it allows what is asked for, at a service unless it names another.
    pub fn may(&self, need: &Need<'_>, here: &str) -> bool {
        // A right is worth nothing outside of the token's audience, whatever it says.
        self.is_for(need.at.unwrap_or(here)) && self.rights.allow(need, here)
    }

    /// Whether it has any right of this word at a service, for whatever name.
    pub fn has(&self, word: Word, here: &str) -> bool {
        match word {
            // A relay takes calls for others: which it is stands in the body.
            Word::Rpc => self.rights.have_anywhere(word),
            _ => self.rights.have(word, here),
        }
    }
}

/// Whether an audience names a service.
pub(super) fn names(audience: &[String], service: &str) -> bool {
    audience.iter().any(|named| named == EVERY_SERVICE || named == service)
}
