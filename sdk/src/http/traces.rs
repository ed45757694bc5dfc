//! Spans that this service recorded, kept in a bounded ring.

use std::collections::HashMap;

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use super::extract::{Path, Query};
use super::observe::LIMIT_MAX;
use super::respond::{Failure, json};
use crate::auth::Access;
use crate::context::Context;
use crate::error::Error;
use crate::service::{Route, Routes};
use crate::telemetry::{SpanRecord, TraceId};
use crate::wire::{Span, SpanStatus, Trace, TraceSummary, Traces};

/// Traces in one answer unless said.
const LIMIT: usize = 50;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::get("/v1/sys/traces", Access::right("traces read"), list)
                .says("This service's part of recent traces, newest first.")
                .query("limit", "integer", "At most so many; 50 unless said, 1,000 at most.")
                .query(
                    "minDuration",
                    "number",
                    "Only those that took at least so many milliseconds here.",
                )
                .query("error", "boolean", "Only those with an error, or only those without.")
                .gives::<Traces>(200, "The traces.")
                .fails(&[(400, "A parameter does not fit.")]),
        )
        .with(
            Route::get("/v1/sys/trace/{traceId}", Access::right("traces read"), one)
                .says("The spans that this service recorded of one trace.")
                .gives::<Trace>(200, "The spans, by start.")
                .fails(&[(400, "That is no trace id."), (404, "No span of it is kept here.")]),
        )
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListParams {
    limit: Option<usize>,
    min_duration: Option<f64>,
    error: Option<bool>,
}

async fn list(context: Context, Query(params): Query<ListParams>) -> Result<Response, Failure> {
    let mut traces: Vec<TraceSummary> = context.kernel().recorder.spans().read(|spans| {
        let mut by_trace: HashMap<TraceId, Vec<&SpanRecord>> = HashMap::new();
        for span in spans {
            by_trace.entry(span.context.trace).or_default().push(span);
        }
        by_trace
            .into_iter()
            .filter_map(|(id, spans)| summary(id, &spans))
            .collect()
    });
    traces.retain(|trace| {
        params.min_duration.is_none_or(|least| trace.duration >= least)
            && params.error.is_none_or(|error| trace.error == error)
    });
    traces.sort_unstable_by_key(|trace| std::cmp::Reverse(trace.start));
    traces.truncate(params.limit.unwrap_or(LIMIT).min(LIMIT_MAX));
    Ok(json(StatusCode::OK, &Traces { traces }))
}

fn summary(trace: TraceId, spans: &[&SpanRecord]) -> Option<TraceSummary> {
    let first = spans.iter().min_by_key(|span| span.start)?;
    let end = |span: &&SpanRecord| span.start.0 + span.took;
    let last = spans.iter().map(end).max()?;
    Some(TraceSummary {
        trace_id: trace.to_string(),
        name: first.name().to_owned(),
        start: first.start,
        duration: (last - first.start.0).num_microseconds().unwrap_or(i64::MAX) as f64 / 1_000.0,
        spans: spans.len(),
        error: spans.iter().any(|span| span.status == SpanStatus::Error),
    })
}

async fn one(context: Context, Path(id): Path) -> Result<Response, Failure> {
    let trace = id.parse::<TraceId>()?;
    let recorder = &context.kernel().recorder;
    let mut spans: Vec<Span> = recorder.spans().read(|spans| {
        let of_trace = spans.iter().filter(|span| span.context.trace == trace);
        of_trace.map(|span| span.to_wire(recorder.service())).collect()
    });
    let trace_id = trace.to_string();
    if spans.is_empty() {
        return Err(Error::not_found(format!("no span of trace {trace_id} is kept here"))
            .with_code("TRACE_NOT_FOUND")
            .into());
    }
    spans.sort_by_key(|span| span.start);
    Ok(json(StatusCode::OK, &Trace { trace_id, spans }))
}
