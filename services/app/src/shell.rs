//! The shell's page: what opens, where it stands, and the dock. The script in `assets/shell.js` moves the windows.

use askama::Template;
use syscall_sdk::context::Context;
use syscall_sdk::http::pages::{frame, service_url};
use syscall_sdk::pages::Asset;

/// What only the shell uses.
pub(crate) const ASSETS: &[Asset] = &[STYLE, SCRIPT];
const STYLE: Asset = Asset::own(
    "shell.css",
    "text/css; charset=utf-8",
    include_str!("../assets/shell.css"),
);
const SCRIPT: Asset = Asset::own(
    "shell.js",
    "text/javascript; charset=utf-8",
    concat!(
        include_str!("../assets/window.js"),
        include_str!("../assets/drag.js"),
        include_str!("../assets/shell.js"),
    ),
);

/// What opens, in the order of the keys Alt+1 and on: a key, its sign, and what it is for.
const PROGRAMS: [(&str, &str, &str); 8] = [
    ("console", "cn", "Health, logs, traces and jobs, live"),
    ("os", "os", "The fleet as files, and a shell"),
    ("docs", "do", "Documentation, with search"),
    ("operator", "op", "Who is alive, schedules, deploys"),
    ("api", "ap", "Every method over HTTP, webhooks"),
    ("core", "co", "Users and who they are"),
    ("web", "we", "The public site and the status page"),
    ("root", "ro", "The apex, and the registry as JSON"),
];

struct Program {
    number: usize,
    key: &'static str,
    sign: &'static str,
    purpose: &'static str,
    href: String,
    home: String,
}

#[derive(Template)]
#[template(path = "shell.html")]
struct Shell {
    programs: Vec<Program>,
}

pub(crate) async fn page(context: &Context) -> String {
    let programs = (1..)
        .zip(PROGRAMS)
        .map(|(number, (key, sign, purpose))| Program {
            number,
            key,
            sign,
            purpose,
            href: start(context, key),
            home: service_url(context, key),
        })
        .collect();
    frame(context, "Shell")
        .await
        .style(STYLE.path())
        .script(SCRIPT.path())
        .wide()
        .render(Shell { programs })
}

/// Where a service's window begins: its front page, or what stands for one where it has none for people.
fn start(context: &Context, key: &str) -> String {
    match key {
        "core" | "operator" => format!("{}services/{key}", service_url(context, "console")),
        _ => service_url(context, key),
    }
}
