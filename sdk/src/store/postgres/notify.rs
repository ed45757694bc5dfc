//! Tells other replicas of commits: never within a commit, and one message for all that were made meanwhile.

use std::sync::Arc;
use std::time::Duration;

use super::database::Hub;
use super::query::{Query, Schema, text};
use crate::store::Heads;

/// The channel that every process listens on.
pub(super) const CHANNEL: &str = "blackroad";
/// Between messages: what a waiting reader does not notice, and what 200 commits a second do not wear out.
const PAUSE: Duration = Duration::from_millis(5);
/// How long a message may take to be sent; the renewals tell as well.
const DEADLINE: Duration = Duration::from_secs(3);
/// Schemas in one message: PostgreSQL takes 8,000 bytes, and a line has at most 170.
const LINES_MAX: usize = 40;

/// Tells for ever.
pub(super) async fn run(hub: Arc<Hub>) {
    loop {
        hub.told.notified().await;
        let lines: Vec<String> = hub
            .take_news()
            .iter()
            .map(|(schema, heads)| line(schema, heads))
            .collect();
        for message in lines.chunks(LINES_MAX) {
            // A message that is not sent is made up for by the next renewal of each reader.
            let _ = send(&hub, &message.join("\n")).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn send(hub: &Hub, message: &str) -> crate::store::Result<()> {
    let doing = "telling other replicas";
    let link = hub.pool.get(doing).await?;
    let query = Query::new("SELECT pg_notify($1, $2)", [text(CHANNEL), text(message)]);
    let sent = link.query(&Schema::public(), query, DEADLINE).await;
    sent.map(drop).map_err(|fault| fault.into_error(doing))
}

fn line(schema: &str, heads: &Heads) -> String {
    let Heads {
        seq,
        event,
        change,
        jobs,
        job_updates,
        plans,
    } = heads;
    format!("{schema} {seq} {event} {change} {jobs} {job_updates} {plans}")
}

/// Reads a message; lines that say less are left out, and what a newer version says beside is passed over.
pub(super) fn read(message: &str) -> impl Iterator<Item = (&str, Heads)> {
    message.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let schema = words.next()?;
        let mut number = || words.next()?.parse().ok();
        let heads = Heads {
            seq: number()?,
            event: number()?,
            change: number()?,
            jobs: number()?,
            job_updates: number()?,
            plans: number()?,
        };
        Some((schema, heads))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written_and_what_is_none_is_left_out() {
        let heads = Heads {
            seq: 9,
            event: 8,
            change: 7,
            jobs: 6,
            job_updates: 5,
            plans: 4,
        };
        let message = format!("{}\nnonsense\nx 1 2 y", line("blackroad_core", &heads));
        assert_eq!(read(&message).collect::<Vec<_>>(), [("blackroad_core", heads)]);
    }
}
