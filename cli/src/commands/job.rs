//! `blackroad job create|show|wait|cancel|retry|pause|resume`.

use std::time::Duration;

use anyhow::Result;
use reqwest::Method;
use syscall_sdk::wire::{self, Json};

use super::wait;
use crate::args::{CreateJob, Job, OneJob, OnePause, PauseJobs, RetryJob};
use crate::input;
use crate::print::{self, BAD, DIM, NAME};
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, machine: bool, job: Job) -> Result<()> {
    let job = match job {
        Job::Create(create) => self::create(remote, create).await?,
        Job::Show(one) => act(remote, Method::GET, one, "").await?,
        Job::Wait(wait) => return wait::job(remote, machine, wait).await,
        Job::Cancel(one) => act(remote, Method::POST, one, "/cancel").await?,
        Job::Retry(retry) => self::retry(remote, retry).await?,
        Job::Pause(pause) => return self::pause(remote, machine, pause).await,
        Job::Resume(one) => return resume(remote, machine, &one).await,
    };
    if machine {
        return print::json(&job);
    }
    show(&job)
}

async fn create(remote: &Remote, create: CreateJob) -> Result<wire::Job> {
    let params = create.params.as_deref().map(input::json).transpose()?;
    let body = wire::CreateJob {
        name: create.name,
        params,
        schedule: create.cron,
        timezone: create.tz,
        catch_up: create.catch_up,
        overlap: create.overlap,
        delay: create.delay.map(millis),
        max_attempts: create.attempts,
        timeout: create.timeout.map(millis),
        max_elapsed: create.within.map(millis),
        priority: create.priority,
        concurrency_key: create.concurrency_key,
        concurrency_limit: create.concurrency_limit,
        start_within: create.start_within.map(millis),
        heartbeat: create.heartbeat.map(millis),
        unique: create.unique.map(|key| wire::Unique {
            key,
            mode: create.mode.unwrap_or_default(),
            window: create.window.map(millis),
        }),
        ..wire::CreateJob::default()
    };
    remote.post(&create.service, "/v1/sys/job", &body).await
}

async fn retry(remote: &Remote, retry: RetryJob) -> Result<wire::Job> {
    let params = retry.params.as_deref().map(input::json).transpose()?;
    let edit = wire::RetryJob {
        params,
        max_attempts: retry.attempts,
        run_at: None,
        delay: retry.delay.map(millis),
    };
    let path = format!("/v1/sys/job/{}/retry", segment(&retry.one.id));
    remote.post(&retry.one.service, &path, &edit).await
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

async fn act(remote: &Remote, method: Method, one: OneJob, action: &str) -> Result<wire::Job> {
    let path = format!("/v1/sys/job/{}{action}", segment(&one.id));
    remote
        .send(&one.service, remote.request(method, &one.service, &path)?)
        .await?
        .read()
}

async fn pause(remote: &Remote, machine: bool, pause: PauseJobs) -> Result<()> {
    let why = wire::PauseJobs {
        reason: pause.reason,
        by: pause.by,
    };
    let path = pause_path(&pause.one, "pause");
    let paused: wire::Pause = remote.post(&pause.one.service, &path, &why).await?;
    match machine {
        true => print::json(&paused),
        false => print::line(format!("{} is paused", paused.of)),
    }
}

async fn resume(remote: &Remote, machine: bool, one: &OnePause) -> Result<()> {
    let path = pause_path(one, "resume");
    let over: wire::Pause = remote.post(&one.service, &path, &serde_json::json!({})).await?;
    match machine {
        true => print::json(&over),
        false => print::line(format!("{} goes on; it was paused {}", over.of, print::age(over.since))),
    }
}

fn pause_path(one: &OnePause, verb: &str) -> String {
    let family = if one.schedule { "job" } else { "jobs" };
    format!("/v1/sys/{family}/{}/{verb}", segment(&one.of))
}

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    text.bytes()
        .map(|byte| {
            if harmless(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Why, by whom and since when, as far as it is known.
pub(super) fn remark(pause: &wire::Pause) -> String {
    let by = pause.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let reason = pause
        .reason
        .as_ref()
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    format!("paused {}{by}{reason}", print::age(pause.since))
}

/// What a pending job waits for, where that is known.
pub(super) fn waits(job: &wire::Job) -> Option<String> {
    let key = job.waiting_for.as_ref()?.key.as_ref()?;
    Some(format!("waits for its turn with key {key}"))
}

/// Prints a job with everything that is known of it.
pub(super) fn show(job: &wire::Job) -> Result<()> {
    let mut line = format!("{NAME}{}{NAME:#} {} {}", job.name, job.id, job.status);
    if let (Some(attempt), Some(most)) = (job.attempt, job.max_attempts) {
        line.push_str(&format!(", attempt {attempt} of {most}"));
    }
    print::line(line)?;
    let field = |name: &str, value: Option<String>| match value {
        Some(value) => print::line(format!("  {DIM}{name:9}{DIM:#} {value}")),
        None => Ok(()),
    };
    let text = |json: &Option<Json>| json.as_ref().map(|json| json.text().to_owned());
    let moment = |at: Option<wire::Timestamp>| at.map(|at| format!("{at} ({})", print::age(at)));
    field("params", text(&job.params))?;
    field("schedule", job.schedule.clone())?;
    field("next", moment(job.next_run))?;
    field("created", moment(Some(job.created_at)))?;
    field("due", moment(job.run_at.filter(|_| !job.status.ended())))?;
    field("paused", job.paused.as_ref().map(remark))?;
    let key = job.concurrency_key.as_ref();
    field(
        "key",
        key.map(|key| format!("{key}, {} at a time", job.concurrency_limit.unwrap_or(1))),
    )?;
    field("pending", waits(job))?;
    field(
        "begins by",
        moment(job.start_by.filter(|_| !job.status.ended() && job.started_at.is_none())),
    )?;
    field("made of", job.redrive_of.clone())?;
    field("made anew", job.redriven_as.clone())?;
    field("until", moment(job.deadline.filter(|_| !job.status.ended())))?;
    field("started", moment(job.started_at))?;
    field("ended", moment(job.completed_at))?;
    field("progress", text(&job.progress))?;
    field("result", text(&job.result))?;
    field(
        "error",
        job.error.as_ref().map(|error| format!("{BAD}{}{BAD:#}", error.message)),
    )?;
    for attempt in job.attempts.iter().flatten() {
        let took = (attempt.ended_at.0 - attempt.started_at.0).as_seconds_f64() * 1_000.0;
        let why = attempt.error.as_ref().map_or("", |error| error.message.as_str());
        let what = format!("{} after {took:.0} ms {why}", attempt.outcome);
        field(
            &format!("attempt {}", attempt.attempt),
            Some(what.trim_end().to_owned()),
        )?;
    }
    Ok(())
}
