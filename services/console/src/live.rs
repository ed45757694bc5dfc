//! The live parts of a service's page: its lines and events as they come, the rest by looking again.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::response::Response;
use syscall_sdk::context::Context;
use syscall_sdk::http::pages;
use syscall_sdk::pages::Html;
use syscall_sdk::wire::{Event, LogEntry, Timestamp};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::board::Board;
use crate::service::{self, charts, events, health, jobs, logs};
use crate::tail::Tail;
use crate::traces;
use crate::view::View;

/// Between looks at health, numbers and jobs.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Every so many looks, charts, traces and schedules are looked at too: kernels record every 10 s.
const SELDOM: u32 = 5;

type Parts = Vec<(String, Html)>;

struct Feed {
    context: Context,
    board: Board,
    key: String,
    view: View,
    since: Option<Timestamp>,
    lines: Option<Tail<LogEntry>>,
    events: Option<Tail<Event>>,
    looks: Interval,
    looked: u32,
    sent: BTreeMap<String, String>,
}

/// Streams what changes on the page of a service, for as long as somebody looks at it.
pub(crate) fn stream(context: &Context, board: Board, key: &str, view: View, since: Option<Timestamp>) -> Response {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let feed = Feed {
        context: context.clone(),
        board,
        key: key.to_owned(),
        view,
        since,
        lines: None,
        events: None,
        looks,
        looked: 0,
        sent: BTreeMap::new(),
    };
    pages::live_from(context, feed, |mut feed| async move {
        let parts = feed.next().await;
        Some((parts, feed))
    })
}

impl Feed {
    async fn next(&mut self) -> Parts {
        tokio::select! {
            lines = next_of(&mut self.lines) => {
                let rows: Html = lines.iter().map(logs::line).collect();
                vec![("lines:add".to_owned(), rows)]
            }
            events = next_of(&mut self.events) => {
                let now = Timestamp(self.context.clock().now());
                vec![("event-rows:add".to_owned(), events::table(&events, now).rows_html())]
            }
            _ = self.looks.tick() => self.look().await,
        }
    }

    async fn look(&mut self) -> Parts {
        // A stream that ended with its service is opened anew once the service is back.
        let (context, key) = (&self.context, self.key.as_str());
        if self.lines.is_none() {
            self.lines = Tail::open(context, key, &logs::follow_path(&self.view)).await.ok();
        }
        if self.events.is_none() {
            let path = events::follow_path(&self.view, self.since);
            self.events = Tail::open(context, key, &path).await.ok();
        }
        let mut parts = vec![service::fleet(context).await];
        if let Some(report) = self.board.of(context, key).await {
            let version = health::version(context, key).await;
            parts.push(("state".to_owned(), service::mark(&report)));
            parts.push(("stats".to_owned(), health::stats(&report, version.as_ref())));
            parts.push(("checks".to_owned(), health::checks(context, &report)));
        }
        let mut take = |id: &str, content: syscall_sdk::error::Result<Html>| {
            // What cannot be read now stays as it was shown.
            if let Ok(content) = content {
                parts.push((id.to_owned(), content));
            }
        };
        take("job-list", jobs::content(context, key, &self.view).await);
        if self.looked.is_multiple_of(SELDOM) {
            take("charts", charts::content(context, key, &self.view).await);
            take("trace-list", traces::content(context, key, &self.view).await);
            take("schedule-list", jobs::schedule_list(context, key).await);
        }
        self.looked = self.looked.wrapping_add(1);
        parts.retain(|(id, html)| self.sent.get(id).is_none_or(|sent| sent != html.as_str()));
        self.sent
            .extend(parts.iter().map(|(id, html)| (id.clone(), html.as_str().to_owned())));
        parts
    }
}

/// The next messages of a stream that is open; where it ends it is closed, and one that is closed gives nothing. Cancel-safe.
async fn next_of<T: serde::de::DeserializeOwned>(tail: &mut Option<Tail<T>>) -> Vec<T> {
    if let Some(open) = tail {
        if let Some(messages) = open.next().await {
            return messages;
        }
        *tail = None;
    }
    std::future::pending().await
}
