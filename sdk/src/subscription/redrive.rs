//! A subscription's dead letter, handled again when a person asks for it.

use std::sync::Arc;

use super::shelf::{Kept, dead_key, in_key};
use super::{Advance, Arrival, Inbox};
use crate::error::{Error, Result};
use crate::wire::DeadLetter;

impl Inbox {
    /// Handles a dead letter again, now; `kept` is the letter. Where it fails again the letter stays, and says so.
    pub(super) async fn redrive(&self, kept: Kept<DeadLetter>) -> Result<()> {
        let letter = &kept.value;
        let held = self.held(&letter.holder)?;
        let _turn = held.turn.lock().await;
        let mut ops = vec![self.shelf().delete(&dead_key(&letter.id), kept.condition)?];
        ops.extend(self.shelf().count_dead(&in_key(&letter.holder), -1).await?);
        let advance = Advance::new(ops);
        let arrival = Arrival {
            event: Arc::new(letter.event.clone()),
            sequence: letter.sequence.parse().unwrap_or(0),
            attempt: letter.attempts + 1,
            gap: false,
            advance: advance.clone(),
        };
        let outcome = held.handle(arrival, None).await;
        if advance.revision().is_some() {
            return Ok(());
        }
        let Err(error) = outcome else {
            return match self.shelf().commit(advance.ops().to_vec()).await? {
                Some(_) => Ok(()),
                None => Err(Error::conflict(
                    "the dead letter was changed meanwhile; look at it and try again",
                )),
            };
        };
        let failed = DeadLetter {
            attempts: letter.attempts + 1,
            error: error.chain(),
            ..kept.value.clone()
        };
        let note = self.shelf().put(&dead_key(&failed.id), &failed, kept.condition)?;
        self.shelf().commit(vec![note]).await?;
        Err(Error::conflict(format!("the handler failed again: {}", error.chain())).with_code("REDRIVE_FAILED"))
    }
}
