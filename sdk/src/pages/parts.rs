use std::fmt::Display;

use askama::Template;
use chrono::{DateTime, Utc};

use super::{Html, Icon, Status, Tone};
use crate::wire::Timestamp;

/// A shape for how something is; its word is for screen readers and the tooltip.
pub fn status_mark(status: Status, label: &str) -> Html {
    let label = Html::text(label);
    Html::trusted(format!(
        r#"<span class="mark is-{word}" title="{label}: {word}">{shape}<span class="quiet-text">{label}: {word}</span></span>"#,
        word = status.as_str(),
        shape = status.shape(),
    ))
}

/// A shape for how something is, with words beside it.
pub fn status_label(status: Status, label: &str) -> Html {
    Html::trusted(format!(
        r#"<span class="mark is-{}">{}<span class="mark-label">{}</span></span>"#,
        status.as_str(),
        status.shape(),
        Html::text(label),
    ))
}

/// A word in a small frame, such as a job's status.
pub fn badge(tone: Tone, text: &str) -> Html {
    Html::trusted(format!(
        r#"<span class="badge tone-{}">{}</span>"#,
        tone.as_str(),
        Html::text(text)
    ))
}

/// A moment in full, in UTC: `2026-10-05 14:03:22 UTC`.
pub fn time(at: Timestamp) -> Html {
    Html::trusted(format!(
        r#"<time datetime="{at}" title="{at}">{}</time>"#,
        at.0.format("%Y-%m-%d %H:%M:%S<span class=\"unit\"> UTC</span>")
    ))
}

/// How long ago a moment was; the script keeps the words true, and the full moment is the tooltip.
pub fn ago(at: Timestamp, now: DateTime<Utc>) -> Html {
    Html::trusted(format!(
        r#"<time datetime="{at}" title="{}" data-relative>{}</time>"#,
        at.0.format("%Y-%m-%d %H:%M:%S UTC"),
        distance((now - at.0).num_seconds()),
    ))
}

/// The words of [`ago`]; `time.js` has the same rule.
fn distance(seconds: i64) -> String {
    let size = seconds.unsigned_abs();
    let words = match size {
        0 => return "now".to_owned(),
        1..60 => format!("{size} s"),
        60..3_600 => format!("{} min", size / 60),
        3_600..172_800 => format!("{} h", size / 3_600),
        _ => format!("{} d", size / 86_400),
    };
    if seconds < 0 {
        format!("in {words}")
    } else {
        format!("{words} ago")
    }
}

/// An id, a key or another word of the machine; where `href` is given it leads to the thing.
pub fn id(value: &str, href: Option<&str>) -> Html {
    let value = Html::text(value);
    Html::trusted(match href {
        Some(href) => format!(r#"<a class="id" href="{}">{value}</a>"#, Html::text(href)),
        None => format!(r#"<span class="id">{value}</span>"#),
    })
}

/// How to get the data of this view by hand: the `blackroad` line and the `curl` line, each with a copy button. An empty line is left out.
pub fn as_command(cli: &str, curl: &str) -> Html {
    #[derive(Template)]
    #[template(path = "pages/as_command.html")]
    struct AsCommand<'a> {
        lines: Vec<(&'static str, &'a str)>,
        terminal: Html,
        copy: Html,
    }
    Html::from(AsCommand {
        lines: [("blackroad", cli), ("curl", curl)]
            .into_iter()
            .filter(|(_, line)| !line.is_empty())
            .collect(),
        terminal: Icon::Terminal.html(),
        copy: Icon::Copy.html(),
    })
}

/// Nothing here yet: what would be here, and the one command that fills it.
pub fn empty_state(what: &str, command: &str) -> Html {
    #[derive(Template)]
    #[template(path = "pages/empty_state.html")]
    struct Empty<'a> {
        what: &'a str,
        command: &'a str,
        copy: Html,
    }
    Html::from(Empty {
        what,
        command,
        copy: Icon::Copy.html(),
    })
}

/// A failure as a reader needs it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Failure<'a> {
    /// What failed, a sentence: "The job list could not be read."
    pub what: &'a str,
    /// Whose failure it is: "core's store did not answer in 5 s."
    pub whose: &'a str,
    /// What to do: "Try again; if it stays, see core's health page."
    pub next: &'a str,
    /// The trace's id and page.
    pub trace: Option<(&'a str, &'a str)>,
    /// Where "Try again" leads: the URL of this view.
    pub retry: Option<&'a str>,
}

/// Something failed: what, whose failure, what to do, and the trace.
pub fn error_state(failure: Failure<'_>) -> Html {
    #[derive(Template)]
    #[template(path = "pages/error_state.html")]
    struct Error<'a> {
        failure: Failure<'a>,
        warning: Html,
        again: Html,
    }
    Html::from(Error {
        failure,
        warning: Icon::Warning.html(),
        again: Icon::Retry.html(),
    })
}

/// Some services did not answer, so that this view is not whole; empty where all did.
pub fn partial(missing: &[&str], asked: usize) -> Html {
    if missing.is_empty() {
        return Html::default();
    }
    let names: Vec<String> = missing
        .iter()
        .map(|name| format!("<b>{}</b>", Html::text(name)))
        .collect();
    notice(
        Tone::Warn,
        &Html::trusted(format!(
            "{} of {asked} services did not answer: {}.",
            missing.len(),
            names.join(", ")
        )),
    )
}

/// One sentence above what it speaks of.
pub fn notice(tone: Tone, sentence: &Html) -> Html {
    Html::trusted(format!(
        r#"<div class="notice tone-{}" role="status">{}<p>{sentence}</p></div>"#,
        tone.as_str(),
        Icon::Warning.html(),
    ))
}

/// Grey lines where data will be; they show only after 300 ms, so that a fast answer never flickers.
pub fn skeleton(lines: usize) -> Html {
    let lines = r#"<span class="skeleton-line"></span>"#.repeat(lines.min(50));
    Html::trusted(format!(
        r#"<div class="skeleton" role="status"><span class="quiet-text">Loading</span>{lines}</div>"#
    ))
}

/// How much of it is shown and how to see the rest, so that nothing is cut in silence.
pub fn pager(shown: &str, previous: Option<&str>, next: Option<&str>) -> Html {
    let link = |href: Option<&str>, relation: &str, word: &str| match href {
        Some(href) => format!(
            r#"<a class="button" rel="{relation}" href="{}">{word}</a>"#,
            Html::text(href)
        ),
        None => format!(r#"<span class="button is-off" aria-hidden="true">{word}</span>"#),
    };
    Html::trusted(format!(
        r#"<nav class="pager" aria-label="Pages"><p>{}</p>{}{}</nav>"#,
        Html::text(shown),
        link(previous, "prev", "Previous"),
        link(next, "next", "Next"),
    ))
}

/// Whether the live parts run, and the button that holds them; only shown where the script runs.
pub fn live_controls() -> Html {
    Html::trusted(format!(
        concat!(
            r#"<span class="live needs-script"><span class="live-state" data-live-state role="status">live</span>"#,
            r#"<button class="button is-quiet is-icon" type="button" data-live-pause aria-pressed="false" "#,
            r#"aria-label="Pause live updates" title="Pause live updates">{}{}</button></span>"#
        ),
        Icon::Pause.html(),
        Icon::Play.html(),
    ))
}

/// Terms and what they are, such as an identity.
pub fn facts<'a>(rows: impl IntoIterator<Item = (&'a str, Html)>) -> Html {
    let rows: String = rows
        .into_iter()
        .map(|(term, value)| format!("<div><dt>{}</dt><dd>{value}</dd></div>", Html::text(term)))
        .collect();
    Html::trusted(format!(r#"<dl class="facts">{rows}</dl>"#))
}

/// One number with its name, and a line beneath it: a sparkline, a comparison.
pub fn stat(name: &str, value: &str, beneath: &Html) -> Html {
    Html::trusted(format!(
        r#"<div class="stat"><p class="stat-name">{}</p><p class="stat-value">{}</p><div class="stat-more">{beneath}</div></div>"#,
        Html::text(name),
        Html::text(value),
    ))
}

/// One of several views of a thing; the current one is said to be so.
#[derive(Clone, Copy, Debug)]
pub struct Tab<'a> {
    /// Its name.
    pub label: &'a str,
    /// Its address: tabs are links, so that a URL holds which one is open.
    pub href: &'a str,
    /// Whether it is open.
    pub current: bool,
}

/// Views of one thing, as links.
pub fn tabs(label: &str, tabs: &[Tab<'_>]) -> Html {
    let links: String = tabs
        .iter()
        .map(|tab| {
            let current = if tab.current { r#" aria-current="page""# } else { "" };
            format!(
                r#"<a href="{}"{current}>{}</a>"#,
                Html::text(tab.href),
                Html::text(tab.label)
            )
        })
        .collect();
    Html::trusted(format!(
        r#"<nav class="tabs" aria-label="{}">{links}</nav>"#,
        Html::text(label)
    ))
}

/// JSON or another text of the machine, with a copy button.
pub fn code_block(label: &str, text: impl Display) -> Html {
    Html::trusted(format!(
        concat!(
            r#"<div class="code-block" data-copy-scope><pre tabindex="0" aria-label="{label}"><code>{text}</code></pre>"#,
            r#"<button class="button is-quiet is-icon needs-script" type="button" data-copy aria-label="Copy {label}">{copy}</button></div>"#
        ),
        label = Html::text(label),
        text = Html::text(text),
        copy = Icon::Copy.html(),
    ))
}
