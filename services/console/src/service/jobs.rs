//! Jobs by status, with what can be done about them; schedules.

use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::pages::command;
use syscall_sdk::pages::{Html, Table, ago, empty_state, id, pager, time};
use syscall_sdk::wire::{Job, JobStatus, Jobs, Schedules};

use crate::ask::{self, encode};
use crate::parts::{self, Failed, by_hand, job_badge, short};
use crate::view::View;

/// Jobs on a page.
const JOBS: usize = 20;

pub(crate) async fn section(context: &Context, key: &str, view: &View) -> Html {
    let cli = match view.status() {
        Some(status) => format!("jobs {key} --status {status}"),
        None => format!("jobs {key}"),
    };
    let tools = by_hand(context, key, &cli, &path(view));
    let content = content(context, key, view).await.map_err(Failed::of(key));
    parts::section("jobs", "Jobs", &tools, content)
}

/// The jobs alone, as live messages and actions renew them.
///
/// # Errors
/// Where the service does not list its jobs.
pub(crate) async fn content(context: &Context, key: &str, view: &View) -> Result<Html> {
    let page: Jobs = ask::get(context, key, &path(view)).await?;
    let words: Vec<(&str, String, bool)> = std::iter::once(("all", String::new(), view.status().is_none()))
        .chain(
            JobStatus::ALL
                .iter()
                .map(|status| (status.as_str(), status.to_string(), view.status() == Some(*status))),
        )
        .map(|(label, value, current)| {
            (
                label,
                format!("/services/{key}{}#jobs", view.with("jobs", &value)),
                current,
            )
        })
        .collect();
    let list = if page.jobs.is_empty() {
        empty_state(
            "Jobs will be listed here: work that is kept until it is done.",
            &command(context, &format!("job create {key} NAME '{{}}'")),
        )
    } else {
        table(context, key, view, &page.jobs)
    };
    let all = match view.status() {
        Some(status @ (JobStatus::Failed | JobStatus::Cancelled)) if !page.jobs.is_empty() => {
            retry_all(key, view, status)
        }
        _ => Html::default(),
    };
    let next = page
        .cursor
        .map(|cursor| format!("/services/{key}{}#jobs", view.with("before", &cursor)));
    let first = view
        .before
        .as_ref()
        .map(|_| format!("/services/{key}{}#jobs", view.with("before", "")));
    let pages = if next.is_some() || first.is_some() {
        pager(
            &format!("{} jobs, newest first", page.jobs.len()),
            first.as_deref(),
            next.as_deref(),
        )
    } else {
        Html::default()
    };
    Ok(Html::trusted(format!(
        r#"<div id="job-list" data-live-part>{}{all}{list}{pages}</div>"#,
        parts::choices("Jobs by status", &words)
    )))
}

fn path(view: &View) -> String {
    let mut path = format!("/v1/sys/jobs?limit={JOBS}");
    if let Some(status) = view.status() {
        path.push_str(&format!("&status={status}"));
    }
    if let Some(before) = view.before.as_deref().filter(|before| !before.is_empty()) {
        path.push_str(&format!("&cursor={}", encode(before)));
    }
    path
}

fn table(context: &Context, key: &str, view: &View, jobs: &[Job]) -> Html {
    let now = context.clock().now();
    let table = Table::new("Jobs")
        .stacked()
        .column("Id")
        .column("Name")
        .column("Status")
        .numbers("Attempt")
        .column("Created")
        .wide("Outcome")
        .column("");
    jobs.iter()
        .fold(table, |table, job| {
            let attempt = job.attempt.map_or_else(String::new, |attempt| attempt.to_string());
            let outcome = match (&job.error, &job.result, &job.progress) {
                _ if job.waiting_for.is_some() => waits(job),
                _ if job.paused.is_some() => job.paused.as_ref().map_or_else(String::new, parts::pause_remark),
                (Some(error), ..) => error.message.clone(),
                (None, Some(result), _) => result.text().to_owned(),
                (None, None, Some(progress)) => progress.text().to_owned(),
                (None, None, None) => String::new(),
            };
            let outcome = Html::trusted(format!(r#"<span title="{0}">{0}</span>"#, Html::text(outcome)));
            let link = format!("/services/{key}/jobs/{}", encode(&job.id));
            table.keyed_row(
                &job.id,
                [
                    id(short(&job.id), Some(&link)),
                    Html::text(&job.name),
                    job_badge(job.status),
                    Html::text(attempt),
                    ago(job.created_at, now),
                    outcome,
                    action(key, view, job),
                ],
            )
        })
        .html()
}

/// What a pending job waits for.
fn waits(job: &Job) -> String {
    let key = job.waiting_for.as_ref().and_then(|waits| waits.key.as_deref());
    key.map_or_else(String::new, |key| format!("Waits for its turn with key {key}."))
}

/// What can be done about a job as it stands.
fn action(key: &str, view: &View, job: &Job) -> Html {
    let (verb, word, look, question) = match job.status {
        JobStatus::Pending | JobStatus::Queued | JobStatus::Running => (
            "cancel",
            "Cancel",
            "is-bad",
            format!(
                "Cancel job {} ({})? What it has begun is not undone.",
                short(&job.id),
                job.name
            ),
        ),
        JobStatus::Failed | JobStatus::Cancelled => ("retry", "Retry", "", String::new()),
        JobStatus::Completed => return Html::default(),
    };
    form(key, view, &job.id, (verb, word, look), &question, &job.name)
}

/// Every job of a status that is dead, queued anew.
fn retry_all(key: &str, view: &View, status: JobStatus) -> Html {
    Html::trusted(format!(
        r#"<form class="needs-script tools" method="post" action="/services/{key}/jobs/retry{query}" data-action data-done="Queued anew." data-confirm="Queue every job that is {status} anew, with fresh attempts?"><button class="button is-small" id="retry-all">Retry all that are {status}</button></form>"#,
        key = Html::text(key),
        query = Html::text(view.query()),
    ))
}

fn form(key: &str, view: &View, id: &str, (verb, word, look): (&str, &str, &str), question: &str, name: &str) -> Html {
    let question = if question.is_empty() {
        String::new()
    } else {
        format!(r#" data-confirm="{}""#, Html::text(question))
    };
    let done = if verb == "cancel" { "Cancelled." } else { "Queued anew." };
    Html::trusted(format!(
        r#"<form class="needs-script" method="post" action="/services/{key}/jobs/{id}/{verb}{query}" data-action data-done="{done}"{question}><button class="button is-small {look}">{word}<span class="quiet-text"> {name}</span></button></form>"#,
        key = Html::text(key),
        id = encode(id),
        query = Html::text(view.query()),
        name = Html::text(name),
    ))
}

/// The crons.
pub(crate) async fn schedules(context: &Context, key: &str) -> Html {
    let tools = by_hand(context, key, &format!("jobs {key} --schedules"), "/v1/sys/schedules");
    let content = schedule_list(context, key).await.map_err(Failed::of(key));
    parts::section("schedules", "Schedules", &tools, content)
}

/// The crons alone, as actions renew them.
///
/// # Errors
/// Where the service does not list its schedules.
pub(crate) async fn schedule_list(context: &Context, key: &str) -> Result<Html> {
    let schedules: Schedules = ask::get(context, key, "/v1/sys/schedules").await?;
    let now = context.clock().now();
    let content = if schedules.schedules.is_empty() {
        empty_state(
            "Schedules will be listed here: each tick of one makes a job.",
            &command(context, &format!("job create {key} NAME '{{}}' --cron '0 * * * *'")),
        )
    } else {
        let table = Table::new("Schedules")
            .stacked()
            .column("Name")
            .column("Cron")
            .column("Time zone")
            .column("Next")
            .wide("Last")
            .column("");
        schedules
            .schedules
            .iter()
            .fold(table, |table, schedule| {
                let question = format!("Cancel the schedule of {}? It makes no more jobs.", schedule.name);
                table.keyed_row(
                    &schedule.id,
                    [
                        Html::text(&schedule.name),
                        id(&schedule.schedule, None),
                        Html::text(&schedule.timezone),
                        schedule
                            .next_run
                            .map_or_else(|| Html::text("never"), |next| ago(next, now)),
                        schedule.last_run.map_or_else(|| Html::text("not yet"), time),
                        form(
                            key,
                            &View::default(),
                            &schedule.id,
                            ("cancel", "Cancel", "is-bad"),
                            &question,
                            &schedule.name,
                        ),
                    ],
                )
            })
            .html()
    };
    Ok(Html::trusted(format!(
        r#"<div id="schedule-list" data-live-part>{content}</div>"#
    )))
}
