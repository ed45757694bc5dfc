//! Lines and figures.

use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use super::extract::{Payload, Query};
use super::respond::{Failure, json};
use super::sse::{self, Message};
use crate::auth::Access;
use crate::context::Context;
use crate::logs::LogQuery;
use crate::service::{Route, RouteKind, Routes};
use crate::wire::{LogLevel, LogRequest, Logs, MetricEntry, MetricRequest, Metrics, Recorded, Timestamp};

/// Entries in one answer unless said, by the contract.
const LIMIT: usize = 100;
/// Most entries in one answer: a page that a person or a script can still take in.
pub(super) const LIMIT_MAX: usize = 1_000;

pub(super) fn routes() -> Routes {
    Routes::new()
        .with(
            Route::post("/v1/sys/log", Access::right("logs write"), write)
                .says("Writes a line into the service's log.")
                .takes::<LogRequest>()
                .gives::<Recorded>(201, "Written.")
                .fails(&[(400, "The body does not fit.")]),
        )
        .with(
            Route::get("/v1/sys/logs", Access::right("logs read"), read)
                .control()
                .says("Lines of the service's log, oldest first; or all that come, with follow=true.")
                .kind(RouteKind::Stream)
                .query("level", "string", "Exactly this level.")
                .query("q", "string", "Lines that hold this text.")
                .query("since", "string", "Only lines later than this moment, RFC 3339.")
                .query("traceId", "string", "Only lines of this trace.")
                .query("limit", "integer", "At most so many; 100 unless said, 1,000 at most.")
                .query("offset", "integer", "Pass over so many first.")
                .query(
                    "follow",
                    "boolean",
                    "Stay and stream lines as they come, after the latest `limit` ones.",
                )
                .gives::<Logs>(200, "The lines.")
                .fails(&[(400, "A parameter does not fit.")]),
        )
        .with(
            Route::post("/v1/sys/metric", Access::right("metrics write"), record)
                .says("Records a figure by name.")
                .takes::<MetricRequest>()
                .gives::<Recorded>(201, "Recorded.")
                .fails(&[(400, "The body does not fit.")]),
        )
        .with(
            Route::get("/v1/sys/metrics", Access::right("metrics read"), query)
                .control()
                .says("Recorded figures, oldest first; the newest where there are more than the limit.")
                .query("name", "string", "Only this name.")
                .query("from", "string", "Not before this moment, RFC 3339.")
                .query("to", "string", "Not after this moment, RFC 3339.")
                .query("limit", "integer", "At most so many; 100 unless said, 1,000 at most.")
                .gives::<Metrics>(200, "The figures.")
                .fails(&[(400, "A parameter does not fit.")]),
        )
}

async fn write(context: Context, Payload(request): Payload<LogRequest>) -> Result<Response, Failure> {
    let entry = context.logs().write(request.level, &request.message, request.meta)?;
    Ok(json(
        StatusCode::CREATED,
        &Recorded {
            id: entry.id,
            timestamp: entry.timestamp,
        },
    ))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogParams {
    level: Option<LogLevel>,
    q: Option<String>,
    since: Option<Timestamp>,
    trace_id: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
    follow: Option<bool>,
}

async fn read(context: Context, Query(params): Query<LogParams>) -> Result<Response, Failure> {
    let query = LogQuery {
        level: params.level,
        text: params.q,
        since: params.since.map(|since| since.0),
        trace_id: params.trace_id,
    };
    let limit = params.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
    if params.follow == Some(true) {
        let follow = context.logs().follow(query, limit);
        return Ok(sse::stream(&context, Vec::new(), follow, |mut follow| async move {
            let lines = follow.next().await?;
            Some((
                lines.iter().map(|line| Message::of(line).at(&line.id)).collect(),
                follow,
            ))
        }));
    }
    let offset = params.offset.unwrap_or(0);
    let (logs, total) = context.logs().query(&query, offset, limit);
    Ok(json(
        StatusCode::OK,
        &Logs {
            logs,
            total,
            limit,
            offset,
        },
    ))
}

async fn record(context: Context, Payload(request): Payload<MetricRequest>) -> Result<Response, Failure> {
    let MetricEntry { id, timestamp, .. } = context.metrics().record(request)?;
    Ok(json(StatusCode::CREATED, &Recorded { id, timestamp }))
}

#[derive(Debug, Deserialize)]
struct MetricParams {
    name: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    limit: Option<usize>,
}

async fn query(context: Context, Query(params): Query<MetricParams>) -> Result<Response, Failure> {
    let limit = params.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
    let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.0);
    let (metrics, total) =
        context
            .metrics()
            .query(params.name.as_deref(), moment(params.from), moment(params.to), limit);
    Ok(json(StatusCode::OK, &Metrics { metrics, total, limit }))
}
