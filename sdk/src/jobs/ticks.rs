//! Ticks of schedules that are due: which of those that passed make a job, and when the next comes.
//!
//! A tick is taken in the commit that makes its jobs, and refused where another scheduler took it: each is taken once.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Cadence, Jobs, Pauses};
use crate::error::Result;
use crate::store::{self, Batch, Enqueue, JobQuery, Op, Schedule};
use crate::wire::{CatchUp, JobStatus, Overlap};

/// Most ticks that are caught up on, the oldest first: more at once would be a flood that nobody asked for.
const CATCH_UP_MAX: usize = 100;

/// Takes every tick that is due and gives the moment of the next.
pub(super) async fn take(jobs: &Jobs, paused: &Pauses) -> Result<Option<DateTime<Utc>>> {
    let now = jobs.clock.now();
    let mut next: Option<DateTime<Utc>> = None;
    for schedule in jobs.store.schedules().await? {
        // Ticks of a paused one pass; when it goes on, those that did are missed ones.
        let Some(due) = schedule.next_run.filter(|_| paused.schedule(&schedule.id).is_none()) else {
            continue;
        };
        let coming = if due <= now {
            take_tick(jobs, &schedule, due, now).await?
        } else {
            Some(due)
        };
        next = [next, coming].into_iter().flatten().min();
    }
    Ok(next)
}

async fn take_tick(
    jobs: &Jobs,
    schedule: &Schedule,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let cadence = Cadence::parse(&schedule.cron, &schedule.timezone)?;
    let coming = cadence.catch_up(due, now);
    let mut runs = runs(&cadence, schedule.catch_up, due, now, coming);
    runs.truncate(room(jobs, schedule).await?);
    let tick = Op::Tick {
        schedule: schedule.id.clone(),
        from: due,
        next: coming,
    };
    let made = runs.into_iter().map(|run_at| {
        let order = order(schedule, run_at);
        jobs.mind(&order, now);
        Op::Enqueue(Box::new(order))
    });
    let ops = std::iter::once(tick).chain(made).collect();
    match jobs.store.commit(Batch { at: now, ops }).await {
        // Another scheduler took it, or it was cancelled in between.
        Ok(_) | Err(store::Error::Refused { .. }) => Ok(coming),
        Err(error) => Err(error.into()),
    }
}

/// The moments of the jobs that ticks from `due` to now make; `None` is now.
fn runs(
    cadence: &Cadence,
    policy: CatchUp,
    due: DateTime<Utc>,
    now: DateTime<Utc>,
    coming: Option<DateTime<Utc>>,
) -> Vec<Option<DateTime<Utc>>> {
    // A tick is missed when the one after it has passed as well.
    let missed = cadence.after(due).is_some_and(|after| after <= now);
    match policy {
        CatchUp::None if missed => Vec::new(),
        // Each bears the moment that it stands for.
        CatchUp::All if missed => std::iter::successors(Some(due), |tick| cadence.after(*tick))
            // One of this very moment comes by itself.
            .take_while(|tick| *tick <= now && Some(*tick) != coming)
            .take(CATCH_UP_MAX)
            .map(Some)
            .collect(),
        _ => vec![None],
    }
}

/// How many jobs a schedule may make beside those of its that live.
async fn room(jobs: &Jobs, schedule: &Schedule) -> Result<usize> {
    if schedule.overlap == Overlap::Allow {
        return Ok(usize::MAX);
    }
    let waits = lives(jobs, schedule, JobStatus::Queued).await? || lives(jobs, schedule, JobStatus::Pending).await?;
    let runs = lives(jobs, schedule, JobStatus::Running).await?;
    Ok(match (waits, runs) {
        (true, _) => 0,
        (false, true) => usize::from(schedule.overlap == Overlap::Buffer),
        (false, false) => 1 + usize::from(schedule.overlap == Overlap::Buffer),
    })
}

async fn lives(jobs: &Jobs, schedule: &Schedule, status: JobStatus) -> Result<bool> {
    let query = JobQuery {
        status: Some(status),
        schedule_id: Some(schedule.id.clone()),
        limit: 1,
        ..JobQuery::default()
    };
    Ok(!jobs.list(query).await?.is_empty())
}

fn order(schedule: &Schedule, run_at: Option<DateTime<Utc>>) -> Enqueue {
    Enqueue {
        params: schedule.params.clone(),
        priority: schedule.priority,
        run_at,
        max_attempts: schedule.max_attempts,
        backoff: schedule.backoff,
        timeout: schedule.timeout,
        max_elapsed: schedule.max_elapsed,
        start_within: schedule.start_within,
        heartbeat: schedule.heartbeat,
        schedule_id: Some(schedule.id.clone()),
        ..Enqueue::new(Uuid::now_v7().to_string(), schedule.name.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::*;
    use crate::clock::Clock;
    use crate::jobs::TaskDefaults;
    use crate::store::memory::Memory;
    use crate::store::{Claim, Job, Want};
    use crate::wire::CreateJob;

    /// Jobs with a schedule of every minute, made a second after one.
    async fn every_minute(catch_up: CatchUp, overlap: Overlap) -> Jobs {
        let clock = Clock::manual(DateTime::UNIX_EPOCH + TimeDelta::seconds(1));
        let known = BTreeMap::from([("work".to_owned(), TaskDefaults::default())]);
        let jobs = Jobs::new(Arc::new(Memory::new(clock.clone())), clock, known);
        let create = CreateJob {
            name: "work".to_owned(),
            schedule: Some("* * * * *".to_owned()),
            catch_up: Some(catch_up),
            overlap: Some(overlap),
            ..CreateJob::default()
        };
        jobs.create(create).await.unwrap();
        jobs
    }

    /// The jobs that there are when so many minutes have passed and their ticks are taken, newest first.
    async fn after(jobs: &Jobs, minutes: u64) -> Vec<Job> {
        jobs.clock.advance(Duration::from_secs(60 * minutes));
        let next = take(jobs, &Pauses::default()).await.unwrap().unwrap();
        assert!(next > jobs.clock.now());
        let query = JobQuery {
            limit: 1_000,
            ..JobQuery::default()
        };
        jobs.list(query).await.unwrap()
    }

    async fn start_one(jobs: &Jobs) {
        let claim = Claim {
            owner: "me".to_owned(),
            wants: vec![Want {
                name: "work".to_owned(),
                slots: 1,
                rate: None,
            }],
            limit: 1,
            early: false,
        };
        let batch = Batch::new(jobs.clock.now()).with(claim);
        jobs.store.commit(batch).await.unwrap();
    }

    #[tokio::test]
    async fn missed_ticks_run_never_once_or_each_up_to_a_bound() {
        for (policy, made) in [(CatchUp::None, 0), (CatchUp::Last, 1), (CatchUp::All, 5)] {
            let jobs = every_minute(policy, Overlap::Allow).await;
            assert_eq!(after(&jobs, 5).await.len(), made, "{policy:?}");
            assert_eq!(
                after(&jobs, 1).await.len(),
                made + 1,
                "one that is not missed runs: {policy:?}"
            );
        }
        let jobs = every_minute(CatchUp::All, Overlap::Allow).await;
        assert_eq!(after(&jobs, 10_000).await.len(), CATCH_UP_MAX);
    }

    #[tokio::test]
    async fn a_tick_that_is_caught_up_on_bears_its_moment() {
        let jobs = every_minute(CatchUp::All, Overlap::Allow).await;
        let made = after(&jobs, 2).await;
        let moments: Vec<_> = made.iter().rev().map(|job| job.run_at.timestamp()).collect();
        assert_eq!(moments, [60, 120]);
    }

    #[tokio::test]
    async fn a_tick_of_this_very_moment_is_taken_once() {
        let jobs = every_minute(CatchUp::All, Overlap::Allow).await;
        jobs.clock.advance(Duration::from_secs(119));
        let next = take(&jobs, &Pauses::default()).await.unwrap();
        assert_eq!(next, Some(jobs.clock.now()));
        assert_eq!(after(&jobs, 0).await.len(), 2);
    }

    #[tokio::test]
    async fn a_tick_makes_no_job_beside_a_living_one_where_overlap_is_skipped() {
        let jobs = every_minute(CatchUp::All, Overlap::Skip).await;
        assert_eq!(after(&jobs, 3).await.len(), 1);
        start_one(&jobs).await;
        assert_eq!(after(&jobs, 1).await.len(), 1);
    }

    #[tokio::test]
    async fn one_waits_while_another_runs_where_overlap_is_buffered() {
        let jobs = every_minute(CatchUp::Last, Overlap::Buffer).await;
        assert_eq!(after(&jobs, 1).await.len(), 1);
        assert_eq!(after(&jobs, 1).await.len(), 1, "one waits already");
        start_one(&jobs).await;
        assert_eq!(after(&jobs, 1).await.len(), 2);
        assert_eq!(after(&jobs, 1).await.len(), 2);
    }
}
