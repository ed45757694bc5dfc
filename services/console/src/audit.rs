//! The audit trail: who did what, and was it let happen.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use syscall_sdk::context::Context;
use syscall_sdk::contract::audit::KEEPER;
use syscall_sdk::http::pages::command;
use syscall_sdk::pages::{Html, Table, Tone, ago, badge, empty_state, id, pager};
use syscall_sdk::wire::{AuditEntry, AuditOutcome, AuditPage};

use crate::ask::{self, encode};
use crate::parts::{self, Failed, by_hand, choices, frame, quoted};

/// Entries of a page: some two screens, so that the next page is asked for before the reader is lost in this one.
const SHOWN: usize = 50;

/// What a reader has chosen to see of the trail.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Choice {
    /// `allowed`, `denied` or `failed`.
    outcome: Option<String>,
    /// Only of this actor.
    actor: Option<String>,
    /// Only what this service put on the record.
    service: Option<String>,
    /// Only on this.
    target: Option<String>,
    /// Only this action.
    action: Option<String>,
    /// Entries before this one; what is no place is the first page.
    before: Option<String>,
}

impl Choice {
    /// What is chosen, by name; the first page of it.
    fn chosen(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("outcome", &self.outcome),
            ("service", &self.service),
            ("actor", &self.actor),
            ("target", &self.target),
            ("action", &self.action),
        ];
        let said = all
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        said.filter(|(_, value)| !value.is_empty()).collect()
    }

    fn query(&self, also: Option<(&'static str, String)>) -> String {
        let mut pairs: Vec<String> = self
            .chosen()
            .into_iter()
            .filter(|(name, _)| also.as_ref().is_none_or(|(other, _)| other != name))
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        pairs.extend(
            also.filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("{name}={}", encode(&value))),
        );
        match pairs.is_empty() {
            true => String::new(),
            false => format!("?{}", pairs.join("&")),
        }
    }

    /// The page with one thing chosen anew; an empty value is no choice.
    fn with(&self, name: &'static str, value: &str) -> String {
        format!("/audit{}", self.query(Some((name, value.to_owned()))))
    }

    fn before(&self) -> Option<u64> {
        self.before.as_deref()?.parse().ok()
    }

    /// What is asked of the keeper.
    fn path(&self) -> String {
        let chosen = self.query(Some(("limit", SHOWN.to_string())));
        match self.before() {
            Some(before) => format!("/v1/audit{chosen}&before={before}"),
            None => format!("/v1/audit{chosen}"),
        }
    }
}

pub(crate) async fn page(context: &Context, choice: &Choice) -> String {
    let asked: Result<AuditPage, _> = ask::get(context, KEEPER, &choice.path()).await;
    let flags: String = choice
        .chosen()
        .into_iter()
        .map(|(name, value)| format!(" --{name} {}", quoted(value)))
        .collect();
    let tools = by_hand(context, KEEPER, &format!("audit list{flags}"), &choice.path());
    let content = asked
        .map(|page| content(context, choice, &page))
        .map_err(Failed::of(KEEPER));
    let content = format!(
        concat!(
            r#"<div class="page-head"><div><h1>Audit</h1><p>Every decision that matters, of every service, in one chain: "#,
            r#"<code>{verify}</code> finds an entry that was changed, removed or moved.</p></div></div>{section}"#
        ),
        verify = Html::text(command(context, "audit verify")),
        section = parts::section("trail", "Trail", &tools, content),
    );
    frame(context, "Audit")
        .await
        .path("/audit")
        .render(Html::trusted(content))
}

fn content(context: &Context, choice: &Choice, page: &AuditPage) -> Html {
    let head = match page.head.sequence {
        0 => String::new(),
        last => format!(
            r#"<p class="quiet note">The chain ends at {last}, {}…</p>"#,
            Html::text(page.head.hash.get(..12).unwrap_or_default())
        ),
    };
    let older = page.cursor.map(|cursor| choice.with("before", &cursor.to_string()));
    let newest = choice.before().map(|_| format!("/audit{}", choice.query(None)));
    let shown = match (page.entries.first(), page.entries.last()) {
        (Some(first), Some(last)) => format!("Entries {} to {}", first.sequence, last.sequence),
        _ => "No entries".to_owned(),
    };
    Html::trusted(format!(
        "{}{}{}{}{head}",
        outcomes(choice),
        chosen(choice),
        list(context, choice, &page.entries),
        pager(&shown, newest.as_deref(), older.as_deref()),
    ))
}

fn outcomes(choice: &Choice) -> Html {
    let words = [
        ("All", ""),
        ("Allowed", "allowed"),
        ("Denied", "denied"),
        ("Failed", "failed"),
    ];
    let current = choice.outcome.as_deref().unwrap_or_default();
    let links = words.map(|(label, value)| (label, choice.with("outcome", value), value == current));
    choices("Which outcomes", &links)
}

/// What thins the list out, each with a way to drop it.
fn chosen(choice: &Choice) -> Html {
    let narrowed = choice.chosen().into_iter().filter(|(name, _)| *name != "outcome");
    let marks: String = narrowed
        .map(|(name, value)| {
            format!(
                r#" <a class="button is-quiet" href="{}">{name} {} ×</a>"#,
                Html::text(choice.with(name, "")),
                Html::text(value)
            )
        })
        .collect();
    if marks.is_empty() {
        return Html::default();
    }
    Html::trusted(format!(r#"<p class="note">Only{marks}</p>"#))
}

fn list(context: &Context, choice: &Choice, entries: &[AuditEntry]) -> Html {
    if entries.is_empty() {
        return empty_state(
            "Decisions will be listed here: who signed in, whose key was made, who was refused what.",
            &command(context, "audit list"),
        );
    }
    let now = context.clock().now();
    let by = |name: &'static str, value: &str| {
        Html::trusted(format!(
            r#"<a href="{}">{}</a>"#,
            Html::text(choice.with(name, value)),
            Html::text(value)
        ))
    };
    let table = Table::new("Audit trail")
        .stacked()
        .numbers("Entry")
        .column("When")
        .column("Service")
        .column("Who");
    let table = table.column("What").wide("On what").column("Outcome").column("Trace");
    entries
        .iter()
        .fold(table, |table, entry| {
            let from = entry.address.as_ref().map(|address| format!(" from {address}"));
            let times = (entry.count > 1).then(|| format!(" × {}", entry.count));
            let cells = [
                Html::text(entry.sequence),
                when(entry, now),
                by("service", &entry.service),
                Html::trusted(format!(
                    "<span>{}{}</span>",
                    by("actor", &entry.actor),
                    Html::text(from.unwrap_or_default())
                )),
                Html::trusted(format!(
                    "<span>{}{}</span>",
                    by("action", &entry.action),
                    Html::text(times.unwrap_or_default())
                )),
                by("target", &entry.target),
                Html::trusted(format!(
                    "<span>{} {}</span>",
                    outcome(entry.outcome),
                    Html::text(entry.reason.as_deref().unwrap_or_default())
                )),
                entry.trace.as_ref().map_or_else(Html::default, |trace| {
                    id(
                        trace.get(..8).unwrap_or(trace),
                        Some(&format!("/traces/{}", encode(trace))),
                    )
                }),
            ];
            table.keyed_row(&entry.sequence.to_string(), cells)
        })
        .html()
}

/// When it is said to have happened, and when core took it, where the two are far apart.
fn when(entry: &AuditEntry, now: DateTime<Utc>) -> Html {
    match entry.received.filter(|_| entry.apart().is_some()) {
        None => ago(entry.at, now),
        Some(received) => Html::trusted(format!(
            "<span>{} {} {}</span>",
            ago(entry.at, now),
            badge(Tone::Warn, "taken"),
            ago(received, now)
        )),
    }
}

fn outcome(outcome: AuditOutcome) -> Html {
    match outcome {
        AuditOutcome::Allowed => badge(Tone::Good, "allowed"),
        AuditOutcome::Denied => badge(Tone::Warn, "denied"),
        AuditOutcome::Failed => badge(Tone::Bad, "failed"),
    }
}
