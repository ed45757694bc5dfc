//! Events that end the process which handles them: counted before the handler runs, since afterwards there is nobody to count.

use std::sync::atomic::Ordering;

use super::Inbox;
use super::held::Held;
use super::shelf::{Begun, InRecord, Kept, in_key};
use crate::error::{Error, Result};
use crate::store::{Condition, Seq};

/// Lives of the process that an event may end before it is given up on. One may be chance: a deployment, or another's fault. With three
/// in a row, each while this very event was handled, it is the event; and a platform that restarts a process ten times does so still.
pub(super) const DEATHS_MAX: u32 = 3;

impl Inbox {
    /// Writes down which event this life of the process begins with, so that one which ends the process each time is known by it.
    ///
    /// That is one commit a life and subscription: who died while it handled an event is given the very same one next, so only the
    /// first event of a life can have ended the one before. Says whether the place is still ours.
    pub(super) async fn begin(&self, held: &Held, kept: &mut Kept<InRecord>, sequence: Seq) -> Result<bool> {
        if held.begun.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let lives = kept.value.deaths_of(sequence).saturating_add(1);
        let noted = InRecord {
            begun: Some(Begun { sequence, lives }),
            ..kept.value.clone()
        };
        let op = self.shelf().put(&in_key(&held.holder), &noted, kept.condition)?;
        let Some(revision) = self.shelf().commit(vec![op]).await? else {
            return Ok(false);
        };
        held.begun.store(true, Ordering::Relaxed);
        *kept = Kept {
            value: noted,
            condition: Condition::Revision(revision),
        };
        Ok(true)
    }
}

impl InRecord {
    /// How many lives of the process began with an event and did not come to its end.
    pub(super) fn deaths_of(&self, sequence: Seq) -> u32 {
        let begun = self.begun.filter(|begun| begun.sequence == sequence);
        begun.map_or(0, |begun| begun.lives)
    }
}

/// Why an event is given up on that no life of the process has outlived.
pub(super) fn killed(deaths: u32) -> Error {
    Error::internal(format!(
        "the process ended at least {deaths} times while it handled this event; mend what ends it, and redrive the event"
    ))
    .with_code("PROCESS_ENDED")
    .without_retry()
}
