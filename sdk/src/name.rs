//! Validated names: what a service, a topic, a key or a job may be called.
//!
//! A name is checked once, at the edge, and its type carries the proof from there on.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Longest key of state, in bytes: a key is a path, not a document.
pub const KEY_MAX_BYTES: usize = 1024;
/// Longest name of a topic, method, task, metric or namespace, in bytes: they are read by people in tables.
pub const NAME_MAX_BYTES: usize = 200;

/// Whether a character makes a reader see another text than is there: controls, marks and overrides of direction (Unicode's
/// `Bidi_Control`), ends of lines.
pub fn misleads(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}')
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text and keeps it.
            ///
            /// # Errors
            /// `INVALID_ARGUMENT`, with the rule that the text breaks.
            pub fn new(text: impl AsRef<str>) -> Result<Self> {
                let text = text.as_ref();
                match $check(text) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(rule) => Err(Error::invalid(format!(concat!($what, " {:?} {}"), shown(text), rule))),
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A service's short key in the registry: `core`. Lower case, digits and dashes, a letter first; it becomes a DNS label.
    ServiceKey, "service key", dns_label
);
name!(
    /// An event's name, such as `user:created`: any text of 1 to 200 bytes without control characters.
    Topic, "event name", plain_name
);
name!(
    /// A job's name, such as `send-email`: any text of 1 to 200 bytes without control characters.
    TaskName, "job name", plain_name
);
name!(
    /// A key of state, such as `orders/7`: 1 to 1,024 bytes without control characters.
    Key, "key", state_key
);
name!(
    /// A group of consumers: lower case, digits and dashes, a letter first.
    GroupName, "group name", dns_label
);
name!(
    /// A namespace of a service's state. `wire` is the one that syscalls reach; a service's own data lives in others.
    Namespace, "namespace", dns_label
);

impl Namespace {
    /// The namespace that `/v1/sys/state` reads and writes.
    pub fn wire() -> Self {
        Namespace("wire".into())
    }

    /// A namespace of the kernel's own. The mark before its name is none that [`Namespace::new`] takes, so neither a syscall nor a
    /// service's code can reach it.
    pub fn kernel(name: &'static str) -> Self {
        Namespace(format!("~{name}").into())
    }
}

/// A literal prefix of keys. It ends in `/` or `:`, so that `a/` never touches `ab/…` by accident; the empty prefix is everything.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Prefix(String);

impl Prefix {
    /// Checks the text and keeps it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the text is neither empty nor ends in `/` or `:`, or is no key.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        if text.is_empty() {
            return Ok(Self(text));
        }
        Key::new(&text)?;
        if !text.ends_with(['/', ':']) {
            return Err(Error::invalid(format!(
                "prefix {:?} must end in \"/\" or \":\", so that it cannot touch a neighbour's keys",
                shown(&text)
            )));
        }
        Ok(Self(text))
    }

    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This prefix with another before it. Not checked for length: what is put before is the kernel's own, not a caller's.
    #[must_use]
    pub fn within(&self, outer: &Prefix) -> Self {
        Self(format!("{}{}", outer.0, self.0))
    }

    /// Whether a key lies under it.
    pub fn covers(&self, key: &str) -> bool {
        key.starts_with(&self.0)
    }
}

/// Which events a reader wants: one name, every name under a prefix (`user:*`), or all.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum TopicFilter {
    /// Every event.
    #[default]
    All,
    /// Exactly this name.
    Exact(Topic),
    /// Every name that starts so; written `user:*`.
    Prefix(String),
}

impl TopicFilter {
    /// Reads `user:created`, `user:*`, `*` or nothing.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the text cannot be an event's name.
    pub fn parse(text: Option<&str>) -> Result<Self> {
        match text {
            None | Some("" | "*") => Ok(Self::All),
            Some(text) => match text.strip_suffix('*') {
                Some(prefix) => {
                    Topic::new(prefix)?;
                    Ok(Self::Prefix(prefix.to_owned()))
                }
                None => Ok(Self::Exact(Topic::new(text)?)),
            },
        }
    }

    /// The filter that matches what this one does where each name has a prefix before it.
    #[must_use]
    pub fn within(&self, outer: &Prefix) -> Self {
        let outer = outer.as_str();
        match self {
            Self::All if outer.is_empty() => Self::All,
            Self::All => Self::Prefix(outer.to_owned()),
            Self::Exact(topic) => Self::Exact(Topic(format!("{outer}{topic}").into())),
            Self::Prefix(prefix) => Self::Prefix(format!("{outer}{prefix}")),
        }
    }

    /// Whether an event of this name is wanted.
    pub fn matches(&self, topic: &str) -> bool {
        match self {
            Self::All => true,
            Self::Exact(wanted) => wanted.as_str() == topic,
            Self::Prefix(prefix) => topic.starts_with(prefix.as_str()),
        }
    }
}

/// A new id: a UUID of version 7, which names a thing and sorts by creation. Order is told by the store's sequence alone.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn dns_label(text: &str) -> Result<(), &'static str> {
    let body = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match text.as_bytes() {
        [first, rest @ ..]
            if first.is_ascii_lowercase()
                && rest.len() < 63
                && rest.iter().copied().all(body)
                && !text.ends_with('-') =>
        {
            Ok(())
        }
        _ => Err("must be 1 to 63 lower-case letters, digits and dashes, a letter first and no dash last"),
    }
}

fn plain_name(text: &str) -> Result<(), &'static str> {
    bounded(
        text,
        NAME_MAX_BYTES,
        "must be 1 to 200 bytes without control characters",
    )
}

fn state_key(text: &str) -> Result<(), &'static str> {
    bounded(
        text,
        KEY_MAX_BYTES,
        "must be 1 to 1,024 bytes without control characters",
    )
}

fn bounded(text: &str, most: usize, rule: &'static str) -> Result<(), &'static str> {
    let fits = (1..=most).contains(&text.len()) && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(rule) }
}

/// The start of a text that may be anything, for an error sentence.
fn shown(text: &str) -> String {
    const MOST_CHARS: usize = 60;
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_never_touches_a_neighbour() {
        assert!(Prefix::new("a").is_err());
        let prefix = Prefix::new("a/").unwrap();
        assert!(prefix.covers("a/b") && !prefix.covers("ab/c"));
    }

    #[test]
    fn a_topic_filter_reads_names_prefixes_and_everything() {
        assert!(TopicFilter::parse(Some("user:*")).unwrap().matches("user:created"));
        assert!(!TopicFilter::parse(Some("user:*")).unwrap().matches("users"));
        assert!(TopicFilter::parse(None).unwrap().matches("anything"));
        assert!(TopicFilter::parse(Some("a\nb")).is_err());
    }

    #[test]
    fn a_filter_within_a_prefix_matches_the_same_names_under_it() {
        let outer = Prefix::new("tenant/").unwrap();
        for (filter, name) in [("*", "a"), ("user:*", "user:created"), ("user:created", "user:created")] {
            let filter = TopicFilter::parse(Some(filter)).unwrap().within(&outer);
            assert!(filter.matches(&format!("tenant/{name}")) && !filter.matches(name));
        }
    }

    #[test]
    fn service_keys_are_dns_labels() {
        for bad in ["", "Core", "-a", "a-", "a_b", "7a", &"a".repeat(64)] {
            assert!(ServiceKey::new(bad).is_err(), "{bad}");
        }
        assert!(ServiceKey::new("core-2").is_ok());
    }
}
