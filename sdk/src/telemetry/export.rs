//! OTLP over HTTP: spans, lines and figures of one service, with that service as the resource.
//!
//! Spans are exported as the kernel recorded them, under the ids that its own pages show, so a trace is found by the same id everywhere.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor};

use super::SpanRecord;
use crate::error::{Error, Result};
use crate::wire::{LogEntry, LogLevel, SpanStatus};

/// Longest that a flush at shutdown may take: what is left of the drain's budget.
const FLUSH_MAX: Duration = Duration::from_millis(1_500);

/// Where and as whom to export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otlp {
    /// The collector's base URL, without `/v1/traces`.
    pub endpoint: String,
    /// The registry name.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The environment.
    pub environment: String,
    /// This process among the service's replicas.
    pub instance: String,
}

/// Exports one service's telemetry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exporter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    spans: BatchSpanProcessor,
    logger: SdkLogger,
    logs: SdkLoggerProvider,
    meters: SdkMeterProvider,
    scope: InstrumentationScope,
}

impl Exporter {
    /// Starts the exporters, each with a thread of its own. Blocks: call it from a blocking thread.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the endpoint is no URL that can be used.
    pub fn start(options: &Otlp) -> Result<Self> {
        let resource = Resource::builder()
            .with_service_name(options.service.clone())
            .with_attributes([
                KeyValue::new("service.version", options.version.clone()),
                KeyValue::new("service.instance.id", options.instance.clone()),
                KeyValue::new("deployment.environment.name", options.environment.clone()),
            ])
            .build();
        let url = |signal: &str| format!("{}/v1/{signal}", options.endpoint.trim_end_matches('/'));
        let wrong = |error: opentelemetry_otlp::ExporterBuildError| {
            Error::invalid(format!(
                "OTEL_EXPORTER_OTLP_ENDPOINT {:?} cannot be used",
                options.endpoint
            ))
            .with_source(error)
        };
        let span_exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url("traces"))
            .build()
            .map_err(wrong)?;
        let log_exporter = LogExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url("logs"))
            .build()
            .map_err(wrong)?;
        let metric_exporter = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(url("metrics"))
            .build()
            .map_err(wrong)?;
        let mut spans = BatchSpanProcessor::builder(span_exporter).build();
        spans.set_resource(&resource);
        let logs = SdkLoggerProvider::builder()
            .with_resource(resource.clone())
            .with_batch_exporter(log_exporter)
            .build();
        let meters = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_periodic_exporter(metric_exporter)
            .build();
        let scope = InstrumentationScope::builder("syscall-sdk")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build();
        let logger = logs.logger_with_scope(scope.clone());
        Ok(Exporter(Arc::new(Inner {
            spans,
            logger,
            logs,
            meters,
            scope,
        })))
    }

    /// Exports a figure that is read when the time comes.
    pub fn gauge(&self, name: &'static str, unit: &'static str, read: impl Fn() -> f64 + Send + Sync + 'static) {
        let meter = self.0.meters.meter_with_scope(self.0.scope.clone());
        meter
            .f64_observable_gauge(name)
            .with_unit(unit)
            .with_callback(move |observer| observer.observe(read(), &[]))
            .build();
    }

    pub(super) fn span(&self, span: &SpanRecord) {
        self.0.spans.on_end(span_data(span, &self.0.scope));
    }

    pub(super) fn log(&self, entry: &LogEntry) {
        let mut record = self.0.logger.create_log_record();
        record.set_timestamp(entry.timestamp.0.into());
        record.set_observed_timestamp(SystemTime::now());
        let (severity, word) = match entry.level {
            LogLevel::Debug => (Severity::Debug, "DEBUG"),
            LogLevel::Info => (Severity::Info, "INFO"),
            LogLevel::Warn => (Severity::Warn, "WARN"),
            LogLevel::Error => (Severity::Error, "ERROR"),
            LogLevel::Fatal => (Severity::Fatal, "FATAL"),
        };
        record.set_severity_number(severity);
        record.set_severity_text(word);
        record.set_body(AnyValue::from(entry.message.clone()));
        if let Some(meta) = &entry.meta {
            record.add_attribute("meta", meta.text().to_owned());
        }
        if let Some(trace) = entry.trace_id.as_deref().and_then(|id| TraceId::from_hex(id).ok()) {
            record.set_trace_context(trace, SpanId::INVALID, Some(TraceFlags::SAMPLED));
        }
        self.0.logger.emit(record);
    }

    pub(super) fn flush(&self) {
        // What cannot be delivered at the end is lost with the process either way; the exporters have logged it.
        let _ = self.0.spans.shutdown_with_timeout(FLUSH_MAX);
        let _ = self.0.logs.shutdown_with_timeout(FLUSH_MAX);
        let _ = self.0.meters.shutdown_with_timeout(FLUSH_MAX);
    }
}

fn span_data(span: &SpanRecord, scope: &InstrumentationScope) -> SpanData {
    let start: SystemTime = span.start.0.into();
    let kind = match span.attribute("span.kind") {
        Some("server") => SpanKind::Server,
        Some("client") => SpanKind::Client,
        Some("consumer") => SpanKind::Consumer,
        _ => SpanKind::Internal,
    };
    SpanData {
        span_context: SpanContext::new(
            TraceId::from_bytes(span.context.trace.to_bytes()),
            SpanId::from_bytes(span.context.span.to_bytes()),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: span
            .parent
            .map_or(SpanId::INVALID, |parent| SpanId::from_bytes(parent.to_bytes())),
        parent_span_is_remote: false,
        span_kind: kind,
        name: span.name().to_owned().into(),
        start_time: start,
        end_time: start + span.took,
        attributes: span
            .attributes()
            .map(|(key, value)| KeyValue::new(key, value.to_owned()))
            .collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: match span.status {
            SpanStatus::Ok => Status::Unset,
            SpanStatus::Error => Status::error(span.attribute("error").unwrap_or_default().to_owned()),
        },
        instrumentation_scope: scope.clone(),
    }
}
