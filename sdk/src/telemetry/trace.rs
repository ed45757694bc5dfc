//! W3C Trace Context, level 2: `traceparent` in and out.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// 16 bytes that name a trace; never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// 8 bytes that name a span; never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

/// Where a piece of work stands in a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span that is the parent of what comes next.
    pub span: SpanId,
    /// The flags as they came: 01 is sampled, 02 says that the trace id is random.
    pub flags: u8,
}

impl TraceId {
    /// A new one.
    pub fn random() -> Self {
        TraceId(Uuid::new_v4().as_u128())
    }

    /// Its bytes.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl SpanId {
    /// A new one.
    pub fn random() -> Self {
        // The low half of a version 4 UUID holds 62 random bits under a fixed, non-zero variant.
        SpanId(Uuid::new_v4().as_u128() as u64)
    }

    /// Its bytes.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl TraceContext {
    /// A new trace that is sampled and whose id is random.
    pub fn new() -> Self {
        TraceContext {
            trace: TraceId::random(),
            span: SpanId::random(),
            flags: 3,
        }
    }

    /// The same trace, seen from a span of it.
    pub fn at(self, span: SpanId) -> Self {
        TraceContext { span, ..self }
    }

    /// Reads a `traceparent`; anything malformed is `None`, and then a new trace begins, as the standard says.
    pub fn parse(header: &str) -> Option<Self> {
        let bytes = header.as_bytes();
        let version = header.get(0..2)?;
        let well_formed = bytes.len() >= 55
            && [2, 35, 52].iter().all(|&at| bytes[at] == b'-')
            && version != "ff"
            && (bytes.len() == 55 || (version != "00" && bytes[55] == b'-'));
        if !well_formed {
            return None;
        }
        u8::try_from(hex(version)?).ok()?;
        let trace = hex(header.get(3..35)?)?;
        let span = u64::try_from(hex(header.get(36..52)?)?).ok()?;
        let flags = u8::try_from(hex(header.get(53..55)?)?).ok()?;
        (trace != 0 && span != 0).then_some(TraceContext {
            trace: TraceId(trace),
            span: SpanId(span),
            flags,
        })
    }
}

impl Default for TraceContext {
    fn default() -> Self {
        Self::new()
    }
}

/// Lower-case hexadecimal only, as the standard demands.
fn hex(text: &str) -> Option<u128> {
    let lower = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if lower {
        u128::from_str_radix(text, 16).ok()
    } else {
        None
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TraceContext {
    /// The `traceparent` header.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace, self.span, self.flags)
    }
}

impl FromStr for TraceId {
    type Err = crate::error::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match hex(text) {
            Some(id) if id != 0 && text.len() == 32 => Ok(TraceId(id)),
            _ => Err(crate::error::Error::invalid(
                "a trace id is 32 lower-case hexadecimal digits, not all zero",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_goes_in_and_out_unchanged() {
        assert_eq!(TraceContext::parse(GOOD).unwrap().to_string(), GOOD);
    }

    #[test]
    fn a_malformed_traceparent_begins_a_new_trace() {
        let zero_trace = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        let zero_span = "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01";
        for bad in [
            "",
            "00",
            &GOOD.to_uppercase(),
            &GOOD.replace("00-", "ff-"),
            &format!("{GOOD}-x"),
            zero_trace,
            zero_span,
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_later_version_is_read_by_its_first_fields() {
        assert!(TraceContext::parse(&format!("{}-more", GOOD.replacen("00", "01", 1))).is_some());
    }

    proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(header in "\\PC{0,80}") {
            let _ = TraceContext::parse(&header);
        }
    }
}
