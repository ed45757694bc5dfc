use std::net::IpAddr;

use crate::contract::audit::RECORDED;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::name::misleads;
use crate::store::Emit;
use crate::telemetry;
use crate::wire::{AuditOutcome, AuditRecord, Json};

/// Longest text of a record, in bytes: a name or a sentence that is read in a table.
const TEXT_MAX_BYTES: usize = 300;
/// Most details of a record: they are what an auditor asks for, not the request.
const DETAILS_MAX: usize = 16;
/// Most that one record counts: more in a minute than any service answers.
const COUNT_MAX: u64 = 1_000_000;
/// Digits of a trace id (W3C Trace Context).
const TRACE_DIGITS: usize = 32;

/// Something to be put on the record. Who, from where and in which trace is filled in from the request where nothing is said.
///
/// ```
/// use syscall_sdk::audit::Record;
/// let record = Record::allowed("key.create", "key/abc").by("user/7").with("name", "deploys");
/// let refused = Record::denied("login", "user/7").because("WRONG_PASSWORD");
/// # let _ = (record, refused);
/// ```
///
/// Texts are kept up to 300 bytes and without control characters, so that whatever a stranger sends makes one line. A secret
/// belongs in no field of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(AuditRecord);

impl Record {
    /// Something that was let happen: an action, such as `key.create`, and on what, such as `key/abc`.
    pub fn allowed(action: &str, target: impl AsRef<str>) -> Self {
        Self::new(AuditOutcome::Allowed, action, target.as_ref())
    }

    /// Something that was refused.
    pub fn denied(action: &str, target: impl AsRef<str>) -> Self {
        Self::new(AuditOutcome::Denied, action, target.as_ref())
    }

    /// Something that was let happen and did not come off.
    pub fn failed(action: &str, target: impl AsRef<str>) -> Self {
        Self::new(AuditOutcome::Failed, action, target.as_ref())
    }

    fn new(outcome: AuditOutcome, action: &str, target: &str) -> Self {
        Record(AuditRecord {
            action: clean(action),
            actor: String::new(),
            address: None,
            count: 1,
            details: Default::default(),
            outcome,
            reason: None,
            target: clean(target),
            trace: None,
        })
    }

    /// Who, where the request does not say it: `user/7`, `key/abc`, `service:core`, `kernel`.
    #[must_use]
    pub fn by(mut self, actor: impl AsRef<str>) -> Self {
        self.0.actor = clean(actor.as_ref());
        self
    }

    /// From which address, where the request does not say it.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        self.0.address = Some(address.to_string());
        self
    }

    /// Why: a code or a sentence.
    #[must_use]
    pub fn because(mut self, reason: impl AsRef<str>) -> Self {
        self.0.reason = Some(clean(reason.as_ref()));
        self
    }

    /// What else an auditor asks for; the 17th and later are passed over.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        if self.0.details.len() < DETAILS_MAX {
            self.0.details.insert(name.to_owned(), clean(value.as_ref()));
        }
        self
    }

    /// How often within a minute.
    #[must_use]
    pub(super) fn times(mut self, count: u64) -> Self {
        self.0.count = count;
        self
    }

    /// The operation that puts it on the record, for a batch; what it does not say itself is said by the request.
    ///
    /// # Errors
    /// Where the record has no JSON form.
    pub(crate) fn op(mut self, actor: &str, address: Option<IpAddr>) -> Result<Emit> {
        if self.0.actor.is_empty() {
            self.0.actor = clean(actor);
        }
        if self.0.address.is_none() {
            self.0.address = address.map(|address| address.to_string());
        }
        if self.0.trace.is_none() {
            self.0.trace = telemetry::current_trace().map(|trace| trace.trace.to_string());
        }
        let data = Json::of(&self.0)
            .map_err(|error| Error::internal("an audit record has no JSON form").with_source(error))?;
        Events::emit_op(RECORDED, Some(data))
    }

    #[cfg(test)]
    pub(super) fn into_wire(self) -> AuditRecord {
        self.0
    }
}

impl AuditRecord {
    /// The record as this program would have made it, whoever made it: for a keeper, which trusts no sender to have kept the bounds.
    #[must_use]
    pub fn clamped(self) -> Self {
        let address = self.address.and_then(|address| address.parse::<IpAddr>().ok());
        let is_trace = |trace: &String| trace.len() == TRACE_DIGITS && trace.bytes().all(|b| b.is_ascii_hexdigit());
        let details = self.details.iter().take(DETAILS_MAX);
        AuditRecord {
            action: clean(&self.action),
            actor: clean(&self.actor),
            address: address.map(|address| address.to_string()),
            count: self.count.clamp(1, COUNT_MAX),
            details: details.map(|(name, value)| (clean(name), clean(value))).collect(),
            outcome: self.outcome,
            reason: self.reason.as_deref().map(clean),
            target: clean(&self.target),
            trace: self.trace.filter(is_trace),
        }
    }
}

/// The text as far as it fits, with whatever could move a reader's cursor, break the line or turn its direction shown as a mark.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(TEXT_MAX_BYTES));
    for c in text.chars() {
        let c = if misleads(c) { char::REPLACEMENT_CHARACTER } else { c };
        if clean.len() + c.len_utf8() > TEXT_MAX_BYTES {
            break;
        }
        clean.push(c);
    }
    clean
}
