use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use serde::Serialize;

use crate::name::misleads;
use crate::wire::{Json, LogEntry, LogLevel, Timestamp};

/// Lines that may wait for standard output; past it they are dropped and counted, since a stopped terminal must not stop the service.
const WAITING_MAX: usize = 8_192;

/// How lines look on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, whatever bytes arrive.
    Json,
    /// For people.
    Pretty,
}

/// Writes lines to standard output from a thread of its own. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Output {
    format: Format,
    lines: SyncSender<Line>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Line {
    Text(String),
    Flush(SyncSender<()>),
}

impl Output {
    /// Starts the writer. Its thread ends when the last clone is dropped.
    pub fn start(format: Format) -> (Self, JoinHandle<()>) {
        let (lines, waiting) = sync_channel(WAITING_MAX);
        let writer = std::thread::Builder::new()
            .name("log-output".to_owned())
            .stack_size(128 * 1024)
            .spawn(move || write_lines(&waiting))
            .expect("a process that cannot start one thread cannot run a service");
        (
            Output {
                format,
                lines,
                dropped: Arc::default(),
            },
            writer,
        )
    }

    /// Queues a line; drops and counts it where too many wait.
    pub fn write(&self, entry: &LogEntry) {
        let text = match self.format {
            Format::Json => json_line(entry),
            Format::Pretty => pretty_line(entry),
        };
        if let Err(TrySendError::Full(_)) = self.lines.try_send(Line::Text(text)) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines were dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until what was queued is written. Blocks.
    pub fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.lines.send(Line::Flush(done)).is_ok() {
            // The writer answers or is gone; either way there is nothing left to wait for.
            let _ = written.recv();
        }
    }
}

fn write_lines(waiting: &Receiver<Line>) {
    // Locked for each write alone: who prints beside the log, such as a table, must get its turn.
    let mut out = io::stdout();
    while let Ok(line) = waiting.recv() {
        match line {
            // A closed standard output is no reason to stop: the rings still hold the lines.
            Line::Text(text) => drop(out.write_all(text.as_bytes())),
            Line::Flush(done) => {
                let _ = out.flush();
                let _ = done.send(());
            }
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonLine<'a> {
    timestamp: Timestamp,
    level: LogLevel,
    service: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Json>,
}

fn json_line(entry: &LogEntry) -> String {
    let line = JsonLine {
        timestamp: entry.timestamp,
        level: entry.level,
        service: &entry.service,
        message: &entry.message,
        trace_id: entry.trace_id.as_deref(),
        meta: entry.meta.as_ref(),
    };
    let text = serde_json::to_string(&line).unwrap_or_default();
    // Only between the tokens of `meta`, which stands as it came, can there be any; in a text they are escaped.
    let mut text = text.replace(['\n', '\r'], " ");
    text.push('\n');
    text
}

fn pretty_line(entry: &LogEntry) -> String {
    let (mark, reset, quiet) = match entry.level {
        LogLevel::Debug => ("\x1b[2m", "\x1b[0m", "\x1b[2m"),
        LogLevel::Info => ("\x1b[32m", "\x1b[0m", "\x1b[2m"),
        LogLevel::Warn => ("\x1b[33m", "\x1b[0m", "\x1b[2m"),
        LogLevel::Error | LogLevel::Fatal => ("\x1b[31m", "\x1b[0m", "\x1b[2m"),
    };
    let mut text = format!(
        "{quiet}{}{reset} {mark}{:5}{reset} {quiet}{:24}{reset} {}",
        entry.timestamp.0.format("%H:%M:%S%.3f"),
        entry.level,
        entry.service,
        printable(&entry.message),
    );
    if let Some(serde_json::Value::Object(meta)) = entry.meta.as_ref().map(Json::value) {
        for (name, value) in meta {
            let name = printable(&name);
            // Writing to a String cannot fail.
            let _ = match value {
                serde_json::Value::String(value) => write!(text, " {quiet}{name}={reset}{}", printable(&value)),
                other => write!(text, " {quiet}{name}={reset}{other}"),
            };
        }
    }
    text.push('\n');
    text
}

/// Control characters shown, not obeyed: a log line must not move the reader's cursor, nor turn what stands beside it.
fn printable(text: &str) -> String {
    text.chars().map(|c| if misleads(c) { '\u{fffd}' } else { c }).collect()
}
