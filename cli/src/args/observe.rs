//! Looking into what happened: logs, traces, stories.

use clap::Args as ClapArgs;
use syscall_sdk::wire::LogLevel;

use super::read::parsed;

#[derive(Debug, ClapArgs)]
pub(crate) struct Logs {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Stay, and print lines as they come.
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Exactly this level.
    #[arg(long, value_parser = parsed::<LogLevel>)]
    pub(crate) level: Option<LogLevel>,
    /// Only lines that hold this text, whatever its case.
    #[arg(long, value_name = "TEXT")]
    pub(crate) grep: Option<String>,
    /// Only lines of this trace.
    #[arg(long, value_name = "ID")]
    pub(crate) trace: Option<String>,
    /// The latest so many, at most 1,000.
    #[arg(short = 'n', long = "lines", default_value_t = 100)]
    pub(crate) lines: usize,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Traces {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Only those that took at least so many milliseconds here.
    #[arg(long, value_name = "MS")]
    pub(crate) min: Option<f64>,
    /// Only those with an error.
    #[arg(long)]
    pub(crate) error: bool,
    /// At most so many.
    #[arg(short = 'n', long, default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Trace {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The trace's id.
    pub(crate) id: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Why {
    /// The id of a job, a schedule, a run, an event or a dead letter.
    pub(crate) id: String,
    /// Only ask this service, by key or name; all of them where none is named.
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<String>,
}
