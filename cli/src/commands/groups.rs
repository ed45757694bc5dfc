//! `blackroad groups SERVICE`, `blackroad group seek|rm SERVICE GROUP`.

use anyhow::{Result, bail};
use reqwest::Method;
use serde_json::json;
use syscall_sdk::wire::{Group, Groups};

use crate::args::{self, One, OneGroup};
use crate::remote::Remote;
use crate::{input, print};

const PATH: &str = "/v1/sys/events/groups";

pub(super) async fn list(remote: &Remote, machine: bool, which: One) -> Result<()> {
    let found: Groups = remote.get(&which.service, PATH, &[]).await?;
    if machine {
        return print::json(&found);
    }
    if found.groups.is_empty() {
        return print::line("no groups");
    }
    let mut table = print::table(&["group", "event", "cursor", "outstanding", "lag", "dead", "made"]);
    for group in found.groups {
        table.add_row([
            group.name,
            group.event.unwrap_or_else(|| "*".to_owned()),
            group.cursor,
            group.outstanding.to_string(),
            group.lag.to_string(),
            group.dead.to_string(),
            print::age(group.created_at),
        ]);
    }
    print::show(&table)
}

pub(super) async fn run(remote: &Remote, machine: bool, group: args::Group) -> Result<()> {
    match group {
        args::Group::Seek(seek) => {
            let path = path(&seek.one, "/seek")?;
            let to = place(&seek.to)?;
            let moved: Group = remote.post(&seek.one.service, &path, &json!({ "to": to })).await?;
            if machine {
                return print::json(&moved);
            }
            print::line(format!("{} is at {}, {} wait", moved.name, moved.cursor, moved.lag))
        }
        args::Group::Rm(one) => {
            let request = remote.request(Method::DELETE, &one.service, &path(&one, "")?)?;
            remote.send(&one.service, request).await?.done()?;
            if machine {
                return print::json(&json!({ "group": one.group, "deleted": true }));
            }
            print::line(format!("{} is forgotten", one.group))
        }
    }
}

/// Ages are counted back from now; everything else is for the service to read.
fn place(text: &str) -> Result<String> {
    if args::duration(text).is_ok() {
        return input::moment(text);
    }
    Ok(text.to_owned())
}

fn path(one: &OneGroup, rest: &str) -> Result<String> {
    if one.group.contains(['/', '?', '#']) {
        bail!(
            "{:?} is no group; groups are lower-case letters, digits and dashes",
            one.group
        );
    }
    Ok(format!("{PATH}/{}{rest}", one.group))
}
