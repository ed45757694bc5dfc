//! The service's own lines: written, asked for, followed.

use chrono::{DateTime, Utc};

use crate::error::{Error, Result};
use crate::telemetry::{MESSAGE_MAX_BYTES, Recorder, current_trace};
use crate::wire::{Json, LogEntry, LogLevel};

/// The lines of one service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Logs(Recorder);

/// Which lines are wanted; everything unless said.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// Exactly this level.
    pub level: Option<LogLevel>,
    /// Lines that hold this text, whatever the case.
    pub text: Option<String>,
    /// Only later ones.
    pub since: Option<DateTime<Utc>>,
    /// Only those of a trace.
    pub trace_id: Option<String>,
}

impl Logs {
    /// The lines that a recorder keeps.
    pub fn new(recorder: Recorder) -> Self {
        Logs(recorder)
    }

    /// Writes a line.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the message is empty or longer than 16 KiB.
    pub fn write(&self, level: LogLevel, message: &str, meta: Option<Json>) -> Result<LogEntry> {
        if message.is_empty() || message.len() > MESSAGE_MAX_BYTES {
            return Err(Error::invalid(format!("a message is 1 to {MESSAGE_MAX_BYTES} bytes")));
        }
        let trace = current_trace().map(|context| context.trace.to_string());
        Ok(self.0.log(level, message, meta, trace))
    }

    /// The lines that match, oldest first, and how many there are in all.
    pub fn query(&self, query: &LogQuery, offset: usize, limit: usize) -> (Vec<LogEntry>, usize) {
        self.0.logs().read(|lines| {
            let matching = lines.iter().filter(|line| query.matches(line));
            let total = matching.clone().count();
            (matching.skip(offset).take(limit).cloned().collect(), total)
        })
    }

    /// Follows lines from now on; with `tail`, after the latest so many that match.
    pub fn follow(&self, query: LogQuery, tail: usize) -> FollowLogs {
        let (kept, seen) = self.0.logs().after(0);
        let mut waiting: Vec<_> = kept.into_iter().filter(|line| query.matches(line)).collect();
        waiting.drain(..waiting.len().saturating_sub(tail));
        FollowLogs {
            pushed: self.0.logs().pushed(),
            recorder: self.0.clone(),
            query,
            seen,
            waiting,
        }
    }
}

impl LogQuery {
    fn matches(&self, line: &LogEntry) -> bool {
        self.level.is_none_or(|level| line.level == level)
            && self.since.is_none_or(|since| line.timestamp.0 > since)
            && self
                .trace_id
                .as_ref()
                .is_none_or(|id| line.trace_id.as_ref() == Some(id))
            && self
                .text
                .as_ref()
                .is_none_or(|text| line.message.to_lowercase().contains(&text.to_lowercase()))
    }
}

/// Lines, as they come.
#[derive(Debug)]
pub struct FollowLogs {
    pushed: tokio::sync::watch::Receiver<u64>,
    recorder: Recorder,
    query: LogQuery,
    seen: u64,
    waiting: Vec<LogEntry>,
}

impl FollowLogs {
    /// The next lines, at least one; `None` when the service is gone. Cancel-safe. A reader slower than the ring misses what the ring forgot.
    pub async fn next(&mut self) -> Option<Vec<LogEntry>> {
        loop {
            if !self.waiting.is_empty() {
                return Some(std::mem::take(&mut self.waiting));
            }
            self.pushed.wait_for(|total| *total > self.seen).await.ok()?;
            let (lines, total) = self.recorder.logs().after(self.seen);
            self.seen = total;
            self.waiting = lines.into_iter().filter(|line| self.query.matches(line)).collect();
        }
    }
}
