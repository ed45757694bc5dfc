//! The page at the apex.

use askama::Template;
use syscall_sdk::context::Context;
use syscall_sdk::http::pages::{command, fleet_marks, frame, service_url};
use syscall_sdk::pages::{FleetMark, Html, as_command, status_mark};

/// What a reader of the front page is told of each service, by key.
const PURPOSES: [(&str, &str); 9] = [
    ("operator", "Control plane: who is alive, schedules, deploys"),
    ("core", "Identity: users and who they are"),
    ("api", "Public gateway: every method over HTTP, webhooks"),
    ("app", "The shell: every service in a window, one place to work"),
    ("console", "Dashboard: health, logs, traces, jobs, live"),
    ("docs", "Documentation, with search"),
    ("web", "What this is, and the status page"),
    ("os", "The fleet as a file system, with a shell"),
    ("root", "This page, and the registry as JSON"),
];

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    services: Html,
    command: Html,
    web: String,
    docs: String,
    app: String,
}

pub(crate) async fn page(context: &Context) -> String {
    let root = service_url(context, "root");
    let frame = frame(context, "Fleet").await.live("/live");
    let content = Landing {
        services: services(&fleet_marks(context).await),
        command: as_command(&command(context, "registry"), &format!("curl -s {root}registry.json")),
        web: service_url(context, "web"),
        docs: service_url(context, "docs"),
        app: service_url(context, "app"),
    };
    frame.render(content)
}

/// What changes on the page: the marks at the top and those of the services.
pub(crate) async fn parts(context: Context) -> Vec<(String, Html)> {
    let frame = frame(&context, "Fleet").await;
    vec![
        ("fleet".to_owned(), frame.fleet_fragment()),
        ("services".to_owned(), services(&fleet_marks(&context).await)),
    ]
}

fn services(fleet: &[FleetMark]) -> Html {
    let services: String = fleet
        .iter()
        .map(|service| {
            let purpose = PURPOSES
                .iter()
                .find(|(key, _)| *key == service.name)
                .map_or("", |(_, purpose)| *purpose);
            format!(
                r#"<li data-key="{name}"><a href="{href}"><span class="launcher-sign">{mark}</span><b>{name}</b><small title="{purpose}">{purpose}</small></a></li>"#,
                name = Html::text(&service.name),
                href = Html::text(&service.href),
                mark = status_mark(service.status, "state"),
                purpose = Html::text(purpose),
            )
        })
        .collect();
    Html::trusted(format!(r#"<ul class="launcher" id="services">{services}</ul>"#))
}
