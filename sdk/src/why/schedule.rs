//! The story of a cron schedule.

use chrono::{DateTime, Utc};

use super::Teller;
use super::story::{Story, wait};
use crate::error::Result;
use crate::store::{Job, JobQuery, Schedule};
use crate::wire::{LogLevel, Overlap, Timestamp, Why, WhyKind};

/// Jobs of a schedule that are told, the latest: enough to see whether it does what it should.
const JOBS: usize = 10;

impl Teller<'_> {
    pub(super) async fn of_schedule(&self, schedule: Schedule) -> Result<Why> {
        let query = JobQuery {
            schedule_id: Some(schedule.id.clone()),
            limit: JOBS,
            ..JobQuery::default()
        };
        let jobs = self.store.jobs(query).await?;
        let pauses = self.jobs.pauses().await?;
        let mut story = Story::new(WhyKind::Schedule, &schedule.id, &schedule.name);
        let (cron, zone) = (&schedule.cron, &schedule.timezone);
        story.fact(schedule.created_at, "created", format!("created: {cron:?} in {zone}"));
        for job in &jobs {
            story.fact(
                job.created_at,
                "ticked",
                format!("a tick made job {}, which is {}", job.id, job.status),
            );
            story.link("made", job.id.clone());
        }
        let passed = schedule
            .last_run
            .and_then(|tick| passed_over(&schedule, tick, jobs.first()));
        if let (Some(tick), Some(why)) = (schedule.last_run, &passed) {
            story.grave(LogLevel::Warn, tick, "skipped", format!("this tick made no job: {why}"));
        }
        if let Some(at) = schedule.cancelled_at {
            story.grave(LogLevel::Warn, at, "cancelled", "cancelled: it ticks no more");
        }
        let name = &schedule.name;
        if schedule.cancelled_at.is_none()
            && let Some(pause) = pauses.schedule(&schedule.id)
        {
            let by = pause.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            let why = pause.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            let since = pause.since;
            let what = format!(
                "It is paused{by}{why} since {since}; resume it with POST /v1/sys/job/{}/resume.",
                schedule.id
            );
            story.wait(wait("paused", what, None));
        } else if let Some(next) = schedule.next_run {
            story.wait(wait("tick", "It waits for its next tick.", Some(next)));
        }
        if !self.jobs.names().contains(name.as_str()) {
            let what =
                format!("This service has no handler of that name {name:?}, so the jobs that it makes do not run.");
            story.wait(wait("handler", what, None));
        }
        let summary = match (schedule.cancelled_at, story.waits().first(), passed) {
            (Some(at), ..) => format!("The schedule of {name} was cancelled at {}.", Timestamp(at)),
            (None, Some(first), _) if first.code == "paused" => {
                format!("The schedule of {name} is held back. {}", first.what)
            }
            (None, _, Some(why)) => format!("The latest tick of {name} made no job: {why}."),
            (None, Some(first), None) => match first.until {
                Some(next) => format!("{name} runs by {cron:?} in {zone}, next at {next}."),
                None => format!("The schedule of {name} waits. {}", first.what),
            },
            (None, None, None) => format!("The schedule of {name} names no moment that is yet to come."),
        };
        Ok(story.told(summary))
    }
}

/// Why the latest tick made no job, where it made none. `newest` is the schedule's newest job.
fn passed_over(schedule: &Schedule, tick: DateTime<Utc>, newest: Option<&Job>) -> Option<String> {
    let Some(newest) = newest else {
        return Some("it was missed, or the jobs that it made are no longer kept".to_owned());
    };
    if newest.created_at >= tick {
        return None;
    }
    let lived = newest.completed_at.is_none_or(|ended| ended >= tick);
    Some(match (lived, schedule.overlap) {
        (true, Overlap::Skip | Overlap::Buffer) => format!(
            "job {} of an earlier tick still lived, and overlap says to skip",
            newest.id
        ),
        _ => "the service was not there when it passed, and catchUp says to leave missed ones out".to_owned(),
    })
}
