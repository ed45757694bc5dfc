//! Why something ran, and why it did not: the story that its service tells, as a page.

use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::pages::{Html, Table, Tone, badge, id, time};
use syscall_sdk::wire::{LogLevel, Why, WhyKind, WhyLink};

use crate::ask::{self, encode};
use crate::parts::{by_hand, frame};

/// The page of a story.
///
/// # Errors
/// Where the service has nothing of the id, or does not answer.
pub(crate) async fn page(context: &Context, key: &str, what: &str) -> Result<String> {
    let key = context.registry().get(key)?.key.clone();
    let path = format!("/v1/sys/why/{}", encode(what));
    let why: Why = ask::get(context, &key, &path).await?;
    let content = format!(
        concat!(
            r#"<div class="page-head"><div><h1>Why: {}</h1><p class="id">{}</p></div><div class="tools">{}{}</div></div>"#,
            r#"<p>{}</p><section class="section"><div class="section-head"><h2>What happened</h2></div>{}</section>"#,
            r#"{}<section class="section"><div class="section-head"><h2>What it hangs together with</h2></div>{}</section>"#
        ),
        Html::text(&why.name),
        Html::text(&why.id),
        by_hand(context, &key, &format!("why {} --service {key}", why.id), &path),
        back(&key, &why),
        Html::text(&why.summary),
        facts(&why),
        waits(&why),
        links(&key, &why),
    );
    Ok(frame(context, &format!("Why {}", why.name))
        .await
        .path(&format!("/services/{key}/why/{}", why.id))
        .render(Html::trusted(content)))
}

/// The way to what the story is of, where it has a page.
fn back(key: &str, why: &Why) -> Html {
    let (href, word) = match why.kind {
        WhyKind::Job | WhyKind::Workflow => (format!("/services/{key}/jobs/{}", encode(&why.id)), "The job"),
        WhyKind::Schedule | WhyKind::Event | WhyKind::Delivery => (format!("/services/{key}"), "The service"),
    };
    Html::trusted(format!(r#"<a class="button" href="{href}">{word}</a>"#))
}

fn facts(why: &Why) -> Html {
    let table = Table::new("What happened")
        .stacked()
        .column("When")
        .wide("What")
        .column("");
    let rows = why.facts.iter();
    rows.fold(table, |table, fact| {
        let mark = match fact.level {
            LogLevel::Debug | LogLevel::Info => Html::default(),
            LogLevel::Warn => badge(Tone::Warn, "look"),
            LogLevel::Error | LogLevel::Fatal => badge(Tone::Bad, "failed"),
        };
        table.row([time(fact.at), Html::text(&fact.what), mark])
    })
    .html()
}

fn waits(why: &Why) -> Html {
    if why.waits.is_empty() {
        return Html::default();
    }
    let table = Table::new("What it waits for").stacked().wide("What").column("Until");
    let rows = why.waits.iter();
    let table = rows.fold(table, |table, wait| {
        let until = wait.until.map_or_else(|| Html::text("–"), time);
        table.row([Html::text(&wait.what), until])
    });
    Html::trusted(format!(
        r#"<section class="section"><div class="section-head"><h2>What it waits for</h2></div>{}</section>"#,
        table.html()
    ))
}

fn links(key: &str, why: &Why) -> Html {
    let trace = why.trace.as_ref().map(|trace| {
        let href = format!("/traces/{}", trace.trace_id);
        let held = if trace.held { Some(href.as_str()) } else { None };
        ("trace", id(&trace.trace_id, held))
    });
    let linked = why.links.iter().map(|link| (link.relation.as_str(), linked(key, link)));
    let all: Vec<_> = linked.chain(trace).collect();
    if all.is_empty() {
        return Html::trusted(r#"<p class="quiet">Nothing else.</p>"#);
    }
    let table = Table::new("What it hangs together with").column("How").column("What");
    all.into_iter()
        .fold(table, |table, (relation, what)| table.row([Html::text(relation), what]))
        .html()
}

fn linked(key: &str, link: &WhyLink) -> Html {
    match link.relation.as_str() {
        // These are names, and no story has them for its id.
        "subscription" | "group" => Html::text(&link.id),
        _ => id(&link.id, Some(&format!("/services/{key}/why/{}", encode(&link.id)))),
    }
}
