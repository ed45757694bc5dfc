//! What a service says of itself while it runs: lines, spans and figures, kept in bounded rings and written out once.
//!
//! One subscriber serves the process ([`install`]); its layer finds the kernel that a span belongs to by the [`Recorder`] that hangs on
//! the span's ancestors, so nine kernels share a process without sharing a line.

mod export;
mod histogram;
mod layer;
mod output;
mod recorder;
mod ring;
mod span;
mod trace;

pub use export::{Exporter, Otlp};
pub use histogram::{Histogram, Quantiles, Snapshot};
pub use layer::{current_trace, install, join_trace, mark_error, root_span, set_level, trace_of};
pub use output::{Format, Output};
pub use recorder::{LOGS_MAX, MESSAGE_MAX_BYTES, Recorder, SPANS_MAX};
pub use ring::Ring;
pub use span::SpanRecord;
pub use trace::{SpanId, TraceContext, TraceId};
