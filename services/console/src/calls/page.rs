//! The calls of the fleet on one page: the picture, the services, the pairs.

use serde::Deserialize;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::pages::command;
use syscall_sdk::pages::chart::Unit;
use syscall_sdk::pages::{Html, Status, Table, empty_state, live_controls, partial, status_mark};
use syscall_sdk::wire::{PeerState, PeerWay};

use super::{Edge, Picture, Watch, count, graph, way};
use crate::ask::encode;
use crate::parts::{by_hand, frame};

/// Rows of the table: what a fleet of fifteen has where everybody calls everybody. A larger one is read service by service.
const MOST_ROWS: usize = 210;

/// What a reader may choose to see.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Choice {
    /// Only the calls from and to this service.
    service: Option<String>,
}

impl Choice {
    fn service(&self) -> Option<&str> {
        self.service.as_deref().filter(|service| !service.is_empty())
    }

    /// Links that narrow to one service.
    pub(crate) fn href(service: &str) -> String {
        format!("/calls?service={}", encode(service))
    }
}

/// The page.
///
/// # Errors
/// `UNKNOWN_SERVICE`. Services that do not answer are shown as such.
pub(crate) async fn page(context: &Context, watch: &Watch, choice: &Choice) -> Result<String> {
    let chosen = match choice.service() {
        Some(service) => Some(context.registry().get(service)?.key.as_str()),
        None => None,
    };
    let title = chosen.map_or_else(|| "Calls".to_owned(), |key| format!("Calls of {key}"));
    let whole = chosen.map_or_else(String::new, |key| {
        let key = Html::text(key);
        format!(
            r#"<a class="button" href="/calls">All calls</a><a class="button" href="/services/{key}">{key} in full</a>"#
        )
    });
    let content = format!(
        concat!(
            r#"<div class="page-head"><div><h1>{}</h1><p>Who calls whom, as one process of each service has counted since it began. "#,
            r#"A call fails by a 5xx, for want of room or time, or without an answer. The console's own questions count too.</p></div>"#,
            r#"<div class="tools">{}{}{}</div></div>{}"#
        ),
        Html::text(&title),
        live_controls(),
        by_hand(
            context,
            chosen.unwrap_or("core"),
            &format!("peers {}", chosen.unwrap_or("core")),
            "/v1/sys/peers"
        ),
        whole,
        body(context, &watch.look(context).await, chosen),
    );
    let live = chosen.map_or_else(
        || "/calls/live".to_owned(),
        |key| format!("/calls/live?service={}", encode(key)),
    );
    Ok(frame(context, &title)
        .await
        .path("/calls")
        .live(&live)
        .render(Html::trusted(content)))
}

/// What changes on the page.
pub(crate) async fn parts(context: Context, watch: Watch, choice: Choice) -> Vec<(String, Html)> {
    let (frame, picture) = tokio::join!(frame(&context, ""), watch.look(&context));
    vec![
        ("fleet".to_owned(), frame.fleet_fragment()),
        ("calls".to_owned(), body(&context, &picture, choice.service())),
    ]
}

fn body(context: &Context, picture: &Picture, chosen: Option<&str>) -> Html {
    let silent = partial(&picture.silent(), picture.services.len());
    let picture = match chosen {
        Some(key) => picture.clone().of(key),
        None => picture.clone(),
    };
    let pairs = if picture.edges.is_empty() {
        empty_state(
            "Pairs of services will be listed here once one has called the other.",
            &command(context, "peers operator"),
        )
    } else {
        table(&picture.edges)
    };
    Html::trusted(format!(
        concat!(
            r#"<div id="calls" data-live-part>{silent}<div class="calls-picture"><div class="card graph-card">"#,
            r##"<a class="quiet-text" href="#pairs">Past the picture, to the pairs</a>{graph}{legend}</div>{services}</div>"##,
            r#"<section class="section" id="pairs"><div class="section-head"><h2>Pairs</h2><p class="quiet">The worst first.</p></div>{pairs}{more}</section></div>"#
        ),
        silent = silent,
        graph = graph::draw(&picture, chosen),
        legend = legend(&picture),
        services = services(&picture),
        pairs = pairs,
        more = too_many(picture.edges.len()),
    ))
}

/// What lines mean, and that some are missing where some are.
fn legend(picture: &Picture) -> Html {
    let sample = |status: Status, words: &str| {
        format!(
            concat!(
                r#"<li><svg class="graph-line is-{}" width="28" height="10" aria-hidden="true"><path class="graph-curve" d="M0 5H28" stroke-width="3"/></svg>{}</li>"#
            ),
            status.as_str(),
            Html::text(words)
        )
    };
    let missing = match picture.edges.len().checked_sub(graph::MOST_LINES) {
        None | Some(0) => String::new(),
        Some(missing) => format!("<li>The {missing} least ill pairs are not drawn</li>"),
    };
    Html::trusted(format!(
        r#"<ul class="graph-legend">{}{}{}<li>Wider: more calls</li>{missing}</ul>"#,
        sample(Status::Healthy, "under 1 % fail"),
        sample(Status::Degraded, "1 % or more"),
        sample(Status::Down, "10 % or more"),
    ))
}

/// The services, with how many each calls: the picture for who has no room for it.
fn services(picture: &Picture) -> Html {
    let table = Table::new("Services")
        .column("Service")
        .numbers("Calls")
        .numbers("Called by");
    let rows = picture.services.iter().map(|node| {
        let calls = picture.edges.iter().filter(|edge| edge.from == node.key).count();
        let called = picture
            .edges
            .iter()
            .filter(|edge| edge.peer.service == node.key)
            .count();
        let link = Html::trusted(format!(
            r#"<span>{} <a href="{}"><b>{}</b></a></span>"#,
            status_mark(node.status, &node.key),
            Html::text(Choice::href(&node.key)),
            Html::text(&node.key),
        ));
        let calls = match &node.silent {
            Some(why) => Html::trusted(format!(r#"<span title="{}">no answer</span>"#, Html::text(why))),
            None => Html::text(calls),
        };
        (node.key.clone(), [link, calls, Html::text(called)])
    });
    rows.fold(table, |table, (key, row)| table.keyed_row(&key, row)).html()
}

fn table(edges: &[Edge]) -> Html {
    let table = Table::new("Pairs of services, the worst first")
        .stacked()
        .live_id("edges")
        .column("Call")
        .column("Way")
        .column("Replicas")
        .numbers("Calls")
        .numbers("Failed")
        .numbers("Share")
        .numbers("Retries")
        .numbers("Left")
        .numbers("p50")
        .numbers("p95")
        .numbers("p99");
    let shown = edges.iter().take(MOST_ROWS);
    shown
        .fold(table, |table, edge| {
            table.keyed_row(&format!("{}-{}-row", edge.from, edge.peer.service), row(edge))
        })
        .html()
}

fn row(edge: &Edge) -> [Html; 11] {
    let peer = &edge.peer;
    let link = Html::trusted(format!(
        r#"<span>{} <a href="{}"><b>{}</b> → <b>{}</b></a></span>"#,
        status_mark(edge.status(), &format!("{} to {}", edge.from, peer.service)),
        Html::text(edge.href()),
        Html::text(&edge.from),
        Html::text(&peer.service),
    ));
    let took = |value: f64| Html::text(Unit::Milliseconds.format(value));
    [
        link,
        Html::text(way(peer.way)),
        replicas(edge),
        Html::text(count(edge.calls())),
        figure(edge.failures()),
        figure_of(edge.failures(), &Unit::Percent.format(edge.share() * 100.0)),
        figure(peer.retries),
        Html::text(peer.retries_left),
        took(peer.latency.p50),
        took(peer.latency.p95),
        took(peer.latency.p99),
    ]
}

/// A number of which none is the rule, and quiet.
fn figure(value: u64) -> Html {
    figure_of(value, &count(value))
}

fn figure_of(value: u64, words: &str) -> Html {
    if value == 0 {
        Html::trusted(r#"<span class="quiet">–</span>"#)
    } else {
        Html::text(words)
    }
}

/// The replicas by what their breakers say: `2`, or `1 open of 3`.
fn replicas(edge: &Edge) -> Html {
    let states = [
        (PeerState::Open, "open"),
        (PeerState::Probing, "probed"),
        (PeerState::Warming, "new"),
    ];
    let all = edge.peer.endpoints.len();
    let amiss: Vec<String> = states
        .into_iter()
        .filter_map(|(state, word)| {
            let count = edge.peer.endpoints.iter().filter(|one| one.state == state).count();
            (count > 0).then(|| format!("{count} {word}"))
        })
        .collect();
    match (all, amiss.is_empty()) {
        (0, _) if edge.peer.way == PeerWay::InProcess => Html::trusted(r#"<span class="quiet">–</span>"#),
        (0, _) => Html::text("no address"),
        (_, true) => Html::text(all),
        (_, false) => Html::text(format!("{} of {all}", amiss.join(", "))),
    }
}

fn too_many(pairs: usize) -> Html {
    if pairs <= MOST_ROWS {
        return Html::default();
    }
    Html::trusted(format!(
        r#"<p class="quiet note">The worst {MOST_ROWS} of {pairs} pairs are listed; choose a service above to see all of its own.</p>"#
    ))
}
