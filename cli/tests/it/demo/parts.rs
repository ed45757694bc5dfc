//! Every control, every state, a document and a desk.

use syscall_sdk::pages::{
    Failure, Html, Status, Tab, Tone, badge, code_block, empty_state, error_state, facts, id, notice, skeleton,
    status_label, tabs, time,
};

use super::overview::now;

pub(super) fn parts() -> Html {
    let now = now();
    let statuses: Html = [Status::Healthy, Status::Degraded, Status::Down, Status::Unknown]
        .map(|status| Html::trusted(format!("{} ", status_label(status, status.as_str()))))
        .into_iter()
        .collect();
    let badges: Html = [Tone::Neutral, Tone::Info, Tone::Good, Tone::Warn, Tone::Bad]
        .map(|tone| Html::trusted(format!("{} ", badge(tone, tone.as_str()))))
        .into_iter()
        .collect();
    let identity = [
        ("Service", Html::text("blackroad-os-core")),
        ("Version", Html::text("0.1.0")),
        ("Commit", id("2e80da4", Some("/jobs/1"))),
        ("Status", status_label(Status::Healthy, "healthy")),
        ("Started", time(now)),
        ("Internal", id("http://blackroad-os-core.railway.internal:8000", None)),
    ];
    Html::trusted(
        [
            r#"<div class="page-head"><div><h1>Parts</h1><p>Every control and every state.</p></div></div>"#.to_owned(),
            tabs(
                "Views of core",
                &[
                    Tab { label: "Identity", href: "/parts", current: true },
                    Tab { label: "Methods", href: "/parts?view=methods", current: false },
                    Tab { label: "Events", href: "/parts?view=events", current: false },
                    Tab { label: "State", href: "/parts?view=state", current: false },
                ],
            )
            .into_string(),
            facts(identity.clone()).into_string(),
            format!(r#"<section class="section stack"><h2>Marks</h2><p>{statuses}</p><p>{badges}</p></section>"#),
            controls(),
            format!(
                r#"<section class="section stack"><h2>States</h2>{}{}{}{}{}</section>"#,
                empty_state(
                    "Dead letters will be listed here: events that a subscriber has refused five times.",
                    "blackroad emit core note:made '{\"id\":\"42\"}'",
                ),
                error_state(Failure {
                    what: "The job list could not be read.",
                    whose: "core's store did not answer in 5 s; this page and its service are well.",
                    next: "Try again. If it stays, look at core's health for the check called store.",
                    trace: Some(("4bf92f3577b34da6", "/jobs/trace")),
                    retry: Some("/parts"),
                }),
                notice(Tone::Info, &Html::text("A new version is being rolled out: 1 of 2 replicas runs 0.1.1.")),
                notice(Tone::Bad, &Html::text("Writes are refused while the store is read-only.")),
                skeleton(3),
            ),
            format!(
                r#"<section class="section stack"><h2>Text of the machine</h2>{}<div class="terminal" tabindex="0" role="region" aria-label="Shell"><span class="prompt">/ ›</span> ls /core
<span class="quiet">identity  health  methods/  events/  jobs/  state/</span>
<span class="prompt">/ ›</span> cat /core/nothing
<span class="is-wrong">cat: /core/nothing: there is no such file; /core has identity, health and 4 folders</span></div></section>"#,
                code_block("Job 01a2", "{\n  \"id\": \"018f4a6e-3b1c-7c2e-9d0a-5f6b7c8d9e0f\",\n  \"name\": \"send-email\",\n  \"attempts\": [{ \"error\": null, \"durationMs\": 41 }]\n}"),
            ),
        ]
        .concat(),
    )
}

fn controls() -> String {
    r#"<section class="section stack"><h2>Controls</h2>
<div class="tools"><button class="button is-first" type="button">Create job</button><button class="button" type="button">Redrive</button><button class="button is-bad" type="button">Delete</button><button class="button is-quiet" type="button">More</button><button class="button" type="button" disabled>Waiting</button><button class="button" type="button" aria-busy="true">Retrying</button></div>
<form class="tools" id="retry" method="post" action="/jobs/01a2/retry" data-action data-done="The job runs again."><button class="button">Retry job</button><p id="outcome">Job 01a2 has failed.</p></form>
<form class="tools" id="cancel" method="post" action="/refuse" data-action data-confirm="Cancel job 01a2? Its work so far is lost."><button class="button is-bad">Cancel job</button></form>
<form class="form"><div class="field"><label for="name">Name</label><input id="name" name="name" value="send-email"><small>The task, as the service declares it.</small></div>
<div class="field"><label for="payload">Payload</label><textarea id="payload" name="payload" aria-invalid="true" aria-describedby="payload-wrong">{ "to": </textarea><small class="is-wrong" id="payload-wrong">That is no JSON: it ends in the middle.</small></div>
<div class="field"><label for="priority">Priority</label><select id="priority" name="priority"><option>normal</option><option>high</option></select></div>
<label class="choice"><input type="checkbox" name="unique" checked> <span>Only one at a time for this name</span></label></form></section>"#
        .to_owned()
}

pub(super) fn guide() -> Html {
    Html::trusted(
        r##"<div class="document"><article class="prose"><h1>Retry a dead job</h1>
<p class="lede">A job that has failed as often as its task allows is dead: it stays where it is until somebody looks.</p>
<h2 id="find">Find it<a class="anchor" href="#find" aria-label="Link to: Find it">#</a></h2>
<p>Every service lists its dead jobs under <a href="/">its overview</a>, and so does the command line. The error of the last attempt is in the <code>lastError</code> member:</p>
<pre tabindex="0" aria-label="Listing"><code><span class="hl-c"># the newest first</span>
<span class="hl-f">blackroad</span> job list core <span class="hl-p">--</span>status <span class="hl-s">dead</span> <span class="hl-p">|</span> <span class="hl-f">jq</span> <span class="hl-s">'.[0].lastError'</span></code></pre>
<h2 id="retry">Retry it<a class="anchor" href="#retry" aria-label="Link to: Retry it">#</a></h2>
<ol><li>Mend what made it fail; the trace says where.</li><li>Retry it, with its payload or with another.</li><li>Watch it: the page is live.</li></ol>
<pre tabindex="0" aria-label="Contract"><code><span class="hl-k">pub const</span> <span class="hl-t">SEND_EMAIL</span>: <span class="hl-t">Task</span>&lt;<span class="hl-t">Email</span>, <span class="hl-t">Receipt</span>&gt; =
    <span class="hl-t">Task</span>::<span class="hl-f">new</span>(<span class="hl-s">"core"</span>, <span class="hl-s">"send-email"</span>).<span class="hl-f">attempts</span>(<span class="hl-n">5</span>);</code></pre>
<blockquote>A retry is an attempt of its own, with a record of its own: the old ones stay.</blockquote>
<h3 id="when">When it happens<a class="anchor" href="#when" aria-label="Link to: When it happens">#</a></h3>
<div class="table-scroll" role="region" aria-label="Statuses" tabindex="0"><table><thead><tr><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead><tbody><tr><td><code>waiting</code></td><td>Its time has not come, or no worker is free.</td></tr><tr><td><code>dead</code></td><td>Its attempts are used up.</td></tr></tbody></table></div></article>
<nav class="toc" aria-label="On this page"><p>On this page</p><ul><li><a href="#find">Find it</a></li><li><a href="#retry" aria-current="true">Retry it</a><ul><li><a href="#when">When it happens</a></li></ul></li></ul></nav></div>"##,
    )
}

pub(super) fn desk() -> Html {
    let services = [
        ("op", "operator", "Control plane"),
        ("co", "core", "Identity"),
        ("ap", "api", "Public gateway"),
        ("cn", "console", "Dashboard"),
        ("do", "docs", "Documentation"),
        ("os", "os", "Files and shell"),
    ];
    let launcher: String = services
        .iter()
        .map(|(sign, name, what)| {
            format!(r#"<li><a href="/?at={name}"><span class="launcher-sign" aria-hidden="true">{sign}</span><b>{name}</b><small>{what}</small></a></li>"#)
        })
        .collect();
    Html::trusted(format!(
        r#"<div class="page-head"><div><h1>Good morning, Ada</h1></div></div><ul class="launcher">{launcher}</ul>
<section class="section"><div class="section-head"><h2>Windows</h2></div><div class="desk">
<section class="window is-front" aria-label="core"><header class="window-bar"><span>core › jobs</span></header><div class="window-body" tabindex="0">{}</div></section>
<section class="window" aria-label="os"><header class="window-bar"><span>os</span></header><div class="window-body" tabindex="0"><p class="quiet">/core has identity, health and 4 folders.</p></div></section></div>
<nav class="dock" aria-label="Open windows"><a href="/desk" aria-current="true">core › jobs</a><a href="/desk?front=os">os</a></nav></section>"#,
        facts([
            ("Waiting", Html::text(7)),
            ("Running", Html::text(1)),
            ("Dead", Html::text(0))
        ]),
    ))
}
