//! The story of an event of this service's log.

use super::Teller;
use super::delivery::buried;
use super::story::{Story, line, wait};
use crate::error::Result;
use crate::store::Event;
use crate::subscription::{Stand, Standing, Trouble};
use crate::wire::{LogLevel, Why, WhyKind};

impl Teller<'_> {
    pub(super) async fn of_event(&self, event: Event) -> Result<Why> {
        let stands = self.subscriptions.stands(&event).await?;
        let letters = self.subscriptions.letters(&event.id).await?;
        let troubles = self.subscriptions.trouble(&event.id).await?;
        let mut story = Story::new(WhyKind::Event, &event.id, &event.topic);
        story.trace(self.trace(event.trace.as_deref()));
        story.fact(
            event.at,
            "emitted",
            format!("emitted, at place {} of the log", event.seq),
        );
        let mut open = 0;
        for stand in &stands {
            story.link(if stand.group { "group" } else { "subscription" }, stand.name.clone());
            let dead = letters.iter().any(|letter| letter.holder == stand.name);
            open += usize::from(told_stand(&mut story, &event, stand, dead));
        }
        for letter in &letters {
            buried(&mut story, letter);
        }
        for trouble in &troubles {
            story.wait(tried_again(trouble));
        }
        let (name, count) = (&event.topic, stands.len());
        let summary = if !letters.is_empty() {
            let letter = &letters[0];
            format!(
                "{name} was given up on by {} after {} tries: {}",
                letter.holder,
                letter.attempts,
                line(&letter.error)
            )
        } else if stands.is_empty() {
            format!(
                "{name} is in the log, and nobody is to have it: no service subscribes to it and no group reads it."
            )
        } else if open == 0 {
            format!("{name} was taken by everyone who is to have it: {count} of {count}.")
        } else {
            let first = story.waits().first().map_or("", |first| first.what.as_str());
            format!(
                "{name} was taken by {} of {count} who are to have it. {first}",
                count - open
            )
        };
        Ok(story.told(summary))
    }
}

/// Tells of one who is to have it; says whether it is still to be taken.
fn told_stand(story: &mut Story, event: &Event, stand: &Standing, dead: bool) -> bool {
    let who = if stand.group {
        format!("Group {:?}", stand.name)
    } else {
        format!("Subscription {}", stand.name)
    };
    match &stand.stand {
        Stand::Past if dead => false,
        Stand::Past => {
            let what = if stand.since > event.at {
                format!("{who} was made later, and is past it; it is at {} now", stand.cursor)
            } else {
                format!("{who} has taken it since; it is at {} now", stand.cursor)
            };
            story.fact(stand.since.max(event.at), "taken", what);
            false
        }
        Stand::Ahead { error } => {
            let (code, next) = if stand.group {
                ("consumer", "no consumer has fetched it")
            } else {
                ("subscriber", "it has not been delivered")
            };
            let why = error.as_ref().map_or_else(String::new, |error| {
                format!("; the latest delivery failed: {}", line(error))
            });
            let what = format!("{who} is at {} and {next} yet{why}.", stand.cursor);
            story.wait(wait(code, what, None));
            true
        }
        Stand::Held {
            deliveries,
            most,
            given,
            until,
            error,
        } => {
            let why = error.as_ref().map_or_else(String::new, |error| {
                format!("; the last consumer said: {}", line(error))
            });
            let what = if *given {
                format!(
                    "{who} has given it out {deliveries} of {most} times, and its consumer has not acknowledged it{why}."
                )
            } else {
                format!("{who} has given it out {deliveries} of {most} times, and the next fetch gets it again{why}.")
            };
            story.wait(wait("consumer", what, given.then_some(*until)));
            true
        }
    }
}

/// What a subscription of this service waits for that fails on an event.
pub(super) fn tried_again(trouble: &Trouble) -> crate::wire::WhyWait {
    let what = format!(
        "Subscription {} tries it again after failure {} of {}: {}",
        trouble.holder,
        trouble.failures,
        trouble.most,
        line(&trouble.error)
    );
    wait("backoff", what, Some(trouble.retry_at))
}

/// How grave a delivery that failed is.
pub(super) const FAILED: LogLevel = LogLevel::Error;
