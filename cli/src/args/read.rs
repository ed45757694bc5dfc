//! How words of the command line are read.

use std::str::FromStr;
use std::time::Duration;

use syscall_sdk::error::Error;

/// Reads what refuses by itself, with a sentence.
pub(super) fn parsed<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: Error| error.message().to_owned())
}

/// Reads a word as the wire knows it; the refusal lists those that there are.
pub(super) fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

/// Longest length of time that is taken: past any use, and within what a date can bear.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Reads `250ms`, `30s`, `15m`, `2h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no length of time; write 250ms, 30s, 15m, 2h or 7d");
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let count: u64 = text[..text.len() - unit.len()].parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    match count.checked_mul(millis).map(Duration::from_millis) {
        Some(length) if length <= LONGEST => Ok(length),
        _ => Err(format!("{text:?} is longer than 100 years; say less")),
    }
}
