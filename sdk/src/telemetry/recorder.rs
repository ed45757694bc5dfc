use std::sync::Arc;

use uuid::Uuid;

use super::{Exporter, Output, Ring, SpanRecord};
use crate::clock::Clock;
use crate::wire::{Json, LogEntry, LogLevel, Timestamp};

/// Log lines that a service keeps in memory: about a megabyte, an hour of a busy small service.
pub const LOGS_MAX: usize = 4_096;
/// Spans that a service keeps in memory: about a megabyte.
pub const SPANS_MAX: usize = 4_096;
/// Bytes of a message that are kept; a longer one is cut, since one line must not push out a thousand.
pub const MESSAGE_MAX_BYTES: usize = 16 * 1024;

/// One service's lines and spans. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    service: String,
    clock: Clock,
    logs: Ring<LogEntry>,
    spans: Ring<SpanRecord>,
    output: Option<Output>,
    exporter: Option<Exporter>,
}

impl Recorder {
    /// A recorder of a service, by its registry name. Lines also go to `output` and `exporter`, where given.
    pub fn new(service: impl Into<String>, clock: Clock, output: Option<Output>, exporter: Option<Exporter>) -> Self {
        Recorder(Arc::new(Inner {
            service: service.into(),
            clock,
            logs: Ring::new(LOGS_MAX),
            spans: Ring::new(SPANS_MAX),
            output,
            exporter,
        }))
    }

    /// Records a line and gives it as recorded.
    pub fn log(&self, level: LogLevel, message: &str, meta: Option<Json>, trace_id: Option<String>) -> LogEntry {
        let entry = LogEntry {
            id: Uuid::now_v7().to_string(),
            timestamp: Timestamp(self.0.clock.now()),
            level,
            message: cut(message).to_owned(),
            service: self.0.service.clone(),
            meta,
            trace_id,
        };
        if let Some(output) = &self.0.output {
            output.write(&entry);
        }
        if let Some(exporter) = &self.0.exporter {
            exporter.log(&entry);
        }
        self.0.logs.push(entry.clone());
        entry
    }

    /// Records a span that has ended.
    pub fn span(&self, span: SpanRecord) {
        if let Some(exporter) = &self.0.exporter {
            exporter.span(&span);
        }
        self.0.spans.push(span);
    }

    /// The lines kept.
    pub fn logs(&self) -> &Ring<LogEntry> {
        &self.0.logs
    }

    /// The spans kept.
    pub fn spans(&self) -> &Ring<SpanRecord> {
        &self.0.spans
    }

    /// The service's registry name.
    pub fn service(&self) -> &str {
        &self.0.service
    }

    /// The clock that stamps.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Where lines go beside the ring.
    pub fn output(&self) -> Option<Output> {
        self.0.output.clone()
    }

    /// Where lines and spans are exported to.
    pub fn exporter(&self) -> Option<&Exporter> {
        self.0.exporter.as_ref()
    }

    /// Sends what waits to be exported. Blocks; call it from a blocking thread.
    pub fn flush(&self) {
        if let Some(exporter) = &self.0.exporter {
            exporter.flush();
        }
    }
}

fn cut(message: &str) -> &str {
    if message.len() <= MESSAGE_MAX_BYTES {
        return message;
    }
    &message[..message.floor_char_boundary(MESSAGE_MAX_BYTES)]
}
