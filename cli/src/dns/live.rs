//! A zone's records as the API gives them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::{Kind, MARK, Record};
use super::{dmarc, txt};

/// Longest comment that every plan takes.
const COMMENT_MAX: usize = 100;

/// A record that is there.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct Live {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) content: Option<String>,
    #[serde(default)]
    pub(super) priority: Option<u16>,
    #[serde(default)]
    pub(super) proxied: Option<bool>,
    #[serde(default)]
    pub(super) ttl: u32,
    #[serde(default)]
    pub(super) comment: Option<String>,
    #[serde(default, skip_serializing)]
    pub(super) meta: Value,
}

impl Live {
    /// Whether its comment says that it is ours.
    pub(super) fn ours(&self) -> bool {
        self.comment.as_deref().is_some_and(|comment| comment.contains(MARK))
    }

    /// Which part of the platform keeps it, so that nobody else may change it.
    pub(super) fn kept_by(&self) -> Option<&'static str> {
        let says = |word: &str| match &self.meta[word] {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            _ => true,
        };
        if says("email_routing") {
            Some("Email Routing")
        } else if says("managed_by_argo_tunnel") {
            Some("a tunnel")
        } else if says("origin_worker_id") {
            Some("Workers")
        } else if says("r2_bucket") {
            Some("R2")
        } else if says("managed_by_apps") {
            Some("an app")
        } else if says("read_only") {
            Some("the platform")
        } else {
            None
        }
    }

    /// It in the form of a wanted one; `None` where it is of a type that is never wanted.
    pub(super) fn record(&self) -> Option<Record> {
        let kind = Kind::parse(&self.kind)?;
        let content = self.content.as_deref().unwrap_or_default();
        let mut record = match kind {
            Kind::Txt => Record::new(&self.name, kind, &txt::plain(content)),
            _ => Record::new(&self.name, kind, content),
        };
        record.priority = self.priority.filter(|_| kind == Kind::Mx);
        record.proxied = self.proxied.unwrap_or(false);
        Some(record)
    }

    /// Whether it says what is wanted; what the platform adds by itself aside.
    pub(super) fn says(&self, wanted: &Record) -> bool {
        self.record().is_some_and(|live| {
            let value = live.value == wanted.value || dmarc::agrees(&live.value, &wanted.value);
            value && live.priority == wanted.priority && live.proxied == wanted.proxied
        })
    }

    /// Its comment with our words in it; what else it said is kept where both fit.
    pub(super) fn marked(&self) -> String {
        match self
            .comment
            .as_deref()
            .map(str::trim)
            .filter(|comment| !comment.is_empty())
        {
            Some(comment) if comment.contains(MARK) => comment.to_owned(),
            Some(comment) if comment.chars().count() + MARK.len() + 3 <= COMMENT_MAX => format!("{comment} ({MARK})"),
            _ => MARK.to_owned(),
        }
    }
}
