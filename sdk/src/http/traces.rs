//! Spans that this service recorded, kept in a bounded ring.

use std::collections::HashMap;

use axum::response::Response;
use chrono::TimeDelta;
use http::StatusCode;
use serde::Deserialize;

use super::extract::{Path, Query};
use super::observe::LIMIT_MAX;
use super::respond::{Failure, json};
use crate::auth::Access;
use crate::context::Context;
use crate::error::Error;
use crate::service::{Route, Routes};
use crate::telemetry::TraceId;
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
        let mut by_trace: HashMap<&str, Vec<&Span>> = HashMap::new();
        for span in spans {
            by_trace.entry(&span.trace_id).or_default().push(span);
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

fn summary(trace_id: &str, spans: &[&Span]) -> Option<TraceSummary> {
    let first = spans.iter().min_by_key(|span| span.start)?;
    let end = |span: &&&Span| span.start.0 + TimeDelta::microseconds((span.duration * 1_000.0) as i64);
    let last = spans.iter().map(|span| end(&span)).max()?;
    Some(TraceSummary {
        trace_id: trace_id.to_owned(),
        name: first.name.clone(),
        start: first.start,
        duration: (last - first.start.0).num_microseconds().unwrap_or(i64::MAX) as f64 / 1_000.0,
        spans: spans.len(),
        error: spans.iter().any(|span| span.status == SpanStatus::Error),
    })
}

async fn one(context: Context, Path(id): Path) -> Result<Response, Failure> {
    let trace_id = id.parse::<TraceId>()?.to_string();
    let mut spans: Vec<Span> = context
        .kernel()
        .recorder
        .spans()
        .read(|spans| spans.iter().filter(|span| span.trace_id == trace_id).cloned().collect());
    if spans.is_empty() {
        return Err(Error::not_found(format!("no span of trace {trace_id} is kept here"))
            .with_code("TRACE_NOT_FOUND")
            .into());
    }
    spans.sort_by_key(|span| span.start);
    Ok(json(StatusCode::OK, &Trace { trace_id, spans }))
}
