//! `blackroad logs SERVICE [-f] [--level] [--grep] [-n]`.

use std::collections::VecDeque;

use anyhow::{Context as _, Result};
use syscall_sdk::wire::LogEntry;

use crate::args::Logs;
use crate::follow::{Stream, follow};
use crate::print::{self, DIM};
use crate::remote::Remote;

/// Lines whose ids are remembered, so that a stream that was cut and resumed repeats none: what one resumption can bring.
const REMEMBERED: usize = 1_000;

pub(super) async fn run(remote: &Remote, machine: bool, logs: Logs) -> Result<()> {
    let query = |lines: usize, offset: Option<usize>| {
        vec![
            ("level", logs.level.map(|level| level.to_string())),
            ("q", logs.grep.clone()),
            ("traceId", logs.trace.clone()),
            ("limit", Some(lines.to_string())),
            ("offset", offset.map(|offset| offset.to_string())),
        ]
    };
    if !logs.follow {
        return latest(remote, machine, &logs, query).await;
    }
    let mut query = query(logs.lines, None);
    query.push(("follow", Some("true".to_owned())));
    let stream = Stream {
        service: &logs.service,
        path: "/v1/sys/logs",
        query,
    };
    let mut seen = VecDeque::new();
    follow(remote, stream, |message| {
        let entry: LogEntry = serde_json::from_str(&message.data).context("the stream holds what is no log line")?;
        if seen.contains(&entry.id) {
            return Ok(());
        }
        seen.push_back(entry.id.clone());
        if seen.len() > REMEMBERED {
            seen.pop_front();
        }
        show(&entry, machine)
    })
    .await
}

/// The answer counts from the oldest, and people want the latest: the total says where those begin.
async fn latest(
    remote: &Remote,
    machine: bool,
    logs: &Logs,
    query: impl Fn(usize, Option<usize>) -> Vec<(&'static str, Option<String>)>,
) -> Result<()> {
    let page = async |limit, offset| {
        let found: syscall_sdk::wire::Logs = remote.get(&logs.service, "/v1/sys/logs", &query(limit, offset)).await?;
        anyhow::Ok(found)
    };
    let mut found = page(logs.lines, None).await?;
    if found.total > found.logs.len() {
        found = page(logs.lines, Some(found.total.saturating_sub(logs.lines))).await?;
    }
    if machine {
        return print::json(&found);
    }
    found.logs.iter().try_for_each(|entry| show(entry, false))
}

fn show(entry: &LogEntry, machine: bool) -> Result<()> {
    if machine {
        return print::json(entry);
    }
    let style = print::level(entry.level);
    let meta = entry
        .meta
        .as_ref()
        .map_or_else(String::new, |meta| format!(" {DIM}{}{DIM:#}", print::said(meta.text())));
    print::line(format!(
        "{DIM}{}{DIM:#} {style}{:5}{style:#} {}{meta}",
        print::time_of_day(entry.timestamp),
        entry.level,
        print::said(&entry.message)
    ))
}
