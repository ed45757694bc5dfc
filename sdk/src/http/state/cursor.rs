//! Where a page of keys ends, as the next one is asked for.

use crate::error::{Error, Result};

/// A cursor hides the key that it stands for: it is opaque, and any key fits into a query.
pub(super) fn encode(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn decode(cursor: &str) -> Result<String> {
    let wrong =
        || Error::invalid(format!("cursor {cursor:?} is none that this service gave")).with_code("INVALID_CURSOR");
    let digits = cursor.as_bytes();
    let pairs = digits.chunks(2).map(|pair| {
        std::str::from_utf8(pair)
            .ok()
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    let bytes: Option<Vec<u8>> = if digits.len().is_multiple_of(2) {
        pairs.collect()
    } else {
        None
    };
    String::from_utf8(bytes.ok_or_else(wrong)?).map_err(|_| wrong())
}
