//! The latest lines of a service's log, and those that come.

use askama::Template;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::pages::{Html, Tone};
use syscall_sdk::wire::{LogEntry, LogLevel, Logs};

use crate::ask::{self, encode};
use crate::parts::{self, Failed, by_hand, quoted};
use crate::view::View;

/// Lines on the page: the newest.
const LINES: usize = 100;
/// Lines that a page keeps while more come.
const KEPT: usize = 500;

#[derive(Template)]
#[template(path = "logs.html")]
struct Section<'a> {
    view: &'a View,
    levels: Vec<(&'static str, bool)>,
    lines: Html,
    more: String,
    kept: usize,
}

pub(crate) async fn section(context: &Context, key: &str, view: &View) -> Html {
    let path = format!("/v1/sys/logs?{}", query(view));
    let mut cli = format!("logs {key}");
    if let Some(level) = view.level() {
        cli.push_str(&format!(" --level {level}"));
    }
    if let Some(text) = view.q.as_deref().filter(|text| !text.is_empty()) {
        cli.push_str(&format!(" --grep {}", quoted(text)));
    }
    let tools = by_hand(context, key, &cli, &format!("{path}limit={LINES}"));
    let content = newest(context, key, &path)
        .await
        .map_err(Failed::of(key))
        .map(|(lines, total)| {
            Html::from(Section {
                view,
                levels: LogLevel::ALL
                    .iter()
                    .map(|level| (level.as_str(), view.level() == Some(*level)))
                    .collect(),
                more: if total > lines.len() {
                    format!("The newest {} of {total} lines that are kept.", lines.len())
                } else {
                    String::new()
                },
                lines: lines.iter().map(line).collect(),
                kept: KEPT,
            })
        });
    parts::section("logs", "Log", &tools, content)
}

/// The newest lines. The contract pages from the oldest, so that the place of the newest has to be asked for first.
async fn newest(context: &Context, key: &str, path: &str) -> Result<(Vec<LogEntry>, usize)> {
    let total = ask::get::<Logs>(context, key, &format!("{path}limit=0")).await?.total;
    let offset = total.saturating_sub(LINES);
    let logs = ask::get::<Logs>(context, key, &format!("{path}limit={LINES}&offset={offset}")).await?;
    Ok((logs.logs, total))
}

/// Where the lines that match come from as they are written, after the newest.
pub(crate) fn follow_path(view: &View) -> String {
    format!("/v1/sys/logs?{}follow=true&limit={LINES}", query(view))
}

fn query(view: &View) -> String {
    let mut query = String::new();
    if let Some(level) = view.level() {
        query.push_str(&format!("level={level}&"));
    }
    if let Some(text) = view.q.as_deref().filter(|text| !text.is_empty()) {
        query.push_str(&format!("q={}&", encode(text)));
    }
    query
}

/// A line, and what stands beside it.
pub(crate) fn line(entry: &LogEntry) -> Html {
    let tone = match entry.level {
        LogLevel::Debug => Tone::Neutral,
        LogLevel::Info => Tone::Info,
        LogLevel::Warn => Tone::Warn,
        LogLevel::Error | LogLevel::Fatal => Tone::Bad,
    };
    let facts: String = match entry.meta.as_ref().map(|meta| meta.value()) {
        Some(serde_json::Value::Object(members)) => members
            .iter()
            .map(|(name, value)| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                format!(" {name}={value}")
            })
            .collect(),
        _ => String::new(),
    };
    let trace = entry.trace_id.as_deref().map_or_else(String::new, |id| {
        format!(r#" <a href="/traces/{}">trace</a>"#, Html::text(id))
    });
    Html::trusted(format!(
        r#"<li data-key="{id}"><time datetime="{at}" title="{at}">{clock}</time><span class="tone-{tone}">{level}</span><span>{message}<span class="quiet">{facts}</span>{trace}</span></li>"#,
        id = Html::text(&entry.id),
        at = entry.timestamp,
        clock = entry.timestamp.0.format("%H:%M:%S%.3f"),
        tone = tone.as_str(),
        level = entry.level,
        message = Html::text(&entry.message),
        facts = Html::text(facts),
    ))
}
