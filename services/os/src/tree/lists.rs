//! Directories of things by id: jobs, schedules, events, traces.

use blackroad_os_contracts::os::{FsEntry, FsKind, FsNode};
use syscall_sdk::error::Result;
use syscall_sdk::wire::{Event, Job, Jobs, RecentEvents, Schedule, Schedules, Trace, Traces};

use super::{Ask, entry, file};
use crate::path::encode;

/// Pages of recent events through which one is looked for: the contract has no way to ask for one by its id.
const EVENT_PAGES: usize = 10;

fn by_id(id: &str, hint: String) -> FsEntry {
    entry(id, FsKind::File, Some(hint))
}

/// The query of a page of a list.
fn page(ask: &Ask<'_>, cursor: &str) -> String {
    let from = ask
        .window
        .cursor
        .as_ref()
        .map_or(String::new(), |at| format!("&{cursor}={}", encode(at)));
    format!("limit={}{from}", ask.window.limit)
}

pub(super) async fn jobs(ask: &Ask<'_>) -> Result<FsNode> {
    let jobs: Jobs = ask.get(&format!("/v1/sys/jobs?{}", page(ask, "cursor"))).await?;
    let entries = jobs
        .jobs
        .iter()
        .map(|job| by_id(&job.id, format!("{}, {}", job.name, job.status)));
    Ok(ask.dir(entries.collect(), jobs.cursor))
}

pub(super) async fn job(ask: &Ask<'_>, id: &str) -> Result<FsNode> {
    let job: Job = ask.get_one(&format!("/v1/sys/job/{}", encode(id))).await?;
    file(ask.path, &job)
}

pub(super) async fn schedules(ask: &Ask<'_>) -> Result<FsNode> {
    let schedules: Schedules = ask.get("/v1/sys/schedules").await?;
    let hint = |schedule: &Schedule| format!("{}, {} {}", schedule.name, schedule.schedule, schedule.timezone);
    let entries = schedules
        .schedules
        .iter()
        .map(|schedule| by_id(&schedule.id, hint(schedule)));
    Ok(ask.dir(entries.collect(), None))
}

pub(super) async fn schedule(ask: &Ask<'_>, id: &str) -> Result<FsNode> {
    let schedules: Schedules = ask.get("/v1/sys/schedules").await?;
    match schedules.schedules.iter().find(|schedule| schedule.id == id) {
        Some(schedule) => file(ask.path, schedule),
        None => Err(ask.nothing()),
    }
}

pub(super) async fn events(ask: &Ask<'_>) -> Result<FsNode> {
    let events: RecentEvents = ask
        .get(&format!("/v1/sys/events/recent?{}", page(ask, "before")))
        .await?;
    let entries = events.events.iter().map(|event| by_id(&event.id, event.event.clone()));
    Ok(ask.dir(entries.collect(), events.cursor))
}

pub(super) async fn event(ask: &Ask<'_>, id: &str) -> Result<FsNode> {
    let mut before = String::new();
    for _ in 0..EVENT_PAGES {
        let page: RecentEvents = ask.get(&format!("/v1/sys/events/recent?limit=1000{before}")).await?;
        let found: Option<&Event> = page.events.iter().find(|event| event.id == id);
        match (found, page.cursor) {
            (Some(event), _) => return file(ask.path, event),
            (None, Some(cursor)) => before = format!("&before={}", encode(&cursor)),
            (None, None) => break,
        }
    }
    Err(ask.nothing())
}

pub(super) async fn traces(ask: &Ask<'_>) -> Result<FsNode> {
    let traces: Traces = ask.get(&format!("/v1/sys/traces?limit={}", ask.window.limit)).await?;
    let entries = traces.traces.iter().map(|trace| {
        let failed = if trace.error { ", failed" } else { "" };
        by_id(
            &trace.trace_id,
            format!("{}, {:.1} ms{failed}", trace.name, trace.duration),
        )
    });
    Ok(ask.dir(entries.collect(), None))
}

pub(super) async fn trace(ask: &Ask<'_>, id: &str) -> Result<FsNode> {
    let trace: Trace = ask.get_one(&format!("/v1/sys/trace/{}", encode(id))).await?;
    file(ask.path, &trace)
}
