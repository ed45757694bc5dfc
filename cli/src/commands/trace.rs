//! `blackroad trace SERVICE ID`: a small tree of spans, each with its place in time.

use std::collections::HashSet;

use anyhow::Result;
use syscall_sdk::wire::{Span, SpanStatus};

use super::job::segment;
use crate::args::Trace;
use crate::print::{self, BAD, DIM};
use crate::remote::Remote;

/// Cells of a bar.
const WIDTH: usize = 40;

pub(super) async fn run(remote: &Remote, machine: bool, trace: Trace) -> Result<()> {
    let path = format!("/v1/sys/trace/{}", segment(&trace.id));
    let found: syscall_sdk::wire::Trace = remote.get(&trace.service, &path, &[]).await?;
    if machine {
        return print::json(&found);
    }
    draw(&found.spans).into_iter().try_for_each(print::line)
}

fn draw(spans: &[Span]) -> Vec<String> {
    let Some(begin) = spans.iter().map(|span| span.start).min() else {
        return Vec::new();
    };
    let offset = |span: &Span| (span.start.0 - begin.0).as_seconds_f64() * 1_000.0;
    let total = spans
        .iter()
        .map(|span| offset(span) + span.duration)
        .fold(0.0, f64::max);
    let order = in_tree_order(spans);
    let widest = order
        .iter()
        .map(|(depth, span)| depth * 2 + span.name.chars().count())
        .max()
        .unwrap_or(0);
    order
        .into_iter()
        .map(|(depth, span)| {
            let name = format!("{:indent$}{}", "", span.name, indent = depth * 2);
            let style = if span.status == SpanStatus::Error { BAD } else { DIM };
            let bar = bar(offset(span), span.duration, total);
            format!("{name:widest$}  {style}{bar}{style:#}  {:8.1} ms", span.duration)
        })
        .collect()
}

/// Parents before their children, each with its depth. A span whose parent was recorded elsewhere is a root.
fn in_tree_order(spans: &[Span]) -> Vec<(usize, &Span)> {
    let known: HashSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    let parent = |span: &Span| {
        span.parent_id
            .clone()
            .filter(|id| known.contains(id.as_str()) && *id != span.span_id)
    };
    let mut order = Vec::with_capacity(spans.len());
    let mut stack: Vec<(usize, &Span)> = spans
        .iter()
        .rev()
        .filter(|span| parent(span).is_none())
        .map(|span| (0, span))
        .collect();
    while let Some((depth, span)) = stack.pop() {
        order.push((depth, span));
        let children = spans
            .iter()
            .rev()
            .filter(|child| parent(child).as_ref() == Some(&span.span_id));
        stack.extend(children.map(|child| (depth + 1, child)));
    }
    order
}

fn bar(offset: f64, duration: f64, total: f64) -> String {
    let cell = |at: f64| {
        if total > 0.0 {
            ((at / total) * WIDTH as f64).round() as usize
        } else {
            0
        }
    };
    let from = cell(offset).min(WIDTH - 1);
    let to = cell(offset + duration).clamp(from + 1, WIDTH);
    format!(
        "{}{}{}",
        " ".repeat(from),
        "━".repeat(to - from),
        " ".repeat(WIDTH - to)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_begins_and_ends_where_its_span_does_and_is_never_empty() {
        assert_eq!(bar(0.0, 10.0, 10.0), "━".repeat(40));
        assert_eq!(bar(5.0, 5.0, 10.0), format!("{}{}", " ".repeat(20), "━".repeat(20)));
        assert_eq!(bar(10.0, 0.0, 10.0), format!("{}━", " ".repeat(39)));
        assert_eq!(bar(0.0, 0.0, 0.0).trim(), "━");
    }
}
