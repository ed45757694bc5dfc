use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Json, Timestamp};
use crate::error::Error;

/// How grave a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For who looks for a fault.
    Debug,
    /// What happens.
    Info,
    /// What someone should look at soon.
    Warn,
    /// What failed.
    Error,
    /// What ended the process.
    Fatal,
}

impl LogLevel {
    /// All of them, the least grave first.
    pub const ALL: [LogLevel; 5] = [
        LogLevel::Debug,
        LogLevel::Info,
        LogLevel::Warn,
        LogLevel::Error,
        LogLevel::Fatal,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warn => "warn",
            LogLevel::Error => "error",
            LogLevel::Fatal => "fatal",
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for LogLevel {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        LogLevel::ALL
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| Error::invalid(format!("level {text:?} is none of debug, info, warn, error, fatal")))
    }
}

/// `POST /v1/sys/log`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LogRequest {
    /// How grave.
    pub level: LogLevel,
    /// The line; it reads alone.
    pub message: String,
    /// Facts beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Json>,
}

/// What recording a log line or a metric answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Recorded {
    /// Its id.
    pub id: String,
    /// When it was recorded.
    pub timestamp: Timestamp,
}

/// One log line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Its id.
    pub id: String,
    /// When.
    pub timestamp: Timestamp,
    /// How grave.
    pub level: LogLevel,
    /// The line.
    pub message: String,
    /// The registry name of who wrote it.
    pub service: String,
    /// Facts beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Json>,
    /// The trace in which it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// `GET /v1/sys/logs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Logs {
    /// Oldest first.
    pub logs: Vec<LogEntry>,
    /// How many there are in all.
    pub total: usize,
    /// At most so many were asked for.
    pub limit: usize,
    /// So many were passed over.
    pub offset: usize,
}

/// `POST /v1/sys/metric`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MetricRequest {
    /// Its name: `orders.placed`.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// One recorded figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MetricEntry {
    /// Its id.
    pub id: String,
    /// When.
    pub timestamp: Timestamp,
    /// Its name.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// Its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
}

/// `GET /v1/sys/metrics`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Metrics {
    /// Oldest first; the newest of those asked for where there are more than `limit`.
    pub metrics: Vec<MetricEntry>,
    /// How many there are in all.
    pub total: usize,
    /// At most so many were asked for.
    pub limit: usize,
}

/// How a span ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SpanStatus {
    /// Well.
    Ok,
    /// In an error.
    Error,
}

/// One recorded span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// The span above it, here or in another service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// What was done.
    pub name: String,
    /// The registry name of who did it.
    pub service: String,
    /// When it began.
    pub start: Timestamp,
    /// How long it took, in milliseconds.
    pub duration: f64,
    /// How it ended.
    pub status: SpanStatus,
    /// Facts beside it.
    pub attributes: BTreeMap<String, String>,
}

/// `GET /v1/sys/trace/{traceId}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// This service's spans, by start.
    pub spans: Vec<Span>,
}

/// `GET /v1/sys/traces`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Traces {
    /// Newest first.
    pub traces: Vec<TraceSummary>,
}

/// This service's part of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// The earliest span's name.
    pub name: String,
    /// When it began.
    pub start: Timestamp,
    /// From its first to its last moment here, in milliseconds.
    pub duration: f64,
    /// How many spans this service recorded.
    pub spans: usize,
    /// Whether any of them ended in an error.
    pub error: bool,
}
