//! The process's one subscriber, and how it tells nine kernels apart.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Instant;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Span, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::span::Words;
use super::{Recorder, SpanId, SpanRecord, TraceContext};
use crate::wire::{Json, LogLevel, SpanStatus, Timestamp};

/// Libraries whose own chatter below a warning is no service's business.
const QUIET: [&str; 8] = [
    "hyper",
    "h2",
    "reqwest",
    "hickory",
    "rustls",
    "tantivy",
    "opentelemetry",
    "tower",
];

/// Makes the kernel's subscriber the process's, showing nothing below `level`. Where the process has one already, it stays:
/// tests start many hosts.
pub fn install(level: LogLevel) {
    let layer = KernelLayer {
        level: AtomicU8::new(level as u8),
    };
    // Only the first host of a process can; the next find it in place.
    let _ = tracing::subscriber::set_global_default(Registry::default().with(layer));
}

/// Shows nothing below another level from now on, where the process's subscriber is the kernel's.
pub fn set_level(level: LogLevel) {
    tracing::dispatcher::get_default(|dispatch| {
        if let Some(layer) = dispatch.downcast_ref::<KernelLayer>() {
            layer.level.store(level as u8, Ordering::Relaxed);
        }
    });
    // Each place that logs remembers whether it is wanted.
    tracing::callsite::rebuild_interest_cache();
}

/// The span under which everything of one service runs; what is logged beneath it lands in `recorder`. It is not recorded itself.
pub fn root_span(recorder: &Recorder) -> Span {
    let span = tracing::info_span!(target: "syscall", parent: None, "service");
    span.with_subscriber(|(id, dispatch)| {
        if let Some(registry) = dispatch.downcast_ref::<Registry>()
            && let Some(span) = registry.span(id)
        {
            span.extensions_mut().insert(Kept {
                recorder: recorder.clone(),
                open: None,
            });
        }
    });
    span
}

/// Puts the span into a trace: as the child of a remote span, or as the first of a new one.
pub fn join_trace(span: &Span, parent: Option<TraceContext>) {
    let Some(parent) = parent else { return };
    with_kept(span, |kept| {
        if let Some(open) = &mut kept.open {
            open.context = TraceContext {
                span: open.context.span,
                ..parent
            };
            open.parent = Some(parent.span);
        }
    });
}

/// Where the span stands in its trace, as what to send onward; `None` where it is disabled or outside any service.
pub fn trace_of(span: &Span) -> Option<TraceContext> {
    with_kept(span, |kept| kept.open.as_ref().map(|open| open.context)).flatten()
}

/// Where the current span stands in its trace.
pub fn current_trace() -> Option<TraceContext> {
    trace_of(&Span::current())
}

/// Marks the span as ended in an error.
pub fn mark_error(span: &Span, what: &str) {
    with_kept(span, |kept| {
        if let Some(open) = &mut kept.open {
            open.status = SpanStatus::Error;
            open.words.add("error", what);
        }
    });
}

fn with_kept<R>(span: &Span, look: impl FnOnce(&mut Kept) -> R) -> Option<R> {
    span.with_subscriber(|(id, dispatch)| {
        let registry = dispatch.downcast_ref::<Registry>()?;
        let span = registry.span(id)?;
        let mut extensions = span.extensions_mut();
        extensions.get_mut::<Kept>().map(look)
    })
    .flatten()
}

/// What hangs on a span of a service.
struct Kept {
    recorder: Recorder,
    /// `None` for the service's root span, which never ends while the service lives.
    open: Option<Open>,
}

struct Open {
    context: TraceContext,
    parent: Option<SpanId>,
    start: Instant,
    at: Timestamp,
    status: SpanStatus,
    words: Words,
}

struct KernelLayer {
    /// A [`LogLevel`]; asked only where a place that logs is met for the first time, or the level changes.
    level: AtomicU8,
}

impl KernelLayer {
    fn wanted(&self, metadata: &Metadata<'_>) -> bool {
        let own = tracing_level(self.level.load(Ordering::Relaxed));
        let foreign = QUIET.iter().any(|library| metadata.target().starts_with(library));
        let most = if foreign { Level::WARN.min(own) } else { own };
        // A span is the carrier of its service: it stays even where only errors are shown.
        (metadata.is_span() && !foreign && *metadata.level() <= Level::INFO) || *metadata.level() <= most
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for KernelLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wanted(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.wanted(metadata)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let Some((recorder, above)) = span.parent().and_then(|parent| {
            let extensions = parent.extensions();
            let kept = extensions.get::<Kept>()?;
            Some((kept.recorder.clone(), kept.open.as_ref().map(|open| open.context)))
        }) else {
            return;
        };
        let mut words = Words::default();
        attributes.record(&mut words);
        let own = SpanId::random();
        let open = Open {
            context: above.unwrap_or_default().at(own),
            parent: above.map(|above| above.span),
            start: Instant::now(),
            at: Timestamp(recorder.clock().precise()),
            status: SpanStatus::Ok,
            words,
        };
        span.extensions_mut().insert(Kept {
            recorder,
            open: Some(open),
        });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        if let Some(Kept { open: Some(open), .. }) = extensions.get_mut::<Kept>() {
            values.record(&mut open.words);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else { return };
        let found = {
            let extensions = span.extensions();
            extensions.get::<Kept>().map(|kept| {
                (
                    kept.recorder.clone(),
                    kept.open.as_ref().map(|open| open.context.trace.to_string()),
                )
            })
        };
        let Some((recorder, trace_id)) = found else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields
            .message
            .take()
            .unwrap_or_else(|| event.metadata().name().to_owned());
        let meta = (!fields.values.is_empty())
            .then(|| Json::of(&fields.values).ok())
            .flatten();
        recorder.log(wire_level(*event.metadata().level()), &message, meta, trace_id);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(Kept {
            recorder,
            open: Some(open),
        }) = span.extensions_mut().remove::<Kept>()
        else {
            return;
        };
        recorder.span(SpanRecord {
            context: open.context,
            parent: open.parent,
            start: open.at,
            took: open.start.elapsed(),
            status: open.status,
            given_name: span.name(),
            words: open.words,
        });
    }
}

/// What a line of log says, beside its message: JSON of the kind that was given.
#[derive(Default)]
struct Fields {
    message: Option<String>,
    values: BTreeMap<&'static str, Value>,
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.values.insert(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.values.insert(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.values.insert(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.values.insert(field.name(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}"));
    }
}

impl Fields {
    fn keep(&mut self, field: &Field, value: String) {
        if field.name() == "message" {
            self.message = Some(value);
        } else {
            self.values.insert(field.name(), value.into());
        }
    }
}

/// Of a [`LogLevel`] as a number.
fn tracing_level(level: u8) -> Level {
    match level {
        level if level == LogLevel::Debug as u8 => Level::DEBUG,
        level if level == LogLevel::Info as u8 => Level::INFO,
        level if level == LogLevel::Warn as u8 => Level::WARN,
        _ => Level::ERROR,
    }
}

fn wire_level(level: Level) -> LogLevel {
    match level {
        Level::TRACE | Level::DEBUG => LogLevel::Debug,
        Level::INFO => LogLevel::Info,
        Level::WARN => LogLevel::Warn,
        Level::ERROR => LogLevel::Error,
    }
}
