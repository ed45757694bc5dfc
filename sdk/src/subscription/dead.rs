use super::shelf::{Kept, Shelf, dead_key, group_key, in_key};
use super::{Arrival, Groups, Inbox};
use crate::error::{Error, Result};
use crate::name::new_id;
use crate::wire::{self, DeadLetter, DeadLetterKind, Json, Redriven, Timestamp};

/// Events that were given up on, of subscriptions and of groups alike. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    shelf: Shelf,
    inbox: Inbox,
    groups: Groups,
}

impl DeadLetters {
    pub(super) fn new(shelf: Shelf, inbox: Inbox, groups: Groups) -> Self {
        DeadLetters { shelf, inbox, groups }
    }

    /// A page of them, oldest first, after a cursor; only of a holder where one is named.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn list(&self, holder: Option<&str>, after: Option<&str>, limit: usize) -> Result<wire::DeadLetters> {
        let mut letters: Vec<DeadLetter> = Vec::new();
        let mut after = after.map(str::to_owned);
        loop {
            let page: Vec<DeadLetter> = self.shelf.page("dead/", after.as_deref(), limit).await?;
            let full = page.len() == limit;
            after = page.last().map(|letter| letter.id.clone());
            let wanted = |letter: &DeadLetter| holder.is_none_or(|holder| letter.holder == holder);
            letters.extend(page.into_iter().filter(wanted));
            if !full || letters.len() >= limit {
                let more = full || letters.len() > limit;
                letters.truncate(limit);
                let cursor = letters.last().map(|letter| letter.id.clone()).filter(|_| more);
                return Ok(wire::DeadLetters { letters, cursor });
            }
        }
    }

    /// One of them.
    ///
    /// # Errors
    /// `DEAD_LETTER_NOT_FOUND`.
    pub async fn get(&self, id: &str) -> Result<DeadLetter> {
        Ok(self.kept(id).await?.value)
    }

    /// Gives the event other data, to be redriven with.
    ///
    /// # Errors
    /// `DEAD_LETTER_NOT_FOUND`; `CONFLICT` where it is being redriven.
    pub async fn edit(&self, id: &str, data: Option<Json>) -> Result<DeadLetter> {
        let kept = self.kept(id).await?;
        resting(&kept.value)?;
        let mut letter = kept.value;
        letter.event.data = data;
        let op = self.shelf.put(&dead_key(id), &letter, kept.condition)?;
        match self.shelf.commit(vec![op]).await? {
            Some(_) => Ok(letter),
            None => Err(changed()),
        }
    }

    /// Forgets one.
    ///
    /// # Errors
    /// As [`DeadLetters::edit`].
    pub async fn drop_letter(&self, id: &str) -> Result<()> {
        let kept = self.kept(id).await?;
        resting(&kept.value)?;
        let holder = match kept.value.kind {
            DeadLetterKind::Subscription => in_key(&kept.value.holder),
            DeadLetterKind::Group => group_key(&kept.value.holder),
        };
        let mut ops = vec![self.shelf.delete(&dead_key(id), kept.condition)?];
        ops.extend(self.shelf.count_dead(&holder, -1).await?);
        match self.shelf.commit(ops).await? {
            Some(_) => Ok(()),
            None => Err(changed()),
        }
    }

    /// Tries one again: a subscription's is handled now, a group's is given to its next fetch.
    ///
    /// # Errors
    /// `DEAD_LETTER_NOT_FOUND`; `REDRIVE_FAILED` where the handler failed again, and the letter stays.
    pub async fn redrive(&self, id: &str) -> Result<Redriven> {
        let kept = self.kept(id).await?;
        resting(&kept.value)?;
        let outcome = match kept.value.kind {
            DeadLetterKind::Subscription => {
                self.inbox.redrive(kept).await?;
                "handled"
            }
            DeadLetterKind::Group => {
                self.groups.redrive(kept).await?;
                "queued"
            }
        };
        Ok(Redriven {
            outcome: outcome.to_owned(),
        })
    }

    async fn kept(&self, id: &str) -> Result<Kept<DeadLetter>> {
        self.shelf.load(&dead_key(id)).await?.ok_or_else(|| {
            Error::not_found(format!("dead letter {id:?} does not exist"))
                .with_code("DEAD_LETTER_NOT_FOUND")
                .with_details(serde_json::json!({ "id": id }))
        })
    }
}

/// A new dead letter.
pub(super) fn letter(
    shelf: &Shelf,
    kind: DeadLetterKind,
    holder: &str,
    arrival: &Arrival,
    error: &Error,
) -> DeadLetter {
    DeadLetter {
        id: new_id(),
        kind,
        holder: holder.to_owned(),
        sequence: arrival.sequence.to_string(),
        event: (*arrival.event).clone(),
        attempts: arrival.attempt,
        error: error.chain(),
        died_at: Timestamp(shelf.clock().now()),
        redriven: false,
    }
}

fn resting(letter: &DeadLetter) -> Result<()> {
    if letter.redriven {
        return Err(Error::conflict(
            "this dead letter has been handed to its group again; wait until a consumer has taken it or failed on it",
        ));
    }
    Ok(())
}

fn changed() -> Error {
    Error::conflict("the dead letter or its holder was changed meanwhile; look at it and try again")
}
