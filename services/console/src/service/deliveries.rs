//! Events on their way: what the service pushes, what is pushed to it, and the groups that pull.

use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::pages::command;
use syscall_sdk::pages::{Html, Table, empty_state};
use syscall_sdk::wire::{Group, Groups, Incoming, Outgoing, Subscriptions};

use crate::ask;
use crate::parts::{self, Failed, by_hand};

/// Where the subscriptions are asked for.
const PATH: &str = "/v1/sys/events/subscriptions";

pub(crate) async fn section(context: &Context, key: &str) -> Html {
    let tools = by_hand(context, key, &format!("subscriptions {key}"), PATH);
    let content = content(context, key).await.map_err(Failed::of(key));
    parts::section("subscriptions", "Subscriptions and groups", &tools, content)
}

async fn content(context: &Context, key: &str) -> Result<Html> {
    let (subscriptions, groups) = tokio::join!(
        ask::get::<Subscriptions>(context, key, PATH),
        ask::get::<Groups>(context, key, "/v1/sys/events/groups"),
    );
    let (subscriptions, groups) = (subscriptions?, groups?);
    if subscriptions.outgoing.is_empty() && subscriptions.incoming.is_empty() && groups.groups.is_empty() {
        return Ok(empty_state(
            "Subscriptions of other services to this one's events, its own to theirs, and groups of consumers will be listed here.",
            &command(context, &format!("subscriptions {key}")),
        ));
    }
    let table = Table::new("Subscriptions and groups")
        .stacked()
        .column("Who")
        .column("Event")
        .numbers("Waiting")
        .numbers("Dead")
        .wide("State");
    let rows = subscriptions
        .outgoing
        .iter()
        .map(outgoing)
        .chain(subscriptions.incoming.iter().map(incoming))
        .chain(groups.groups.iter().map(group));
    Ok(rows.fold(table, Table::row).html())
}

fn outgoing(one: &Outgoing) -> [Html; 5] {
    let state = one
        .error
        .clone()
        .unwrap_or_else(|| format!("delivered up to {}", one.cursor));
    [
        Html::text(format!("to {}", one.subscriber)),
        Html::text(&one.event),
        Html::text(waiting(one.lag)),
        Html::default(),
        Html::text(state),
    ]
}

fn incoming(one: &Incoming) -> [Html; 5] {
    let state = match (&one.error, &one.refused, &one.cursor) {
        (Some(error), _, _) => format!("failed {} times: {error}", one.failures),
        (None, Some(why), _) => format!("the source refuses it: {why}"),
        (None, None, _) if !one.registered => "the source has not heard of it yet".to_owned(),
        (None, None, Some(cursor)) => format!("handled up to {cursor}"),
        (None, None, None) => "nothing has come yet".to_owned(),
    };
    [
        Html::text(format!("from {}", one.source)),
        Html::text(&one.id),
        Html::default(),
        Html::text(one.dead),
        Html::text(state),
    ]
}

fn group(one: &Group) -> [Html; 5] {
    [
        Html::text(format!("group {}", one.name)),
        Html::text(one.event.as_deref().unwrap_or("*")),
        Html::text(waiting(one.lag)),
        Html::text(one.dead),
        Html::text(format!(
            "acknowledged up to {}, {} given out",
            one.cursor, one.outstanding
        )),
    ]
}

/// The service counts no further than this.
fn waiting(lag: u64) -> String {
    if lag >= 1_000 {
        "1,000 or more".to_owned()
    } else {
        lag.to_string()
    }
}
