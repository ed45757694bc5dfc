//! The latest events of a service, and those that come.

use askama::Template;
use syscall_sdk::context::Context;
use syscall_sdk::http::pages::command;
use syscall_sdk::pages::{Html, Table, ago, empty_state};
use syscall_sdk::wire::{Event, RecentEvents, Timestamp};

use crate::ask::{self, encode};
use crate::parts::{self, Failed, by_hand, quoted, short};
use crate::view::View;

/// Events on the page.
const EVENTS: usize = 20;
/// Events that a page keeps while more come.
const KEPT: usize = 100;
/// Characters of an event's data in its row; the whole is in its title.
const DATA_CHARACTERS: usize = 240;

#[derive(Template)]
#[template(path = "events.html")]
struct Filter<'a> {
    view: &'a View,
}

pub(crate) async fn section(context: &Context, key: &str, view: &View) -> Html {
    let chosen = view.event.as_deref().filter(|event| !event.is_empty());
    let filter = chosen.map_or_else(String::new, |event| format!("event={}&", encode(event)));
    let path = format!("/v1/sys/events/recent?{filter}limit={EVENTS}");
    let cli = match chosen {
        Some(event) => format!("events {key} --event {}", quoted(event)),
        None => format!("events {key}"),
    };
    let tools = by_hand(context, key, &cli, &path);
    let events = ask::get::<RecentEvents>(context, key, &path)
        .await
        .map_err(Failed::of(key));
    let content = events.map(|events| {
        let now = Timestamp(context.clock().now());
        let empty = if events.events.is_empty() {
            empty_state(
                "Events will be listed here as they are emitted.",
                &command(context, &format!("emit {key} note:made '{{\"id\":\"7\"}}'")),
            )
        } else {
            Html::default()
        };
        let more = match events.cursor {
            Some(_) => format!(r#"<p class="quiet note">The newest {EVENTS}.</p>"#),
            None => String::new(),
        };
        Html::trusted(format!(
            "{}{}{empty}{more}",
            Html::from(Filter { view }),
            table(&events.events, now).html()
        ))
    });
    parts::section("events", "Events", &tools, content)
}

/// Where the events that match come from as they are emitted, after those that a page of that moment has.
pub(crate) fn follow_path(view: &View, since: Option<Timestamp>) -> String {
    let filter = view
        .event
        .as_deref()
        .filter(|event| !event.is_empty())
        .map_or_else(String::new, |event| format!("event={}&", encode(event)));
    let since = since.map_or_else(String::new, |since| format!("since={since}"));
    format!("/v1/sys/events?{filter}{since}")
}

/// Events as rows; a live message adds them to those on the page.
pub(crate) fn table(events: &[Event], now: Timestamp) -> Table {
    let table = Table::new("Events")
        .stacked()
        .live_id("event-rows")
        .growing(KEPT)
        .column("When")
        .column("Event")
        .wide("Data")
        .column("Id");
    events.iter().fold(table, |table, event| {
        let data = event.data.as_ref().map_or("", |data| data.text());
        let cut: String = data.chars().take(DATA_CHARACTERS).collect();
        let data = Html::trusted(format!(
            r#"<code title="{}">{}{}</code>"#,
            Html::text(data),
            Html::text(&cut),
            if cut.len() < data.len() { "…" } else { "" }
        ));
        let id = Html::trusted(format!(
            r#"<span class="id" title="{}">{}</span>"#,
            Html::text(&event.id),
            Html::text(short(&event.id))
        ));
        table.keyed_row(
            &event.id,
            [ago(event.timestamp, now.0), Html::text(&event.event), data, id],
        )
    })
}
