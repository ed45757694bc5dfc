//! Pieces that several of the console's pages use.

use std::time::Duration;

use syscall_sdk::context::Context;
use syscall_sdk::error::Error;
use syscall_sdk::http::pages::{self, command, service_url};
use syscall_sdk::pages::{Asset, Failure, Frame, Html, Tab, Tone, as_command, badge, error_state, tabs};
use syscall_sdk::wire::{JobStatus, Pause};

/// What only this service's pages use.
pub(crate) const ASSETS: &[Asset] = &[STYLE];
const STYLE: Asset = Asset::own(
    "console.css",
    "text/css; charset=utf-8",
    include_str!("../assets/console.css"),
);

/// The frame of a page of the console.
pub(crate) async fn frame(context: &Context, title: &str) -> Frame {
    pages::frame(context, title).await.style(STYLE.path())
}

/// A part of a page: its heading with controls at the right, then its content, or why there is none.
pub(crate) fn section(id: &str, title: &str, tools: &Html, content: Result<Html, Failed>) -> Html {
    let content = content.unwrap_or_else(|failed| failed.html(title));
    Html::trusted(format!(
        r#"<section class="section" id="{id}"><div class="section-head"><h2>{title}</h2><div class="tools">{tools}</div></div>{content}</section>"#,
        id = Html::text(id),
        title = Html::text(title),
    ))
}

/// What a list may be narrowed to: each choice with its label, its address, and whether it is the current one.
pub(crate) fn choices(what: &str, links: &[(&str, String, bool)]) -> Html {
    let links = links.iter().map(|(label, href, current)| Tab {
        label,
        href,
        current: *current,
    });
    tabs(what, &links.collect::<Vec<_>>())
}

/// Why a part of a page has no content: the service did not give it.
#[derive(Debug)]
pub(crate) struct Failed {
    service: String,
    error: Error,
}

impl Failed {
    pub(crate) fn of(service: &str) -> impl Fn(Error) -> Failed + '_ {
        |error| Failed {
            service: service.to_owned(),
            error,
        }
    }

    fn html(&self, title: &str) -> Html {
        error_state(Failure {
            what: &format!("{title} could not be read."),
            whose: &format!("{}: {}", self.service, self.error.message()),
            next: if self.error.kind().retryable() {
                "The console asks again by itself; if it stays, look at the service's health."
            } else {
                "Asking again brings the same; the service says why above."
            },
            ..Failure::default()
        })
    }
}

/// How to get the data of a view by hand: by words of the fleet's shell, if any, and from a path of a service.
pub(crate) fn by_hand(context: &Context, service: &str, cli: &str, path: &str) -> Html {
    let url = service_url(context, service);
    let cli = if cli.is_empty() {
        String::new()
    } else {
        command(context, cli)
    };
    as_command(&cli, &format!("curl -s '{}{path}'", url.trim_end_matches('/')))
}

/// A text as one word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A status as a word in a frame.
pub(crate) fn job_badge(status: JobStatus) -> Html {
    let tone = match status {
        JobStatus::Pending | JobStatus::Queued | JobStatus::Cancelled => Tone::Neutral,
        JobStatus::Running => Tone::Info,
        JobStatus::Completed => Tone::Good,
        JobStatus::Failed => Tone::Bad,
    };
    badge(tone, status.as_str())
}

/// How long something has been up, in its two largest units.
pub(crate) fn span_words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// The first letters of an id, enough to tell one from another in a list.
pub(crate) fn short(id: &str) -> &str {
    // The end of a UUID of version 7 is its random part; its beginning is the time, which the neighbours share.
    let from = id.len().saturating_sub(8);
    if id.is_char_boundary(from) { &id[from..] } else { id }
}

/// Why something is paused and by whom, as far as it is known.
pub(crate) fn pause_remark(pause: &Pause) -> String {
    let by = pause.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let reason = pause
        .reason
        .as_ref()
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    format!("Paused since {}{by}{reason}", pause.since)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_word_of_a_shell() {
        assert_eq!(quoted("user:created"), "user:created");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("user:*"), "'user:*'");
    }

    #[test]
    fn spans_are_said_in_their_two_largest_units() {
        let words = |seconds| span_words(Duration::from_secs(seconds));
        assert_eq!(words(7), "7 s");
        assert_eq!(words(3_700), "61 min");
        assert_eq!(words(8_000), "2 h 13 min");
        assert_eq!(words(200_000), "2 d 7 h");
    }
}
