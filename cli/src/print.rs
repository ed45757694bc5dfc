//! How answers are printed: JSON for programs, tables and plain words for people, colour on a terminal alone.

use std::fmt;
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use comfy_table::{Cell, Color, Table, presets};
use serde::Serialize;
use serde_json::Value;
use syscall_sdk::clock::Clock;
use syscall_sdk::name::misleads;
use syscall_sdk::wire::{HealthStatus, JobStatus, Json, LogLevel, Timestamp, WorkflowStatus};

/// Less than what matters.
pub(crate) const DIM: Style = Style::new().dimmed();
/// A name in a line.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// Something is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
/// Something may be wrong.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// All is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();

/// Whoever reads our output has gone: no failure, and nothing more to do.
#[derive(Debug)]
pub(crate) struct ReaderGone;

impl fmt::Display for ReaderGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output was closed")
    }
}

impl std::error::Error for ReaderGone {}

/// Prints a line; a style in it shows on a terminal alone.
pub(crate) fn line(text: impl fmt::Display) -> Result<()> {
    let mut out = anstream::stdout().lock();
    written(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// Prints one JSON document on one line.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<()> {
    line(serde_json::to_string(value)?)
}

/// Prints a JSON value for a person.
pub(crate) fn pretty(value: &Value) -> Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// Prints a stored value for a person: laid out where that loses nothing, else as it was written, since a tree rounds long numbers and
/// keeps one of two members of a name.
pub(crate) fn stored(json: &Json) -> Result<()> {
    let tree = json.value();
    if Json::of(&tree).is_ok_and(|again| again.text() == json.text()) {
        pretty(&tree)
    } else {
        line(json.text())
    }
}

fn written(outcome: io::Result<()>) -> Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        other => Ok(other?),
    }
}

/// A table without borders.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().map(|title| Cell::new(title).fg(Color::DarkGrey)));
    if !coloured() {
        table.force_no_tty();
    }
    table
}

/// Prints a table, its lines without trailing blanks.
pub(crate) fn show(table: &Table) -> Result<()> {
    line(
        table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n"),
    )
}

/// Whether standard output shows colour.
pub(crate) fn coloured() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// A health in its colour; unknown where there is none.
pub(crate) fn health(status: Option<HealthStatus>) -> Cell {
    match status {
        Some(status @ HealthStatus::Healthy) => Cell::new(status.as_str()).fg(Color::Green),
        Some(status @ HealthStatus::Degraded) => Cell::new(status.as_str()).fg(Color::Yellow),
        Some(status @ HealthStatus::Unhealthy) => Cell::new(status.as_str()).fg(Color::Red),
        None => Cell::new("unknown").fg(Color::DarkGrey),
    }
}

/// A job's status in its colour.
pub(crate) fn job_status(status: JobStatus) -> Cell {
    let cell = Cell::new(status.as_str());
    match status {
        JobStatus::Completed => cell.fg(Color::Green),
        JobStatus::Failed => cell.fg(Color::Red),
        JobStatus::Running => cell.fg(Color::Cyan),
        JobStatus::Cancelled => cell.fg(Color::DarkGrey),
        JobStatus::Pending | JobStatus::Queued => cell,
    }
}

/// A run's status in its colour.
pub(crate) fn run_status(status: WorkflowStatus) -> Cell {
    match status {
        WorkflowStatus::Continued => Cell::new(status.as_str()).fg(Color::DarkGrey),
        other => job_status(other.of_job()),
    }
}

/// A level's style.
pub(crate) fn level(level: LogLevel) -> Style {
    match level {
        LogLevel::Debug => DIM,
        LogLevel::Info => GOOD,
        LogLevel::Warn => WARN,
        LogLevel::Error | LogLevel::Fatal => BAD,
    }
}

/// How long ago, or how far off: `3 s ago`, `in 5 min`.
pub(crate) fn age(moment: Timestamp) -> String {
    let seconds = (Clock::system().now() - moment.0).as_seconds_f64();
    if seconds < -0.5 {
        format!("in {}", span(-seconds))
    } else {
        format!("{} ago", span(seconds.max(0.0)))
    }
}

/// A length of time in its largest unit.
pub(crate) fn span(seconds: f64) -> String {
    match seconds {
        // Half a unit less than the next one, so that rounding never says 60 of the smaller.
        s if s < 59.5 => format!("{s:.0} s"),
        s if s < 3_570.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3_600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}

/// The local time of day of a moment is nobody's business in a fleet: UTC, without the date.
pub(crate) fn time_of_day(moment: Timestamp) -> String {
    moment.0.format("%H:%M:%S%.3f").to_string()
}

/// Somebody else's text beside ours: what follows its first line is set in, so that none of it looks like a line of ours, and nothing in it
/// moves the cursor or turns what stands beside it.
pub(crate) fn said(text: &str) -> String {
    let shown = |c| match c {
        '\t' => '\t',
        c if misleads(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    let lines: Vec<String> = text.lines().map(|line| line.chars().map(shown).collect()).collect();
    lines.join("\n    ")
}

/// The first part of a text, where it is long.
pub(crate) fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_elses_text_has_no_line_of_ours() {
        let forged = "ok\n04:30:00.000 error x\u{202e}\t\u{1b}[2J\r\nend";
        assert_eq!(
            said(forged),
            "ok\n    04:30:00.000 error x\u{fffd}\t\u{fffd}[2J\n    end"
        );
        assert_eq!(said("a\rb"), "a\u{fffd}b");
    }

    #[test]
    fn a_span_is_told_in_its_largest_unit() {
        assert_eq!(
            [0.2, 3.0, 59.7, 90.0, 3_599.0, 7_200.0, 400_000.0].map(span),
            ["0 s", "3 s", "1 min", "2 min", "1 h", "2 h", "5 d"]
        );
    }

    #[test]
    fn what_is_long_is_cut_at_a_character() {
        assert_eq!(short("äöüß", 4), "äöüß");
        assert_eq!(short("äöüßx", 4), "äöü…");
    }
}
