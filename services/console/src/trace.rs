//! One trace over all services: each is asked for its part, and the parts are one tree.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::http::pages::{command, service_url};
use syscall_sdk::pages::chart::{Unit, Waterfall, WaterfallSpan, waterfall};
use syscall_sdk::pages::{Html, Tone, ago, as_command, empty_state, facts, notice, partial, stat};
use syscall_sdk::wire::{LogEntry, Logs, Span, SpanStatus, Trace};

use crate::ask;
use crate::parts::frame;
use crate::service::logs;

/// Spans that are drawn; a longer trace says so.
const MOST_SPANS: usize = 300;
/// Log lines of a trace that are shown of each service.
const LINES: usize = 100;

/// What the services have of a trace.
struct Whole {
    spans: Vec<Span>,
    lines: Vec<LogEntry>,
    /// Who did not answer; a service that keeps nothing of the trace has answered.
    silent: Vec<String>,
    asked: usize,
}

/// A span where it stands in the tree.
struct Placed {
    span: Span,
    depth: usize,
    /// Whether what caused it is not among the spans that are kept.
    orphan: bool,
}

/// The page of a trace, and whether any service has a part of it.
///
/// # Errors
/// Where the id is none.
pub(crate) async fn page(context: &Context, id: &str) -> Result<(bool, String)> {
    let id = id.to_ascii_lowercase();
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::invalid("a trace id is 32 hexadecimal digits").with_code("INVALID_TRACE_ID"));
    }
    let whole = gather(context, &id).await;
    let frame = frame(context, "Trace").await.path(&format!("/traces/{id}")).wide();
    // Where it began, as far as is known: the shell and curl ask one service at a time.
    let first = whole
        .spans
        .iter()
        .min_by_key(|span| span.start)
        .map_or("core", |span| span.service.as_str());
    let first = context
        .registry()
        .get(first)
        .map_or("core", |record| record.key.as_str());
    let by_hand = as_command(
        &command(context, &format!("trace {first} {id}")),
        &format!("curl -s {}v1/sys/trace/{id}", service_url(context, first)),
    );
    let found = !whole.spans.is_empty();
    let content = format!(
        r#"<div class="page-head"><div><h1>Trace</h1><p class="id">{id}</p></div><div class="tools">{by_hand}</div></div>{}{}"#,
        partial(
            &whole.silent.iter().map(String::as_str).collect::<Vec<_>>(),
            whole.asked
        ),
        if found { drawn(context, whole) } else { nothing(context) },
    );
    Ok((found, frame.render(Html::trusted(content))))
}

fn nothing(context: &Context) -> Html {
    empty_state(
        "No service has a span of this trace. Each keeps its newest 4,096 spans in memory, until it restarts.",
        &command(context, "traces core"),
    )
}

async fn gather(context: &Context, id: &str) -> Whole {
    let asked = context.registry().services().map(|service| async move {
        let spans: Result<Trace> = ask::get(context, &service.key, &format!("/v1/sys/trace/{id}")).await;
        let lines: Result<Logs> = ask::get(
            context,
            &service.key,
            &format!("/v1/sys/logs?traceId={id}&limit={LINES}"),
        )
        .await;
        (service.key.clone(), spans, lines)
    });
    let mut whole = Whole {
        spans: Vec::new(),
        lines: Vec::new(),
        silent: Vec::new(),
        asked: context.registry().services().len(),
    };
    for (key, spans, lines) in join_all(asked).await {
        match spans {
            Ok(trace) => whole.spans.extend(trace.spans),
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(_) => whole.silent.push(key),
        }
        if let Ok(logs) = lines {
            whole.lines.extend(logs.logs);
        }
    }
    whole.lines.sort_by_key(|line| line.timestamp);
    whole
}

fn drawn(context: &Context, whole: Whole) -> Html {
    let services: BTreeSet<&str> = whole.spans.iter().map(|span| span.service.as_str()).collect();
    let services = services.len();
    let failed = whole
        .spans
        .iter()
        .filter(|span| span.status == SpanStatus::Error)
        .count();
    let begin = whole.spans.iter().map(|span| span.start).min();
    let total = whole.spans.len();
    let placed = tree(whole.spans);
    let first = begin.unwrap_or_else(|| context.clock().now().into());
    let start = |span: &Span| (span.start.0 - first.0).num_microseconds().unwrap_or(0) as f64 / 1_000.0;
    let end = placed
        .iter()
        .map(|placed| start(&placed.span) + placed.span.duration)
        .fold(0.0, f64::max);
    let keys: BTreeMap<&str, &str> = context
        .registry()
        .services()
        .map(|service| (service.name.as_str(), service.key.as_str()))
        .collect();
    let shown = &placed[..placed.len().min(MOST_SPANS)];
    let details: Vec<Html> = shown.iter().map(|placed| details(&placed.span)).collect();
    let links: Vec<(String, Option<String>)> = shown
        .iter()
        .map(|placed| match keys.get(placed.span.service.as_str()) {
            Some(key) => ((*key).to_owned(), Some(format!("/services/{key}"))),
            None => (placed.span.service.clone(), None),
        })
        .collect();
    let rows: Vec<WaterfallSpan<'_>> = shown
        .iter()
        .zip(&details)
        .zip(&links)
        .map(|((placed, details), (service, href))| WaterfallSpan {
            name: &placed.span.name,
            service,
            href: href.as_deref(),
            depth: placed.depth,
            start: start(&placed.span),
            duration: placed.span.duration,
            failed: placed.span.status == SpanStatus::Error,
            details,
        })
        .collect();
    let chart = waterfall(&Waterfall {
        title: "Spans",
        range_label: &if total > MOST_SPANS {
            format!("the first {MOST_SPANS} of {total}, each under what caused it")
        } else {
            "each under what caused it".to_owned()
        },
        spans: &rows,
    });
    let now = context.clock().now();
    let name = placed.first().map_or("", |placed| placed.span.name.as_str());
    let stats = format!(
        r#"<div class="stats">{}{}{}{}</div>"#,
        stat("Took", &Unit::Milliseconds.format(end), &Html::text(name)),
        stat(
            "Spans",
            &total.to_string(),
            &Html::text(format!("in {services} services"))
        ),
        stat("Errors", &failed.to_string(), &Html::default()),
        stat("Began", &first.0.format("%H:%M:%S").to_string(), &ago(first, now)),
    );
    let orphans = placed.iter().filter(|placed| placed.orphan).count();
    let orphans = match orphans {
        0 => Html::default(),
        count => notice(
            Tone::Info,
            &Html::text(format!(
                "{count} spans were caused by something outside of what is kept; they stand at the left."
            )),
        ),
    };
    let lines = if whole.lines.is_empty() {
        Html::trusted(r#"<p class="quiet">No line was written in the course of it.</p>"#)
    } else {
        let lines: Html = whole.lines.iter().map(logs::line).collect();
        Html::trusted(format!(
            r#"<ol class="log" tabindex="0" aria-label="Log lines of this trace">{lines}</ol>"#
        ))
    };
    Html::trusted(format!(
        r#"{orphans}{stats}<div class="section">{chart}</div><section class="section"><div class="section-head"><h2>Log</h2></div>{lines}</section>"#
    ))
}

fn details(span: &Span) -> Html {
    let known = span.attributes.iter().map(|(name, value)| {
        (
            name.as_str(),
            Html::trusted(format!("<code>{}</code>", Html::text(value))),
        )
    });
    let own = [(
        "span",
        Html::trusted(format!("<code>{}</code>", Html::text(&span.span_id))),
    )];
    facts(own.into_iter().chain(known))
}

/// The spans in the order of a reader: each under what caused it, by start. Every span comes once, whatever its parents say.
fn tree(spans: Vec<Span>) -> Vec<Placed> {
    let known: BTreeSet<String> = spans.iter().map(|span| span.span_id.clone()).collect();
    let first = spans.iter().map(|span| span.start).min();
    let mut under: BTreeMap<Option<String>, Vec<Span>> = BTreeMap::new();
    for span in spans {
        let parent = span.parent_id.clone().filter(|parent| known.contains(parent));
        under.entry(parent).or_default().push(span);
    }
    for children in under.values_mut() {
        // Taken from the end.
        children.sort_by(|left, right| {
            right
                .start
                .cmp(&left.start)
                .then(left.duration.total_cmp(&right.duration))
        });
    }
    let mut placed = Vec::new();
    let mut waiting: Vec<(Span, usize)> = under
        .remove(&None)
        .unwrap_or_default()
        .into_iter()
        .map(|span| (span, 0))
        .collect();
    loop {
        while let Some((span, depth)) = waiting.pop() {
            let children = under.remove(&Some(span.span_id.clone())).unwrap_or_default();
            waiting.extend(children.into_iter().map(|child| (child, depth + 1)));
            placed.push(Placed {
                orphan: depth == 0 && span.parent_id.is_some() && Some(span.start) != first,
                span,
                depth,
            });
        }
        // Spans that are each other's parents are no tree; they are shown all the same.
        match under.pop_first() {
            Some((_, ring)) => waiting.extend(ring.into_iter().map(|span| (span, 0))),
            None => return placed,
        }
    }
}

#[cfg(test)]
mod tests {
    use syscall_sdk::wire::Timestamp;

    use super::*;

    fn span(id: &str, parent: Option<&str>, at: i64) -> Span {
        Span {
            trace_id: String::new(),
            span_id: id.to_owned(),
            parent_id: parent.map(str::to_owned),
            name: id.to_owned(),
            service: "core".to_owned(),
            start: Timestamp(chrono::DateTime::from_timestamp_millis(at).expect("a moment")),
            duration: 1.0,
            status: SpanStatus::Ok,
            attributes: BTreeMap::new(),
        }
    }

    fn order(spans: Vec<Span>) -> Vec<(String, usize)> {
        tree(spans)
            .into_iter()
            .map(|placed| (placed.span.span_id, placed.depth))
            .collect()
    }

    #[test]
    fn each_span_stands_under_what_caused_it_by_start() {
        let spans = vec![
            span("d", Some("b"), 4),
            span("c", Some("a"), 9),
            span("b", Some("a"), 2),
            span("a", Some("outside"), 1),
        ];
        let expected = [("a", 0), ("b", 1), ("d", 2), ("c", 1)];
        assert_eq!(order(spans), expected.map(|(id, depth)| (id.to_owned(), depth)));
    }

    #[test]
    fn spans_that_are_each_others_parents_come_once_each() {
        let spans = vec![
            span("a", Some("b"), 1),
            span("b", Some("a"), 2),
            span("c", Some("c"), 3),
        ];
        let mut ids: Vec<String> = order(spans).into_iter().map(|(id, _)| id).collect();
        ids.sort();
        assert_eq!(ids, ["a", "b", "c"]);
    }
}
