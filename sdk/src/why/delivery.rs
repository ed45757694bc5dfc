//! The story of an event that came to this service from elsewhere, and of a dead letter.

use super::Teller;
use super::event::{FAILED, tried_again};
use super::story::{Story, line, wait};
use crate::error::Result;
use crate::wire::{DeadLetter, DeadLetterKind, Why, WhyKind};

impl Teller<'_> {
    /// The story of an event that fails here, or of dead letters of it; none where it did neither.
    pub(super) async fn of_delivery(&self, id: &str) -> Result<Option<Why>> {
        let letters = self.subscriptions.letters(id).await?;
        let troubles = self.subscriptions.trouble(id).await?;
        let name = match (letters.first(), troubles.first()) {
            (Some(letter), _) => letter.event.event.clone(),
            (None, Some(trouble)) => trouble.holder.clone(),
            (None, None) => return Ok(None),
        };
        let mut story = Story::new(WhyKind::Delivery, id, &name);
        for letter in &letters {
            story.fact(
                letter.event.timestamp.0,
                "emitted",
                format!(
                    "emitted by {}, at place {} of its log",
                    letter.event.source, letter.sequence
                ),
            );
            if letter.event.id != id {
                story.link("event", letter.event.id.clone());
            }
            buried(&mut story, letter);
        }
        for trouble in &troubles {
            story.wait(tried_again(trouble));
        }
        let summary = match (letters.first(), troubles.first()) {
            (Some(letter), _) => format!(
                "{name} was given up on by {} after {} tries: {}",
                letter.holder,
                letter.attempts,
                line(&letter.error)
            ),
            (None, Some(trouble)) => format!(
                "{} fails on it, {} of {} times so far: {}",
                trouble.holder,
                trouble.failures,
                trouble.most,
                line(&trouble.error)
            ),
            (None, None) => return Ok(None),
        };
        Ok(Some(story.told(summary)))
    }
}

/// Tells of a dead letter.
pub(super) fn buried(story: &mut Story, letter: &DeadLetter) {
    let who = match letter.kind {
        DeadLetterKind::Subscription => "subscription",
        DeadLetterKind::Group => "group",
    };
    let what = format!(
        "{who} {} gave up on it after {} tries: {}",
        letter.holder,
        letter.attempts,
        line(&letter.error)
    );
    story.grave(FAILED, letter.died_at.0, "dead", what);
    story.link("deadLetter", letter.id.clone());
    if letter.redriven {
        story.wait(wait(
            "redrive",
            format!(
                "It was handed to group {:?} again, and waits for a consumer.",
                letter.holder
            ),
            None,
        ));
    }
}
