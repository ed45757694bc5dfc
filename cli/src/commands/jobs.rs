//! `blackroad jobs SERVICE [--status] [--name] [--schedules]` and `blackroad jobs retry SERVICE`.

use anyhow::Result;
use syscall_sdk::clock::Clock;
use syscall_sdk::wire::{self, Job, RetriedJobs, Schedules, Timestamp};

use crate::args::{Jobs, JobsAction, RetryJobs};
use crate::print;
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, machine: bool, jobs: Jobs) -> Result<()> {
    if let Some(JobsAction::Retry(retry)) = jobs.action {
        return self::retry(remote, machine, retry).await;
    }
    let service = jobs.service.unwrap_or_default();
    if jobs.schedules {
        return schedules(remote, machine, &service).await;
    }
    let query = [
        ("status", jobs.status.map(|status| status.to_string())),
        ("name", jobs.name),
        ("limit", Some(jobs.limit.to_string())),
    ];
    let found: syscall_sdk::wire::Jobs = remote.get(&service, "/v1/sys/jobs", &query).await?;
    if machine {
        return print::json(&found);
    }
    if found.jobs.is_empty() {
        return print::line("no jobs");
    }
    let mut table = print::table(&["id", "name", "status", "attempt", "created", ""]);
    for job in &found.jobs {
        table.add_row([
            job.id.as_str().into(),
            job.name.as_str().into(),
            print::job_status(job.status),
            attempts(job).into(),
            print::age(job.created_at).into(),
            remark(job).into(),
        ]);
    }
    print::show(&table)?;
    match found.cursor {
        Some(_) => print::line(format!("… and older ones; -n asks for more than {}", jobs.limit)),
        None => Ok(()),
    }
}

/// Jobs that one request looks at.
const SLICE: usize = 500;

async fn retry(remote: &Remote, machine: bool, retry: RetryJobs) -> Result<()> {
    let before = retry.before.map(|age| Timestamp(Clock::system().now() - age));
    let mut left = retry.limit.unwrap_or(usize::MAX);
    let mut all = RetriedJobs {
        retried: 0,
        left: 0,
        cursor: None,
    };
    while left > 0 {
        let slice = wire::RetryJobs {
            name: retry.name.clone(),
            status: Some(retry.status),
            before,
            limit: Some(left.min(SLICE)),
            cursor: all.cursor.take(),
        };
        let done: RetriedJobs = remote.post(&retry.service, "/v1/sys/jobs/retry", &slice).await?;
        left = left.saturating_sub(done.retried + done.left);
        all = RetriedJobs {
            retried: all.retried + done.retried,
            left: all.left + done.left,
            cursor: done.cursor,
        };
        if all.cursor.is_none() {
            break;
        }
    }
    if machine {
        return print::json(&all);
    }
    let kept = match all.left {
        0 => String::new(),
        left => format!("; {left} left as they are"),
    };
    print::line(format!("{} {} jobs are queued anew{kept}", all.retried, retry.status))
}

/// `2/5`: how often it was started, and how many failures end it.
fn attempts(job: &Job) -> String {
    match (job.attempt, job.max_attempts) {
        (Some(attempt), Some(most)) => format!("{attempt}/{most}"),
        _ => String::new(),
    }
}

/// What a person would want to know next.
fn remark(job: &Job) -> String {
    if let Some(pause) = &job.paused {
        return super::job::remark(pause);
    }
    if let Some(waits) = super::job::waits(job) {
        return waits;
    }
    if let Some(error) = &job.error {
        return print::short(&error.message, 60);
    }
    if let Some(progress) = &job.progress {
        return print::short(progress.text(), 60);
    }
    match job.run_at {
        Some(at) if !job.status.ended() && job.started_at.is_none() => format!("due {}", print::age(at)),
        _ => String::new(),
    }
}

async fn schedules(remote: &Remote, machine: bool, service: &str) -> Result<()> {
    let found: Schedules = remote.get(service, "/v1/sys/schedules", &[]).await?;
    if machine {
        return print::json(&found);
    }
    if found.schedules.is_empty() {
        return print::line("no schedules");
    }
    let mut table = print::table(&["id", "name", "schedule", "time zone", "next", "last", ""]);
    for schedule in found.schedules {
        table.add_row([
            schedule.id,
            schedule.name,
            schedule.schedule,
            schedule.timezone,
            schedule.next_run.map(print::age).unwrap_or_default(),
            schedule.last_run.map(print::age).unwrap_or_default(),
            schedule.paused.as_ref().map(super::job::remark).unwrap_or_default(),
        ]);
    }
    print::show(&table)
}
