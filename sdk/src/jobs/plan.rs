//! What may begin when, as a runner knows it: pauses and ticks, read again only where they may have changed.

use chrono::{DateTime, Utc};

use super::runner::IDLE_SWEEP;
use super::{Jobs, Pauses, ticks};
use crate::error::Result;

/// A runner's plan.
#[derive(Debug, Default)]
pub(super) struct Plan(Option<Known>);

#[derive(Debug)]
struct Known {
    /// The [count of changes](crate::store::Heads::plans) that were known when it was read.
    plans: u64,
    read_at: DateTime<Utc>,
    paused: Pauses,
    next_tick: Option<DateTime<Utc>>,
}

impl Plan {
    /// Takes the ticks that are due, and gives what is paused and when the next tick comes.
    pub(super) async fn at(&mut self, jobs: &Jobs, plans: u64) -> Result<(&Pauses, Option<DateTime<Utc>>)> {
        let now = jobs.clock.now();
        let holds = |known: &Known| {
            known.plans == plans
                && known.next_tick.is_none_or(|tick| tick > now)
                // The net: what another process changed may not have been told.
                && (now - known.read_at).to_std().is_ok_and(|age| age < IDLE_SWEEP)
        };
        if !self.0.as_ref().is_some_and(holds) {
            self.0 = None;
            let paused = jobs.pauses().await?;
            let next_tick = ticks::take(jobs, &paused).await?;
            self.0 = Some(Known {
                plans,
                read_at: now,
                paused,
                next_tick,
            });
        }
        let known = self.0.as_ref().expect("it was read where it was not known");
        Ok((&known.paused, known.next_tick))
    }
}
