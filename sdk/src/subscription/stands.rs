//! Where one event stands with everyone who is to have it: asked by whoever wants to know why it did or did not come.

use chrono::{DateTime, Utc};

use super::Subscriptions;
use super::group::{DELIVERIES_MAX, GroupRecord};
use super::shelf::{InRecord, Kept, OutRecord, in_key};
use crate::error::Result;
use crate::name::TopicFilter;
use crate::store::{Event, Seq};
use crate::wire::DeadLetter;

/// Dead letters read in search of one event: those of ten holders that are full. What lies behind them is not told.
const LETTERS_MAX: usize = 10_000;
/// Dead letters read at once.
const LETTERS_PAGE: usize = 500;

/// One who is to have an event of this service's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// A group's name, or a subscription as `subscriber/event`.
    pub name: String,
    /// Whether it is a group of consumers; else it is a service.
    pub group: bool,
    /// What is up to this place has been taken, or given out.
    pub cursor: Seq,
    /// When the group or the subscription was made.
    pub since: DateTime<Utc>,
    /// How the event stands with it.
    pub stand: Stand,
}

/// How an event stands with one who is to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It is behind the cursor, and nobody has it any more.
    Past,
    /// It comes after the cursor.
    Ahead {
        /// Why the latest delivery did not come through.
        error: Option<String>,
    },
    /// A consumer has it, or it waits to be given again.
    Held {
        /// How often it was given out.
        deliveries: u32,
        /// How often it may be, before it becomes a dead letter.
        most: u32,
        /// Whether a consumer has it now.
        given: bool,
        /// From when on it may be given to another.
        until: DateTime<Utc>,
        /// What the last consumer said when it let go of it.
        error: Option<String>,
    },
}

/// An event of another service that fails here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The subscription, as `source/event`.
    pub holder: String,
    /// How often it failed.
    pub failures: u32,
    /// How many failures end it.
    pub most: u32,
    /// When it is tried again.
    pub retry_at: DateTime<Utc>,
    /// The latest failure.
    pub error: String,
}

impl Subscriptions {
    /// Where an event of this service's log stands with each subscription and group that wants it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn stands(&self, event: &Event) -> Result<Vec<Standing>> {
        let mut stands = Vec::new();
        let wants = |filter: Option<&str>| TopicFilter::parse(filter).is_ok_and(|filter| filter.matches(&event.topic));
        for (name, record) in self.shelf.list::<OutRecord>("out/").await? {
            if !wants(Some(&record.event)) {
                continue;
            }
            let stand = if record.scanned >= event.seq {
                Stand::Past
            } else {
                let error = self.outbox.error_of(&name);
                Stand::Ahead { error }
            };
            stands.push(Standing {
                name,
                group: false,
                cursor: record.scanned,
                since: record.created_at,
                stand,
            });
        }
        for (name, record) in self.shelf.list::<GroupRecord>("group/").await? {
            if !wants(record.event.as_deref()) {
                continue;
            }
            stands.push(Standing {
                name,
                group: true,
                cursor: record.read,
                since: record.created_at,
                stand: of_group(&record, event.seq),
            });
        }
        Ok(stands)
    }

    /// Where an event of an id fails here and is tried again.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn trouble(&self, event: &str) -> Result<Vec<Trouble>> {
        let mut found = Vec::new();
        for (holder, most) in self.inbox.holders() {
            let kept: Option<Kept<InRecord>> = self.shelf.load(&in_key(holder)).await?;
            let failing = kept.and_then(|kept| kept.value.failing);
            let Some(failing) = failing.filter(|failing| failing.event.as_deref() == Some(event)) else {
                continue;
            };
            found.push(Trouble {
                holder: holder.to_owned(),
                failures: failing.failures,
                most,
                retry_at: failing.retry_at,
                error: failing.error,
            });
        }
        Ok(found)
    }

    /// The dead letters of an id, be it the letter's own or the event's, among the oldest 10,000.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn letters(&self, id: &str) -> Result<Vec<DeadLetter>> {
        let mut found = Vec::new();
        let mut after = None;
        for _ in 0..LETTERS_MAX / LETTERS_PAGE {
            let page = self.dead.list(None, after.as_deref(), LETTERS_PAGE).await?;
            let of_it = |letter: &DeadLetter| letter.id == id || letter.event.id == id;
            found.extend(page.letters.into_iter().filter(of_it));
            match page.cursor {
                Some(cursor) => after = Some(cursor),
                None => break,
            }
        }
        Ok(found)
    }
}

fn of_group(record: &GroupRecord, sequence: Seq) -> Stand {
    let held = record.held.iter().find(|held| held.sequence == sequence);
    match held {
        Some(held) => Stand::Held {
            deliveries: held.deliveries,
            most: DELIVERIES_MAX,
            given: !held.lease.is_empty(),
            until: held.until,
            error: held.error.clone(),
        },
        None if record.read >= sequence => Stand::Past,
        None => Stand::Ahead { error: None },
    }
}
