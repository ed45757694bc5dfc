//! A record in one form, however it was written, and what makes two records the same one.

use std::fmt;

use serde::{Serialize, Serializer};

use super::txt;

/// The words in a record's comment by which it is known to be ours. Comments are to be had on every plan; tags are not.
pub(super) const MARK: &str = "managed by blackroad";
/// "Automatic": the platform chooses, 300 s today, and takes nothing else for what it proxies.
pub(super) const TTL_AUTO: u32 = 1;
/// The root of all names.
const ROOT: &str = ".";
/// Before the label of a custom domain: where the platform that runs the services looks for the proof of who owns it.
pub(super) const OWNERSHIP: &str = "_railway-verify";

/// A type of record that the registry may want. Others are never ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    A,
    Aaaa,
    Cname,
    Mx,
    Txt,
}

/// What is wanted at a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Record {
    /// In full, in small letters, without the last dot.
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    /// An address, a host without its last dot, or a text without quotes.
    pub(super) value: String,
    /// Of an `MX`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) priority: Option<u16>,
    /// Whether the edge stands in between.
    pub(super) proxied: bool,
}

/// A place that one record has: two that want the same slot are the same record, whatever they say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    name: String,
    kind: Kind,
    which: String,
}

impl Kind {
    const ALL: [Kind; 5] = [Kind::A, Kind::Aaaa, Kind::Cname, Kind::Mx, Kind::Txt];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::A => "A",
            Kind::Aaaa => "AAAA",
            Kind::Cname => "CNAME",
            Kind::Mx => "MX",
            Kind::Txt => "TXT",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
    }

    /// Whether the edge can stand in between; the platform proxies no other.
    pub(super) fn proxiable(self) -> bool {
        matches!(self, Kind::A | Kind::Aaaa | Kind::Cname)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Record {
    /// A record that is not proxied.
    pub(super) fn new(name: &str, kind: Kind, value: &str) -> Self {
        let value = match kind {
            Kind::Txt => value.to_owned(),
            _ => host(value),
        };
        Record {
            name: host(name),
            kind,
            value,
            priority: None,
            proxied: false,
        }
    }

    /// The content as the API takes it.
    pub(super) fn content(&self) -> String {
        match self.kind {
            Kind::Txt => txt::quoted(&self.value),
            _ => self.value.clone(),
        }
    }

    /// The value as a zone file has it: hosts with their last dot.
    pub(super) fn absolute(&self) -> String {
        match self.kind {
            Kind::Cname | Kind::Mx if self.value != ROOT => format!("{}{ROOT}", self.value),
            _ => self.content(),
        }
    }

    /// Of a CNAME there is one at a name; of SPF, DMARC, a DKIM key and an ownership record too, since a second makes both void.
    pub(super) fn slot(&self) -> Slot {
        let which = match self.kind {
            Kind::Cname => String::new(),
            Kind::Txt => single(&self.name, &self.value).map_or_else(|| self.value.clone(), str::to_owned),
            Kind::A | Kind::Aaaa | Kind::Mx => self.value.clone(),
        };
        Slot {
            name: self.name.clone(),
            kind: self.kind,
            which,
        }
    }
}

/// Of which texts there is one at a name, and which of them this is.
fn single(name: &str, value: &str) -> Option<&'static str> {
    let begins = |tag: &str| {
        value
            .get(..tag.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(tag))
    };
    if begins("v=spf1") {
        Some("v=spf1")
    } else if name.starts_with("_dmarc.") && begins("v=DMARC1") {
        Some("v=DMARC1")
    } else if name.contains("._domainkey.") {
        Some("v=DKIM1")
    } else if name.starts_with(OWNERSHIP) {
        Some(OWNERSHIP)
    } else {
        None
    }
}

/// A host in one form; the root, which an MX names where no mail is taken (RFC 7505), is its dot.
pub(super) fn host(text: &str) -> String {
    let text = text.trim();
    if text == ROOT {
        return ROOT.to_owned();
    }
    text.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether a name is the zone's own or below it.
pub(super) fn within(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A name in full, of one that is written below its zone; `@` is the zone's own.
pub(super) fn in_full(name: &str, zone: &str) -> String {
    let name = host(name);
    if name == "@" || name.is_empty() {
        zone.to_owned()
    } else if within(&name, zone) {
        name
    } else {
        format!("{name}.{zone}")
    }
}

/// A name as it is written below its zone.
pub(super) fn below<'a>(name: &'a str, zone: &str) -> &'a str {
    match name.strip_suffix(zone) {
        Some("") => "@",
        Some(rest) => rest.trim_end_matches('.'),
        None => name,
    }
}
