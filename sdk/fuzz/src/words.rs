//! Texts that come from outside and become values.

use std::fmt::Debug;

use chrono::{TimeZone as _, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use syscall_sdk::jobs::Cadence;
use syscall_sdk::registry::Registry;
use syscall_sdk::telemetry::TraceContext;
use syscall_sdk::wire;

/// Ticks of one schedule that are looked at.
const TICKS: usize = 5;

/// A cron expression and, on the second line, a time zone: where both can be read, ticks only rise.
pub fn cron(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (expression, zone) = text.split_once('\n').unwrap_or((text, "UTC"));
    let Ok(cadence) = Cadence::parse(expression, zone) else {
        return;
    };
    let mut last = Utc.timestamp_opt(1_795_000_000, 0).single().unwrap_or_default();
    for _ in 0..TICKS {
        let Some(next) = cadence.after(last) else { return };
        assert!(
            next > last,
            "a tick of {expression:?} in {zone} lies behind the one before it"
        );
        last = next;
    }
}

/// `traceparent` (W3C Trace Context, section 3.2): what is read is written as it was.
pub fn traceparent(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(context) = TraceContext::parse(text) else {
        return;
    };
    let written = context.to_string();
    assert_eq!(
        TraceContext::parse(&written)
            .map(|context| context.to_string())
            .as_deref(),
        Some(written.as_str()),
        "what was made of {text:?} is read back as another"
    );
}

/// A registry: what is read answers for each of its services.
pub fn registry(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(registry) = Registry::parse(text) else { return };
    for key in registry.keys() {
        assert!(registry.get(key).is_ok(), "{key} is listed and not there");
    }
}

/// Bodies of the contract: what is read is written, and read again as the same.
pub fn wire(data: &[u8]) {
    same::<wire::RpcRequest>(data);
    same::<wire::EmitRequest>(data);
    same::<wire::CreateJob>(data);
    same::<wire::PutState>(data);
    same::<wire::StartWorkflow>(data);
    same::<wire::RetryJob>(data);
    same::<wire::Event>(data);
    same::<wire::Entry>(data);
}

fn same<T: Serialize + DeserializeOwned + Debug>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else {
        return;
    };
    let written = serde_json::to_string(&read).expect("what was read from JSON has a JSON form");
    let again: T = serde_json::from_str(&written).expect("what was written is read");
    let rewritten = serde_json::to_string(&again).expect("it was written before");
    assert_eq!(written, rewritten, "{read:?}");
}
