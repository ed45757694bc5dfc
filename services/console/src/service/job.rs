//! One job, with its attempts.

use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::pages::command;
use syscall_sdk::jobs::FLOW_PREFIX;
use syscall_sdk::pages::chart::Unit;
use syscall_sdk::pages::{Html, Table, code_block, empty_state, facts, id, time};
use syscall_sdk::wire::{Job, JobStatus, Json, Timestamp};

use crate::ask::{self, encode};
use crate::parts::{by_hand, frame, job_badge, short};

/// The page of a job.
///
/// # Errors
/// Where there is no such job, or the service does not answer.
pub(crate) async fn page(context: &Context, key: &str, job: &str) -> Result<String> {
    let key = context.registry().get(key)?.key.clone();
    let path = format!("/v1/sys/job/{}", encode(job));
    let job: Job = ask::get(context, &key, &path).await?;
    let moment = |at: Option<Timestamp>| at.map_or_else(|| Html::text("–"), time);
    let text = |label: &str, json: &Option<Json>| match json {
        Some(json) => code_block(label, serde_json::to_string_pretty(&json.value()).unwrap_or_default()),
        None => Html::trusted(r#"<p class="quiet">None.</p>"#),
    };
    let known = facts([
        ("Status", job_badge(job.status)),
        ("Created", time(job.created_at)),
        ("Not before", moment(job.run_at)),
        ("Deadline", moment(job.deadline)),
        ("Latest attempt", moment(job.started_at)),
        ("Ended", moment(job.completed_at)),
        ("Attempt", Html::text(job.attempt.unwrap_or(0))),
        ("Failures that end it", Html::text(job.max_attempts.unwrap_or(0))),
        ("Priority", Html::text(job.priority.unwrap_or(0))),
        ("Begins by", moment(job.start_by)),
        ("Made anew of", other(&key, job.redrive_of.as_deref())),
        ("Made anew as", other(&key, job.redriven_as.as_deref())),
        (
            "Schedule",
            job.schedule_id
                .as_deref()
                .map_or_else(|| Html::text("–"), |schedule| id(schedule, None)),
        ),
    ]);
    let content = format!(
        concat!(
            r#"<div class="page-head"><div><h1>{}</h1><p class="id">{}</p></div><div class="tools">{}<a class="button" href="/services/{}/why/{}">Why</a><a class="button" href="/services/{}#jobs">Jobs of {}</a></div></div>"#,
            r#"<div class="card">{}</div>{}<section class="section"><div class="section-head"><h2>Attempts</h2></div>{}</section>"#,
            r#"<section class="section"><div class="columns"><div><h2>Parameters</h2>{}</div><div><h2>Result</h2>{}</div></div></section>"#
        ),
        Html::text(&job.name),
        Html::text(&job.id),
        by_hand(context, &key, &format!("job show {key} {}", job.id), &path),
        Html::text(&key),
        encode(&job.id),
        Html::text(&key),
        Html::text(&key),
        known,
        edit(&key, &job),
        attempts(context, &key, &job),
        text("Parameters", &job.params),
        text("Result", &job.result),
    );
    Ok(frame(context, &job.name)
        .await
        .path(&format!("/services/{key}/jobs/{}", job.id))
        .render(Html::trusted(content)))
}

/// A link to another job of the service.
fn other(key: &str, job: Option<&str>) -> Html {
    job.map_or_else(
        || Html::text("–"),
        |job| id(short(job), Some(&format!("/services/{key}/jobs/{}", encode(job)))),
    )
}

/// Where a dead job is edited and made anew; nothing for one that is not dead, or of which another was made.
fn edit(key: &str, job: &Job) -> Html {
    let dead = matches!(job.status, JobStatus::Failed | JobStatus::Cancelled);
    if !dead || job.redriven_as.is_some() || job.name.starts_with(FLOW_PREFIX) || job.attempt.is_none() {
        return Html::default();
    }
    let params = job.params.as_ref().map(Json::value);
    let params = params.map_or_else(String::new, |params| {
        serde_json::to_string_pretty(&params).unwrap_or_default()
    });
    Html::trusted(format!(
        concat!(
            r#"<section class="section" id="job-redrive"><div class="section-head"><h2>Make it anew</h2></div>"#,
            r#"<form class="stack needs-script" method="post" action="/services/{key}/jobs/{id}/redrive" data-action data-done="Made anew.">"#,
            r#"<p class="quiet">Another job is made of this one, with what you edit; this one keeps its story.</p>"#,
            r#"<div class="field"><label for="redrive-params">Parameters, as JSON</label><textarea id="redrive-params" name="params" data-type="json" spellcheck="false">{params}</textarea></div>"#,
            r#"<div class="field"><label for="redrive-attempts">Failures that end it</label><input id="redrive-attempts" name="maxAttempts" type="number" min="1" max="1000" data-type="number" value="{attempts}"></div>"#,
            r#"<div class="tools"><button class="button is-first">Make it anew</button></div></form></section>"#
        ),
        key = Html::text(key),
        id = encode(&job.id),
        params = Html::text(params),
        attempts = Html::text(job.max_attempts.unwrap_or(1)),
    ))
}

/// What stands in the place of the form when it is done.
pub(crate) fn redriven(key: &str, made: &str) -> Html {
    let link = format!("/services/{key}/jobs/{}", encode(made));
    Html::trusted(format!(
        r#"<section class="section" id="job-redrive"><div class="section-head"><h2>Made anew</h2></div><p>As job {}.</p></section>"#,
        id(short(made), Some(&link))
    ))
}

fn attempts(context: &Context, key: &str, job: &Job) -> Html {
    let ended = job.attempts.as_deref().unwrap_or_default();
    if ended.is_empty() {
        return empty_state(
            "Attempts will be listed here as they end.",
            &command(context, &format!("jobs {key}")),
        );
    }
    let table = Table::new("Attempts")
        .stacked()
        .numbers("No.")
        .column("Outcome")
        .column("Began")
        .numbers("Took")
        .wide("Error")
        .column("Trace");
    ended
        .iter()
        .fold(table, |table, attempt| {
            let took = (attempt.ended_at.0 - attempt.started_at.0).num_milliseconds();
            let trace = attempt.trace_id.as_deref().map_or_else(Html::default, |trace| {
                id(trace.get(..8).unwrap_or(trace), Some(&format!("/traces/{trace}")))
            });
            table.row([
                Html::text(attempt.attempt),
                Html::text(&attempt.outcome),
                time(attempt.started_at),
                Html::text(Unit::Milliseconds.format(took as f64)),
                Html::text(attempt.error.as_ref().map_or("", |error| error.message.as_str())),
                trace,
            ])
        })
        .html()
}
