//! `blackroad subscriptions SERVICE`.

use anyhow::Result;
use syscall_sdk::wire::Subscriptions;

use crate::args::One;
use crate::print;
use crate::remote::Remote;

pub(super) async fn run(remote: &Remote, machine: bool, which: One) -> Result<()> {
    let found: Subscriptions = remote.get(&which.service, "/v1/sys/events/subscriptions", &[]).await?;
    if machine {
        return print::json(&found);
    }
    if found.outgoing.is_empty() && found.incoming.is_empty() {
        return print::line("no subscriptions");
    }
    let mut table = print::table(&["", "service", "event", "cursor", "lag", "dead", ""]);
    for one in found.outgoing {
        table.add_row([
            "to".to_owned(),
            one.subscriber,
            one.event,
            one.cursor,
            one.lag.to_string(),
            String::new(),
            one.error.map(|error| print::short(&error, 60)).unwrap_or_default(),
        ]);
    }
    for one in found.incoming {
        let remark = match (&one.error, one.retry_at, &one.refused) {
            (Some(error), Some(at), _) => format!("{}, tried again {}", print::short(error, 60), print::age(at)),
            (_, _, Some(why)) => format!("the source refuses it: {why}"),
            _ if !one.registered => "the source has not heard of it yet".to_owned(),
            _ => String::new(),
        };
        table.add_row([
            "from".to_owned(),
            one.source,
            one.id,
            one.cursor.unwrap_or_default(),
            String::new(),
            one.dead.to_string(),
            remark,
        ]);
    }
    print::show(&table)
}
