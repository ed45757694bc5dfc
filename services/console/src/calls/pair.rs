//! One pair: what a service knows of another that it calls, address by address.

use std::time::Duration;

use syscall_sdk::context::Context;
use syscall_sdk::error::Error;
use syscall_sdk::pages::chart::{Bar, BarChart, Unit, bar};
use syscall_sdk::pages::{
    Failure, Html, Status, Table, Tone, badge, error_state, facts, live_controls, notice, stat, status_label,
};
use syscall_sdk::wire::{PeerEndpoint, PeerFreshness, PeerState, PeerWay};

use super::page::Choice;
use super::{Edge, Watch, count, way};
use crate::parts::{by_hand, frame, section, span_words};

/// The page of a pair.
///
/// # Errors
/// `UNKNOWN_SERVICE`; that a service does not call itself. A caller that does not answer has a page that says so.
pub(crate) async fn page(context: &Context, watch: &Watch, from: &str, to: &str) -> Result<String, Error> {
    let from = context.registry().get(from)?.key.as_str();
    let to = context.registry().get(to)?.key.as_str();
    if from == to {
        return Err(Error::not_found(format!("{from} is no peer of its own")));
    }
    let pair = watch.pair(context, from, to).await;
    let content = format!(
        concat!(
            r#"<div class="page-head"><div><h1>{from} → {to}</h1><p>What <a href="/services/{from}">{from}</a> has counted of its calls to "#,
            r#"<a href="/services/{to}">{to}</a> since its process began.</p></div><div class="tools">{live}{command}"#,
            r#"<a class="button" href="/calls/{to}/{from}">{to} → {from}</a><a class="button" href="{all}">Calls of {from}</a></div></div>{body}"#
        ),
        from = Html::text(from),
        to = Html::text(to),
        live = live_controls(),
        command = by_hand(
            context,
            from,
            &format!("resolve {to} --from {from}"),
            &format!("/v1/sys/peers/{to}")
        ),
        all = Html::text(Choice::href(from)),
        body = body(pair, from),
    );
    Ok(frame(context, &format!("{from} → {to}"))
        .await
        .path(&format!("/calls/{from}/{to}"))
        .live(&format!("/calls/{from}/{to}/live"))
        .render(Html::trusted(content)))
}

/// What changes on the page.
pub(crate) async fn parts(context: Context, watch: Watch, from: String, to: String) -> Vec<(String, Html)> {
    let (frame, pair) = tokio::join!(frame(&context, ""), watch.pair(&context, &from, &to));
    vec![
        ("fleet".to_owned(), frame.fleet_fragment()),
        ("pair".to_owned(), body(pair, &from)),
    ]
}

fn body(pair: Result<Edge, String>, from: &str) -> Html {
    let content = match pair {
        Ok(edge) => [
            verdict(&edge),
            stats(&edge),
            section("addresses", "Addresses", &Html::default(), Ok(addresses(&edge))),
            Html::trusted(format!(
                r#"<section class="section"><div class="columns"><div id="endings">{}</div><div id="name"><h2>The name</h2><div class="card">{}</div></div></div></section>"#,
                endings(&edge),
                name(&edge)
            )),
        ]
        .into_iter()
        .collect(),
        Err(why) => error_state(Failure {
            what: &format!("{from} did not say whom it calls."),
            whose: &why,
            next: "The console asks again by itself; look at the service's health meanwhile.",
            ..Failure::default()
        }),
    };
    Html::trusted(format!(r#"<div id="pair" data-live-part>{content}</div>"#))
}

/// What is amiss now, in a sentence; nothing where nothing is.
fn verdict(edge: &Edge) -> Html {
    let to = &edge.peer.service;
    let (tone, words) = match (edge.peer.way, edge.replicas()) {
        (PeerWay::Railway | PeerWay::Cloudflare, _) => (
            Tone::Warn,
            format!(
                "Nobody of {to} is there on the private network: calls go by {} meanwhile.",
                way(edge.peer.way)
            ),
        ),
        (PeerWay::Internal, (all @ 1.., 0)) => {
            let whose = match all {
                1 => format!("The breaker of the one address of {to} is open."),
                all => format!("The breakers of all {all} addresses of {to} are open."),
            };
            (
                Tone::Bad,
                format!("{whose} Calls go there all the same: there is no other to ask."),
            )
        }
        (PeerWay::Internal, (all, called)) if called < all => (
            Tone::Warn,
            format!(
                "{} of {all} addresses of {to} are left alone; the others take its calls.",
                all - called
            ),
        ),
        _ => return Html::default(),
    };
    notice(tone, &Html::text(words))
}

fn stats(edge: &Edge) -> Html {
    let peer = &edge.peer;
    let took = |value: f64| Unit::Milliseconds.format(value);
    let share = match edge.failures() {
        0 => Html::text("none so far"),
        _ => status_label(
            edge.status(),
            &format!("{} of calls", Unit::Percent.format(edge.share() * 100.0)),
        ),
    };
    let hedges = match peer.hedges {
        0 => String::new(),
        hedges => format!(", {} hedged", count(hedges)),
    };
    Html::trusted(format!(
        r#"<div class="stats" id="pair-stats">{}{}{}{}{}{}</div>"#,
        stat(
            "Calls",
            &count(edge.calls()),
            &Html::text(format!("{} on their way", count(peer.in_flight)))
        ),
        stat("Failed", &count(edge.failures()), &share),
        stat(
            "p99",
            &took(peer.latency.p99),
            &Html::text(format!(
                "p50 {}, p95 {}",
                took(peer.latency.p50),
                took(peer.latency.p95)
            ))
        ),
        stat(
            "Retries",
            &count(peer.retries),
            &Html::text(format!("attempts after the first{hedges}"))
        ),
        stat(
            "Retries left",
            &count(u64::from(peer.retries_left)),
            &Html::text("beyond the calls themselves, now")
        ),
        stat(
            "Way",
            way(peer.way),
            &Html::text(match peer.way {
                PeerWay::InProcess => "a call is a function call",
                PeerWay::Internal => "the private network, or a socket",
                PeerWay::Railway => "through Railway's edge",
                PeerWay::Cloudflare => "through Cloudflare",
            })
        ),
    ))
}

fn addresses(edge: &Edge) -> Html {
    let peer = &edge.peer;
    if peer.endpoints.is_empty() {
        let words = match peer.way {
            PeerWay::InProcess => format!(
                "{} and {} are one process: there is no address to call.",
                edge.from, peer.service
            ),
            _ => format!(
                "{} knows no address of {}; the name below says why.",
                edge.from, peer.service
            ),
        };
        return Html::trusted(format!(r#"<p class="quiet">{}</p>"#, Html::text(words)));
    }
    let table = Table::new("Addresses")
        .stacked()
        .column("Address")
        .column("Breaker")
        .numbers("In flight")
        .numbers("Answers in")
        .numbers("Attempts")
        .numbers("Failures");
    let rows = peer.endpoints.iter();
    rows.fold(table, |table, one| {
        let cost = one
            .cost
            .map_or_else(|| "–".to_owned(), |cost| Unit::Milliseconds.format(cost));
        table.keyed_row(
            &one.address,
            [
                Html::trusted(format!("<code>{}</code>", Html::text(&one.address))),
                breaker(one),
                Html::text(count(one.in_flight)),
                Html::text(cost),
                Html::text(count(one.attempts)),
                Html::text(count(one.failures)),
            ],
        )
    })
    .html()
}

fn breaker(one: &PeerEndpoint) -> Html {
    match one.state {
        PeerState::Closed => status_label(Status::Healthy, "closed: it is called"),
        PeerState::Warming => status_label(Status::Healthy, "warming: called little by little more"),
        PeerState::Probing => status_label(Status::Degraded, "probing: one call finds out"),
        PeerState::Open => {
            let words = match one.retry_in.map(|millis| millis.div_ceil(1_000)) {
                None | Some(0) => "open: the next call finds out".to_owned(),
                Some(seconds) => format!("open: left alone for {}", span_words(Duration::from_secs(seconds))),
            };
            status_label(Status::Down, &words)
        }
    }
}

fn endings(edge: &Edge) -> Html {
    let calls = &edge.peer.calls;
    let bars = [
        ("answered", calls.answered),
        ("failed, a 5xx", calls.failed),
        ("overloaded", calls.overloaded),
        ("late", calls.late),
        ("unreachable", calls.unreachable),
        ("broken connection", calls.broken),
    ]
    .map(|(name, value)| Bar {
        name,
        value: Some(value as f64),
        href: None,
    });
    let chart = bar(&BarChart {
        title: "How calls ended",
        unit: Unit::Count,
        of: "Ending",
        bars: &bars,
        range_label: "since the caller's process began",
    });
    Html::trusted(format!(r#"<h2>Endings</h2><div class="card">{chart}</div>"#))
}

/// How far the addresses can be trusted, and why not.
fn name(edge: &Edge) -> Html {
    let peer = &edge.peer;
    let (tone, word) = match peer.freshness {
        PeerFreshness::Unasked => (Tone::Neutral, "not asked yet"),
        PeerFreshness::Fresh => (Tone::Good, "fresh"),
        PeerFreshness::Stale => (Tone::Warn, "stale: the last question was not answered"),
        PeerFreshness::Empty => (Tone::Bad, "empty: the name has no address"),
        PeerFreshness::Failed => (Tone::Bad, "failed: never answered, or not for too long"),
    };
    let span = |millis: u64| span_words(Duration::from_millis(millis));
    let (host, source) = match peer.source.as_str() {
        "process" => (
            format!("{} in this process", peer.service),
            "nobody: it is in this process",
        ),
        "table" => (format!("{}:{}", peer.host, peer.port), "a table that was given"),
        "dns" => (format!("{}:{}", peer.host, peer.port), "DNS"),
        other => (format!("{}:{}", peer.host, peer.port), other),
    };
    // Only what is asked for again has a life.
    let lives = peer.source == "dns";
    let learnt = match peer.age {
        Some(age) if lives => format!("{} ago", span(age)),
        _ => "–".to_owned(),
    };
    facts([
        ("Name", Html::trusted(format!("<code>{}</code>", Html::text(host)))),
        ("Resolved by", Html::text(source)),
        ("Freshness", badge(tone, word)),
        ("Learnt", Html::text(learnt)),
        (
            "Holds for",
            Html::text(if lives {
                span(peer.ttl)
            } else {
                "as long as it runs".to_owned()
            }),
        ),
        ("Why", Html::text(peer.why.as_deref().unwrap_or("–"))),
    ])
}
