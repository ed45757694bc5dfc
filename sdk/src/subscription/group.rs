use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store::Seq;

/// Events that a group's consumers hold or that wait to be given again: a few handfuls for some dozens of consumers, and little enough
/// that a group is one row. Past it nothing new is given until something is acknowledged.
pub(super) const HELD_MAX: usize = 512;
/// Times that an event is given out before it becomes a dead letter.
pub(super) const DELIVERIES_MAX: u32 = 5;

/// A group as it is kept.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct GroupRecord {
    /// Only these events.
    pub(super) event: Option<String>,
    /// What is up to this has been given out at least once, or was not wanted.
    pub(super) read: Seq,
    /// Given out and not acknowledged, in the order in which it was first given.
    pub(super) held: Vec<HeldEvent>,
    /// How many dead letters it has.
    pub(super) dead: u64,
    /// When it was made.
    pub(super) created_at: DateTime<Utc>,
}

/// An event that was given out.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct HeldEvent {
    pub(super) sequence: Seq,
    /// How often it was given out.
    pub(super) deliveries: u32,
    /// The handful that it is in; empty where nobody has it.
    pub(super) lease: String,
    /// From when on it may be given to another.
    pub(super) until: DateTime<Utc>,
    /// What the last consumer said when it let go of it.
    pub(super) error: Option<String>,
    /// The dead letter that it was redriven from; its data may have been edited.
    pub(super) letter: Option<String>,
}

impl GroupRecord {
    pub(super) fn new(event: Option<String>, read: Seq, at: DateTime<Utc>) -> Self {
        GroupRecord {
            event,
            read,
            held: Vec::new(),
            dead: 0,
            created_at: at,
        }
    }

    /// Up to where everything is acknowledged.
    pub(super) fn cursor(&self) -> Seq {
        let own = self.held.iter().filter(|held| held.letter.is_none());
        own.map(|held| held.sequence.saturating_sub(1))
            .min()
            .map_or(self.read, |least| least.min(self.read))
    }

    /// Whether any event may be given again.
    pub(super) fn has_due(&self, now: DateTime<Utc>) -> bool {
        self.held.iter().any(|held| held.until <= now)
    }

    /// How long until an event may be given again.
    pub(super) fn next_due(&self, now: DateTime<Utc>) -> Option<Duration> {
        let next = self.held.iter().map(|held| held.until).min()?;
        Some((next - now).to_std().unwrap_or_default())
    }

    /// Takes the events of a handful, or only some of them, out of what is held.
    pub(super) fn take(&mut self, lease: &str, only: Option<&[Seq]>) -> Vec<HeldEvent> {
        let (taken, left) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|held: &HeldEvent| held.lease == lease && only.is_none_or(|only| only.contains(&held.sequence)));
        self.held = left;
        taken
    }
}

/// Reads the cursors of a request.
pub(super) fn sequences(cursors: &[String]) -> Result<Vec<Seq>> {
    cursors
        .iter()
        .map(|cursor| {
            cursor.parse().map_err(|_| {
                Error::invalid(format!("cursor {cursor:?} is none that this service gave")).with_code("INVALID_CURSOR")
            })
        })
        .collect()
}
