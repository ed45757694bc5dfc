//! `blackroad state get|put|ls|rm|watch SERVICE …`.

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::Value;
use syscall_sdk::rpc::sse::Message;
use syscall_sdk::wire::{self, Entry, Event, StateChange, StateList};

use crate::args::{Key, Prefix, PutState, RemoveState, State};
use crate::follow::{Stream, follow};
use crate::input;
use crate::print::{self, BAD, DIM, NAME};
use crate::remote::Remote;

const PATH: &str = "/v1/sys/state";
/// Keys that are asked for at once while all are listed.
const PAGE: usize = 1_000;

pub(super) async fn run(remote: &Remote, machine: bool, state: State) -> Result<()> {
    match state {
        State::Get(key) => get(remote, machine, key).await,
        State::Put(put) => self::put(remote, machine, put).await,
        State::Ls(prefix) => list(remote, machine, prefix).await,
        State::Rm(key) => remove(remote, machine, key).await,
        State::Watch(prefix) => watch(remote, machine, prefix).await,
    }
}

async fn get(remote: &Remote, machine: bool, key: Key) -> Result<()> {
    let entry: Entry = remote.get(&key.service, PATH, &[("key", Some(key.key))]).await?;
    if machine {
        print::json(&entry)
    } else {
        print::stored(&entry.value)
    }
}

async fn put(remote: &Remote, machine: bool, put: PutState) -> Result<()> {
    let body = wire::PutState {
        key: put.key,
        value: Some(input::json(&put.value)?),
        expected_version: put.expect,
        ttl: put.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)),
    };
    let request = remote.request(Method::PUT, &put.service, PATH)?.json(&body);
    let entry: Entry = remote.send(&put.service, request).await?.read()?;
    if machine {
        return print::json(&entry);
    }
    print::line(format!("{} is at version {}", entry.key, entry.version))
}

async fn list(remote: &Remote, machine: bool, prefix: Prefix) -> Result<()> {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let query = [
            ("prefix", prefix.prefix.clone()),
            ("limit", Some(PAGE.to_string())),
            ("cursor", cursor),
        ];
        let page: StateList = remote.get(&prefix.service, PATH, &query).await?;
        all.extend(page.state);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    if machine {
        return print::json(&StateList { state: all, cursor });
    }
    if all.is_empty() {
        return print::line("no keys");
    }
    let mut table = print::table(&["key", "version", "updated", "value"]);
    for entry in all {
        table.add_row([
            entry.key,
            entry.version.to_string(),
            print::age(entry.updated_at),
            print::short(entry.value.text(), 80),
        ]);
    }
    print::show(&table)
}

async fn remove(remote: &Remote, machine: bool, key: RemoveState) -> Result<()> {
    let mut request = remote
        .request(Method::DELETE, &key.service, PATH)?
        .query(&[("key", &key.key)]);
    if let Some(version) = key.expect {
        request = request.query(&[("expectedVersion", version)]);
    }
    let answer: Value = remote.send(&key.service, request).await?.read()?;
    if machine {
        return print::json(&answer);
    }
    print::line(match answer["deleted"].as_bool() {
        Some(true) => format!("{} is deleted", key.key),
        _ => format!("{} was not there", key.key),
    })
}

async fn watch(remote: &Remote, machine: bool, prefix: Prefix) -> Result<()> {
    let stream = Stream {
        service: &prefix.service,
        path: "/v1/sys/state/watch",
        query: vec![("prefix", prefix.prefix.clone())],
    };
    follow(remote, stream, |message| change(message, machine)).await
}

fn change(message: &Message, machine: bool) -> Result<()> {
    if machine {
        return print::line(&message.data);
    }
    let event: Event = serde_json::from_str(&message.data).context("the stream holds what is no event")?;
    let at = print::time_of_day(event.timestamp);
    let Some(Ok(change)) = event.data.as_ref().map(|data| data.to::<StateChange>()) else {
        return print::line(format!("{DIM}{at}{DIM:#} {}", event.event));
    };
    print::line(match change.entry {
        Some(entry) => format!(
            "{DIM}{at}{DIM:#} {NAME}{}{NAME:#} {DIM}v{}{DIM:#} {}",
            entry.key,
            entry.version,
            entry.value.text()
        ),
        None => format!("{DIM}{at}{DIM:#} {NAME}{}{NAME:#} {BAD}deleted{BAD:#}", change.key),
    })
}
