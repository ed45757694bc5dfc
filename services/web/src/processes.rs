//! Processes that came, went and were lost: the operator tells of each, and the latest are kept for the status page.

use blackroad_os_contracts::operator::Presence;
use serde::{Deserialize, Serialize};
use syscall_sdk::context::{Context, EventContext};
use syscall_sdk::error::Result;
use syscall_sdk::store::Condition;
use syscall_sdk::wire::Timestamp;

use crate::record::state;

/// Where they are kept, beside the probes.
const KEY: &str = "processes";
/// How many: a rollout of nine services brings eighteen, and a page shows no more than a few of those.
const KEPT: usize = 20;

/// One that came, went or was lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) at: Timestamp,
    pub(crate) service: String,
    /// The event's name: `mesh:joined`, `mesh:left`, `mesh:lost`.
    pub(crate) event: String,
}

/// Keeps one; with the event's place in the same commit, so that none is listed twice.
pub(crate) async fn note(context: EventContext, presence: Presence) -> Result<()> {
    let state = state(&context)?;
    let entry = state.entry(KEY).await?;
    let condition = entry
        .as_ref()
        .map_or(Condition::Absent, |entry| Condition::Revision(entry.revision));
    let known: Vec<Change> = state.get(KEY).await?.unwrap_or_default();
    let event = context.event();
    let change = Change {
        at: event.timestamp,
        service: presence.service,
        event: event.event.clone(),
    };
    let changes = with(known, change);
    context.batch().put(&state, KEY, &changes, condition).commit().await?;
    Ok(())
}

/// The latest, newest first.
pub(crate) async fn latest(context: &Context) -> Result<Vec<Change>> {
    Ok(state(context)?.get(KEY).await?.unwrap_or_default())
}

/// Three subscriptions feed one list, each in its own order, so the list is put in order of time.
fn with(mut known: Vec<Change>, change: Change) -> Vec<Change> {
    known.push(change);
    known.sort_by_key(|change| std::cmp::Reverse(change.at));
    known.truncate(KEPT);
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(second: u32) -> Change {
        Change {
            at: Timestamp(format!("2026-10-05T03:20:{second:02}Z").parse().expect("a moment")),
            service: "blackroad-os-core".to_owned(),
            event: "mesh:joined".to_owned(),
        }
    }

    #[test]
    fn the_newest_come_first_however_they_arrived_and_the_oldest_go() {
        let all = [5, 3, 4].map(change).into_iter().fold(Vec::new(), with);
        assert_eq!(all, [change(5), change(4), change(3)]);
        let many = (0..30).map(change).fold(Vec::new(), with);
        assert_eq!((many.len(), &many[0]), (KEPT, &change(29)));
    }
}
