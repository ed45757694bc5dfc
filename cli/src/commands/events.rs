//! `blackroad events SERVICE [--event user:*] [--since 15m]`.

use anyhow::{Context as _, Result};
use syscall_sdk::rpc::sse::Message;
use syscall_sdk::wire::Event;

use crate::args::Events;
use crate::follow::{Stream, follow};
use crate::input;
use crate::print::{self, DIM, NAME, WARN};
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, machine: bool, events: Events) -> Result<()> {
    let since = events.since.as_deref().map(input::moment).transpose()?;
    let stream = Stream {
        service: &events.service,
        path: "/v1/sys/events",
        query: vec![("event", events.event.clone()), ("since", since)],
    };
    follow(remote, stream, |message| show(message, machine)).await
}

fn show(message: &Message, machine: bool) -> Result<()> {
    if machine {
        return print::line(&message.data);
    }
    let event: Event = serde_json::from_str(&message.data).context("the stream holds what is no event")?;
    let style = if event.event == "gap" { WARN } else { NAME };
    let data = event.data.as_ref().map_or("", |data| data.text());
    print::line(format!(
        "{DIM}{}{DIM:#} {style}{}{style:#} {data}",
        print::time_of_day(event.timestamp),
        event.event
    ))
}
