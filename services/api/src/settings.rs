//! What the gateway is told: read for each call, so that a change holds from the next on.

use std::time::Duration;

use syscall_sdk::context::Context;

/// Largest answer of a method that is passed on, unless said: a page of anything. Larger things are streamed, or are files elsewhere.
pub(crate) const ANSWER_MAX_BYTES: usize = 4 * 1024 * 1024;
/// The most that can be said: what the fleet's own calls take.
const ANSWER_CEILING: usize = syscall_sdk::rpc::ANSWER_MAX_BYTES;
/// How long a stream or a pipe of someone outside lasts, unless said: a working session. What is open for longer is mostly forgotten.
pub(crate) const STREAM_LIFE: Duration = Duration::from_secs(3_600);
/// The most that can be said, a day: rights that were taken back end with the stream at the latest.
const STREAM_CEILING: Duration = Duration::from_secs(24 * 3_600);

/// `GATEWAY_ANSWER_MAX_BYTES`. What is no number of bytes is as if it were not said, and is told in the log.
pub(crate) fn answer_max_bytes(context: &Context) -> usize {
    match number(context, "GATEWAY_ANSWER_MAX_BYTES") {
        Some(bytes) => usize::try_from(bytes)
            .unwrap_or(ANSWER_CEILING)
            .clamp(1_024, ANSWER_CEILING),
        None => ANSWER_MAX_BYTES,
    }
}

/// `GATEWAY_STREAM_SECONDS`.
pub(crate) fn stream_life(context: &Context) -> Duration {
    match number(context, "GATEWAY_STREAM_SECONDS") {
        Some(seconds) => Duration::from_secs(seconds).clamp(Duration::from_secs(1), STREAM_CEILING),
        None => STREAM_LIFE,
    }
}

fn number(context: &Context, variable: &str) -> Option<u64> {
    let said = context.secret(variable)?;
    let number = said.reveal().parse().ok();
    if number.is_none() {
        tracing::warn!("{variable} is no whole number, so the default holds");
    }
    number
}
