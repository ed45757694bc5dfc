//! Jobs and their schedules.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};
use syscall_sdk::wire::{CatchUp, JobStatus, Overlap, UniqueMode};

use super::read::{duration, parsed, word};

#[derive(Debug, ClapArgs)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Jobs {
    #[command(subcommand)]
    pub(crate) action: Option<JobsAction>,
    /// The service, by key or name.
    #[arg(required = true)]
    pub(crate) service: Option<String>,
    /// Only of this status.
    #[arg(long, value_parser = parsed::<JobStatus>)]
    pub(crate) status: Option<JobStatus>,
    /// Only of this name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The schedules instead of the jobs.
    #[arg(long)]
    pub(crate) schedules: bool,
    /// At most so many.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JobsAction {
    /// Queue dead jobs anew, the newest first.
    Retry(RetryJobs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RetryJobs {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Those that are failed, or cancelled.
    #[arg(long, default_value = "failed", value_parser = parsed::<JobStatus>)]
    pub(crate) status: JobStatus,
    /// Only of this name.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Only those that ended so long ago or longer, such as 10m, 2h, 7d.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) before: Option<Duration>,
    /// At most so many are looked at; all of them unless said.
    #[arg(short = 'n', long)]
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    /// Create a job, or with --cron a schedule.
    Create(CreateJob),
    /// Show a job with its attempts, or a schedule.
    Show(OneJob),
    /// Wait until a job has ended; fails where it did or was cancelled.
    Wait(WaitJob),
    /// Cancel a job at once, running or not; or end a schedule.
    Cancel(OneJob),
    /// Queue a failed or cancelled job anew; with an edit, make another of it.
    Retry(RetryJob),
    /// Begin no more jobs of a name, or let a schedule tick no more, until it is resumed.
    Pause(PauseJobs),
    /// End a pause.
    Resume(OnePause),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PauseJobs {
    #[command(flatten)]
    pub(crate) one: OnePause,
    /// Why, for whoever wonders.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Who says so.
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OnePause {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The name of the jobs, or with --schedule the id of a schedule.
    pub(crate) of: String,
    /// A schedule, and not the jobs of a name.
    #[arg(long)]
    pub(crate) schedule: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CreateJob {
    /// The service, by key or name.
    pub(crate) service: String,
    /// Which handler runs it.
    pub(crate) name: String,
    /// What the handler is given, as JSON; `-` reads it from standard input.
    pub(crate) params: Option<String>,
    /// Not before so long from now, such as 30s, 10m, 2h.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) delay: Option<Duration>,
    /// A cron expression: each tick makes a job.
    #[arg(long, value_name = "EXPRESSION")]
    pub(crate) cron: Option<String>,
    /// The IANA time zone of the expression; UTC unless said.
    #[arg(long, requires = "cron", value_name = "ZONE")]
    pub(crate) tz: Option<String>,
    /// What becomes of ticks that were missed: none, last or all.
    #[arg(long, requires = "cron", value_parser = word::<CatchUp>, value_name = "POLICY")]
    pub(crate) catch_up: Option<CatchUp>,
    /// What a tick does while a job of an earlier one lives: allow, skip or buffer.
    #[arg(long, requires = "cron", value_parser = word::<Overlap>, value_name = "POLICY")]
    pub(crate) overlap: Option<Overlap>,
    /// How many failures end it.
    #[arg(long, value_name = "N")]
    pub(crate) attempts: Option<u32>,
    /// The longest that one attempt may take, such as 90s.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) timeout: Option<Duration>,
    /// The longest that it may live in all, such as 2h: past it nothing is tried any more.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) within: Option<Duration>,
    /// -1000 to 1000; higher runs first, each step as a minute of waiting.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) priority: Option<i32>,
    /// How long it may wait to begin, such as 5m: past it, it fails without having run.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) start_within: Option<Duration>,
    /// The longest that an attempt may be silent, such as 30s.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) heartbeat: Option<Duration>,
    /// A key of which there are not to be many jobs: while one lives, no second one is made.
    #[arg(long, value_name = "KEY")]
    pub(crate) unique: Option<String>,
    /// What becomes of a second one: ignore, replace, earliest, debounce or throttle.
    #[arg(long, requires = "unique", value_parser = word::<UniqueMode>, value_name = "MODE")]
    pub(crate) mode: Option<UniqueMode>,
    /// With --mode throttle: there is one in each such length of time.
    #[arg(long, requires = "mode", value_parser = duration, value_name = "AGE")]
    pub(crate) window: Option<Duration>,
    /// Of the jobs with this key only so many run at a time.
    #[arg(long, value_name = "KEY")]
    pub(crate) concurrency_key: Option<String>,
    /// With how many of its key it runs at most; 1 unless said.
    #[arg(long, requires = "concurrency_key", value_name = "N")]
    pub(crate) concurrency_limit: Option<u32>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct OneJob {
    /// The service, by key or name.
    pub(crate) service: String,
    /// The job's id.
    pub(crate) id: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RetryJob {
    #[command(flatten)]
    pub(crate) one: OneJob,
    /// What the handler is given instead, as JSON; `-` reads it from standard input.
    #[arg(long, value_name = "JSON")]
    pub(crate) params: Option<String>,
    /// How many failures end it instead.
    #[arg(long, value_name = "N")]
    pub(crate) attempts: Option<u32>,
    /// Not before so long from now, such as 30s, 10m, 2h.
    #[arg(long, value_parser = duration, value_name = "AGE")]
    pub(crate) delay: Option<Duration>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct WaitJob {
    #[command(flatten)]
    pub(crate) one: OneJob,
    /// At most so long, such as 30s, 10m, 2h; as long as it takes unless said.
    #[arg(long = "for", value_parser = duration, value_name = "AGE")]
    pub(crate) most: Option<Duration>,
}
