//! What is given on the command line as JSON or as a moment.

use std::io::Read as _;

use anyhow::{Context as _, Result};
use serde_json::Value;
use syscall_sdk::clock::Clock;
use syscall_sdk::wire::{Json, Timestamp};

use crate::args;

/// Reads JSON from an argument, or from standard input where it is `-`, and keeps every digit of it.
pub(crate) fn json(text: &str) -> Result<Json> {
    if text != "-" {
        return Json::parse(text).with_context(|| {
            format!("{text:?} is no JSON; quote it for the shell, such as '{{\"id\":\"7\"}}' or '\"text\"'")
        });
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("standard input cannot be read")?;
    Json::parse(&text).context("standard input holds no JSON")
}

/// Reads a moment: RFC 3339 as it is, or an age such as `15m` counted back from now.
pub(crate) fn moment(text: &str) -> Result<String> {
    if let Ok(age) = args::duration(text) {
        return Ok(Timestamp(Clock::system().now() - age).to_string());
    }
    let moment: Timestamp = serde_json::from_value(Value::from(text))
        .with_context(|| format!("{text:?} is no moment; write 2026-01-31T12:00:00Z, or an age such as 15m"))?;
    Ok(moment.to_string())
}
