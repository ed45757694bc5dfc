//! What an operation does to the table of schedules.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, params};

use super::apply::{Halt, Tables};
use super::row::{self, duration_millis, millis, millis_or_none, schedule_columns, signed, text};
use crate::store::{NewSchedule, Outcome, Refusal, Schedule, rules, transition};

impl Tables<'_> {
    pub(super) fn schedule(&mut self, order: &NewSchedule, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        if self.has_job(&order.id)? || self.find_schedule(&order.id)?.is_some() {
            return Err(Refusal::JobExists { id: order.id.clone() }.into());
        }
        let schedule = transition::scheduled(order, self.counters.next_seq(), at);
        self.insert_schedule(&schedule)?;
        Ok(Outcome::Schedule(Box::new(schedule)))
    }

    pub(super) fn tick(&mut self, id: &str, from: DateTime<Utc>, next: Option<DateTime<Utc>>) -> Result<Outcome, Halt> {
        let mut schedule = self.known_schedule(id)?;
        rules::check_tick(&schedule, from)?;
        schedule.last_run = Some(from);
        schedule.next_run = next;
        self.update_schedule(&schedule)?;
        Ok(Outcome::Schedule(Box::new(schedule)))
    }

    pub(super) fn cancel_schedule(&mut self, id: &str, at: DateTime<Utc>) -> Result<Outcome, Halt> {
        let mut schedule = self.known_schedule(id)?;
        transition::cancel_schedule(&mut schedule, at)?;
        self.update_schedule(&schedule)?;
        Ok(Outcome::Schedule(Box::new(schedule)))
    }

    pub(super) fn find_schedule(&self, id: &str) -> rusqlite::Result<Option<Schedule>> {
        self.conn
            .prepare_cached(concat!("SELECT ", schedule_columns!(), " FROM schedule WHERE id = ?1"))?
            .query_row([id], row::schedule)
            .optional()
    }

    fn known_schedule(&self, id: &str) -> Result<Schedule, Halt> {
        let schedule = self.find_schedule(id)?;
        schedule.ok_or_else(|| Refusal::NoSuchJob { id: id.to_owned() }.into())
    }

    pub(super) fn insert_schedule(&self, schedule: &Schedule) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "INSERT INTO schedule (seq, id, name, params, cron, timezone, catch_up, created_at, next_run, priority, \
                 max_attempts, backoff_base, backoff_factor, backoff_cap, timeout, max_elapsed, overlap, start_within, \
                 heartbeat) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
            )?
            .execute(params![
                signed(schedule.seq),
                schedule.id,
                schedule.name,
                text(&schedule.params),
                schedule.cron,
                schedule.timezone,
                schedule.catch_up as i64,
                millis(schedule.created_at),
                millis_or_none(schedule.next_run),
                schedule.priority,
                schedule.max_attempts,
                signed(schedule.backoff.base),
                schedule.backoff.factor,
                signed(schedule.backoff.cap),
                duration_millis(schedule.timeout),
                duration_millis(schedule.max_elapsed),
                schedule.overlap as i64,
                duration_millis(schedule.start_within),
                duration_millis(schedule.heartbeat)
            ])?;
        Ok(())
    }

    pub(super) fn update_schedule(&self, schedule: &Schedule) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("UPDATE schedule SET next_run = ?2, last_run = ?3, cancelled_at = ?4 WHERE seq = ?1")?
            .execute(params![
                signed(schedule.seq),
                millis_or_none(schedule.next_run),
                millis_or_none(schedule.last_run),
                millis_or_none(schedule.cancelled_at)
            ])?;
        Ok(())
    }
}
