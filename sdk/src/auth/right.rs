//! A right: a word of the vocabulary, what it is for, and at which service.

use std::fmt;
use std::str::FromStr;

use super::word::{Of, Word};
use crate::error::{Error, Result};

/// Longest right as a text, in bytes: a key of state, which has 1,024 at most, with the words before it.
const RIGHT_MAX_BYTES: usize = 1_200;

/// What may be done, to what, at which service.
///
/// Written as `{facility}[@{service}] {verb} {pattern}`; a facility with one verb leaves it out, and `rpc` names its service before the
/// method: `state read orders/`, `state@core read orders/`, `rpc core getUserById`, `rpc * *`, `admin`.
///
/// ```
/// use syscall_sdk::auth::Right;
/// let right: Right = "event emit user:*".parse()?;
/// assert!(right.covers(&"event@core emit user:created".parse()?));
/// assert!(!right.covers(&"event emit order:created".parse()?));
/// # Ok::<_, syscall_sdk::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Right {
    /// What may be done.
    pub word: Word,
    /// At which service, by key; at every one of the token's audience where none is named.
    pub at: Option<String>,
    /// To what.
    pub pattern: Pattern,
}

/// Which names or keys a right is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// All: `*`, or nothing.
    All,
    /// Those that start so: `user:*`, and of keys `orders/` too.
    Prefix(String),
    /// This one.
    Exact(String),
}

/// What a request asks for, of the service that it reached unless another is named. Made from the request as it is, so that no character
/// of a name is taken for a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need<'a> {
    /// What is to be done.
    pub word: Word,
    /// At which service, where it is another than the one that checks.
    pub at: Option<&'a str>,
    /// To what.
    pub what: What<'a>,
}

/// To what something is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// To all there is.
    All,
    /// To all that starts so.
    Prefix(&'a str),
    /// To this one.
    One(&'a str),
}

impl Right {
    /// A right to all, at every service.
    pub fn all(word: Word) -> Self {
        Right {
            word,
            at: None,
            pattern: Pattern::All,
        }
    }

    /// The right to call a method of a service; `*` or `mesh.*` for several.
    pub fn rpc(service: &str, methods: &str) -> Self {
        Right {
            word: Word::Rpc,
            at: Some(service.to_owned()),
            pattern: Pattern::of(Of::Name("method"), methods),
        }
    }

    /// The same right, at this service alone.
    #[must_use]
    pub fn at(self, service: &str) -> Self {
        Right {
            at: Some(service.to_owned()),
            ..self
        }
    }

    /// Whether who has this right may do all that the other allows.
    pub fn covers(&self, other: &Right) -> bool {
        self.grants(other.word, other.at.as_deref(), other.need().what)
    }

    /// All that this right allows, as something to ask for.
    pub fn need(&self) -> Need<'_> {
        Need {
            word: self.word,
            at: self.at.as_deref(),
            what: match &self.pattern {
                Pattern::All => What::All,
                Pattern::Prefix(prefix) => What::Prefix(prefix),
                Pattern::Exact(name) => What::One(name),
            },
        }
    }

    /// Whether it grants something at a service; `None` is every service.
    pub(super) fn grants(&self, word: Word, at: Option<&str>, what: What<'_>) -> bool {
        let there = match (&self.at, at) {
            (None, _) => true,
            (Some(own), Some(asked)) => own == asked,
            (Some(_), None) => false,
        };
        there && (self.word == Word::Admin || self.word == word && self.pattern.covers(what))
    }

    /// Whether it is of this word at a service, for whatever name.
    pub(super) fn is_of(&self, word: Word, at: &str) -> bool {
        let there = self.at.as_deref().is_none_or(|own| own == at);
        there && (self.word == Word::Admin || self.word == word)
    }
}

impl<'a> Need<'a> {
    /// To do it to one thing.
    pub const fn one(word: Word, name: &'a str) -> Self {
        Need {
            word,
            at: None,
            what: What::One(name),
        }
    }

    /// To do it to all there is.
    pub const fn all(word: Word) -> Self {
        Need {
            word,
            at: None,
            what: What::All,
        }
    }

    /// To do it to all that starts so; to all there is where that is empty.
    pub const fn prefix(word: Word, prefix: &'a str) -> Self {
        let what = if prefix.is_empty() {
            What::All
        } else {
            What::Prefix(prefix)
        };
        Need { word, at: None, what }
    }

    /// To do it to one thing where one is named, else to all there is.
    pub fn named(word: Word, name: Option<&'a str>) -> Self {
        name.map_or(Need::all(word), |name| Need::one(word, name))
    }

    /// To do it to what a filter matches: one name, a prefix with a trailing `*`, or all there is.
    pub fn filtered(word: Word, filter: Option<&'a str>) -> Self {
        match filter.map(|filter| filter.strip_suffix('*').ok_or(filter)) {
            None | Some(Err("")) => Need::all(word),
            Some(Ok(prefix)) => Need::prefix(word, prefix),
            Some(Err(name)) => Need::one(word, name),
        }
    }

    /// To call a method, of this service or of another.
    pub const fn rpc(service: &'a str, method: &'a str) -> Self {
        Need {
            word: Word::Rpc,
            at: Some(service),
            what: What::One(method),
        }
    }
}

impl Pattern {
    fn of(kind: Of, text: &str) -> Self {
        match text.strip_suffix('*') {
            Some("") => Pattern::All,
            Some(prefix) => Pattern::Prefix(prefix.to_owned()),
            None if text.is_empty() => Pattern::All,
            None if kind == Of::Key && text.ends_with(['/', ':']) => Pattern::Prefix(text.to_owned()),
            None => Pattern::Exact(text.to_owned()),
        }
    }

    fn covers(&self, what: What<'_>) -> bool {
        match (self, what) {
            (Pattern::All, _) => true,
            (Pattern::Prefix(own), What::Prefix(asked) | What::One(asked)) => asked.starts_with(own.as_str()),
            (Pattern::Exact(own), What::One(asked)) => own == asked,
            (Pattern::Prefix(_) | Pattern::Exact(_), _) => false,
        }
    }
}

impl FromStr for Right {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: String| Err(Error::invalid(why).with_code("INVALID_RIGHT"));
        if text.len() > RIGHT_MAX_BYTES || text.chars().any(char::is_control) {
            return wrong(format!(
                "a right is at most {RIGHT_MAX_BYTES} bytes without control characters"
            ));
        }
        let (head, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (facility, mut at) = match head.split_once('@') {
            Some((facility, service)) => (facility, Some(service)),
            None => (head, None),
        };
        let (word, pattern) = match Word::find(facility, "") {
            Some(Word::Rpc) if at.is_none() => {
                let (service, method) = rest.split_once(' ').unwrap_or((rest, "*"));
                at = (service != "*").then_some(service);
                (Word::Rpc, method)
            }
            Some(word) => (word, rest),
            None => {
                let (verb, pattern) = rest.split_once(' ').unwrap_or((rest, ""));
                match Word::find(facility, verb) {
                    Some(word) => (word, pattern),
                    None => return Err(Word::parse(text).err().unwrap_or_else(|| Error::invalid("no right"))),
                }
            }
        };
        if let Some(service) = at {
            crate::name::ServiceKey::new(service)?;
        }
        if word.of() == Of::Nothing && !pattern.is_empty() {
            return wrong(format!(
                "{word} is for all or nothing, and {text:?} says {pattern:?} more"
            ));
        }
        Ok(Right {
            word,
            at: at.map(str::to_owned),
            pattern: Pattern::of(word.of(), pattern),
        })
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_right(f, self.word, self.at.as_deref())?;
        let slash = |text: &str| self.word.of() == Of::Key && text.ends_with(['/', ':']);
        match &self.pattern {
            _ if self.word.of() == Of::Nothing => Ok(()),
            Pattern::All => f.write_str(" *"),
            Pattern::Prefix(prefix) if slash(prefix) => write!(f, " {prefix}"),
            Pattern::Prefix(prefix) => write!(f, " {prefix}*"),
            Pattern::Exact(name) => write!(f, " {name}"),
        }
    }
}

impl fmt::Display for Need<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_right(f, self.word, self.at)?;
        match self.what {
            _ if self.word.of() == Of::Nothing => Ok(()),
            What::All => f.write_str(" *"),
            What::Prefix(prefix) if prefix.ends_with(['/', ':']) && self.word.of() == Of::Key => write!(f, " {prefix}"),
            What::Prefix(prefix) => write!(f, " {prefix}*"),
            What::One(name) => write!(f, " {name}"),
        }
    }
}

/// Everything before the pattern.
fn write_right(f: &mut fmt::Formatter<'_>, word: Word, at: Option<&str>) -> fmt::Result {
    match (word, at) {
        (Word::Rpc, at) => write!(f, "rpc {}", at.unwrap_or("*")),
        (_, None) => write!(f, "{word}"),
        (_, Some(at)) if word.verb().is_empty() => write!(f, "{}@{at}", word.facility()),
        (_, Some(at)) => write!(f, "{}@{at} {}", word.facility(), word.verb()),
    }
}
