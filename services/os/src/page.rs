//! The terminal, and every place of the tree as a page that needs no script.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use blackroad_os_contracts::os::{FsEntry, FsKind, FsNode};
use http::StatusCode;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::http::pages::{command, frame, service_url};
use syscall_sdk::http::{Failure, Html as PageBody};
use syscall_sdk::pages::{Escaped, Failure as Failed, Html, Table, as_command, code_block, empty_state, error_state};

use crate::path::{FsPath, encode, parameter};
use crate::pretty;
use crate::routes::{SCRIPT, STYLE};
use crate::tree::{self, Window};

/// Where the pages of the tree are.
const PAGES: &str = "/fs";
/// What the commands are, for who reads the page before typing.
const HELP: &str = "ls, cd, pwd, cat, tail, call, emit, ps, open, history, clear, help";

pub(crate) async fn terminal(context: Context) -> Result<Response, Failure> {
    let root = tree::read(&context, &FsPath::default(), &Window::of(None)?).await?;
    let services: serde_json::Map<String, serde_json::Value> = context
        .registry()
        .keys()
        .into_iter()
        .map(|key| (key.to_owned(), service_url(&context, key).into()))
        .collect();
    let content = format!(
        "<header class=\"page-head\"><div><h1>The fleet as a file system</h1><p class=\"needs-script\">Every service is a directory. \
         Type <code>help</code> for the commands, Tab to complete, ↑ for what you typed before.</p></div></header>\
         <section class=\"terminal shell needs-script\" id=\"shell\" aria-label=\"Shell\" data-services=\"{services}\">\
         <div id=\"screen\" role=\"log\" aria-live=\"polite\" aria-label=\"What the commands printed\"><p class=\"quiet\">ls lists what is here, help says what else there is.</p></div>\
         <form id=\"line\" autocomplete=\"off\"><label class=\"prompt\" for=\"typed\"><span id=\"where\">/</span> $</label>\
         <input id=\"typed\" name=\"typed\" autocapitalize=\"off\" autocorrect=\"off\" spellcheck=\"false\" autocomplete=\"off\" enterkeyhint=\"go\" \
         aria-describedby=\"keys\"><button class=\"button is-small\" type=\"button\" id=\"stop\" hidden>Stop</button></form></section>\
         <p class=\"keys needs-script\" id=\"keys\"><kbd>Tab</kbd> completes, on an empty line it leaves · <kbd>Ctrl C</kbd> stops · \
         <kbd>Ctrl L</kbd> clears · commands: {HELP}</p>\
         <section class=\"section\"><div class=\"section-head\"><h2>Root</h2></div>{listing}</section>",
        services = Escaped(serde_json::Value::from(services)),
        listing = listing(&context, &FsPath::default(), &root),
    );
    let frame = frame(&context, "Shell").await.style(STYLE.path()).script(SCRIPT.path());
    Ok(PageBody(frame.render(Html::trusted(content))).into_response())
}

pub(crate) async fn place(context: Context, request: Request) -> Result<Response, Failure> {
    let uri = request.uri();
    let path = match parameter(uri.query(), "path")? {
        Some(text) => FsPath::literal(&text),
        None => FsPath::decode(uri.path().strip_prefix(PAGES).unwrap_or_default())?,
    };
    let (status, content) = match tree::read(&context, &path, &Window::of(uri.query())?).await {
        Ok(node) => (StatusCode::OK, show(&context, &path, &node)),
        Err(error) => (status(&error), failed(&path, &error)),
    };
    let content = Html::trusted(format!("{}{content}", head(&path)));
    let title = path.text();
    let frame = frame(&context, &title).await.style(STYLE.path());
    Ok((
        status,
        PageBody(frame.path(&format!("fs{}", path.encoded())).render(content)),
    )
        .into_response())
}

/// The page of a place. A browser takes dots out of a URL's path, so that names of dots alone go in its query.
fn href(path: &FsPath) -> String {
    let slash = if path.directory && !path.names.is_empty() {
        "/"
    } else {
        ""
    };
    if path.names.iter().any(|name| name == "." || name == "..") {
        return format!("{PAGES}?path={}{slash}", encode(&path.text()));
    }
    format!("{PAGES}{}{slash}", path.encoded())
}

/// Each name of the path as a link, so that one walks up as easily as down.
fn head(path: &FsPath) -> String {
    let mut names = String::from("<a href=\"/fs\">/</a>");
    for depth in 1..=path.names.len() {
        let here = path.ancestor(depth);
        let name = Escaped(&path.names[depth - 1]).to_string();
        let last = depth == path.names.len();
        names.push_str(&match last {
            true => format!("<span aria-current=\"page\">{name}</span>"),
            false => format!("<a href=\"{}\">{name}</a>/", href(&here)),
        });
    }
    format!("<header class=\"page-head\"><h1 class=\"mono path\">{names}</h1></header>")
}

fn show(context: &Context, path: &FsPath, node: &FsNode) -> Html {
    let base = service_url(context, "os");
    let word = if node.kind == FsKind::Dir { "ls" } else { "cat" };
    let written = path.text();
    let by_hand = as_command(
        &command(context, &format!("{word} '{}'", written.replace('\'', "'\\''"))),
        &if path.names.iter().any(|name| name == "." || name == "..") {
            format!(
                "curl --get --data-urlencode 'path={}' {base}v1/fs",
                written.replace('\'', "'\\''")
            )
        } else {
            format!("curl {base}v1/fs{}", path.encoded())
        },
    );
    let body = match node.kind {
        FsKind::Dir => listing(context, path, node),
        FsKind::File => content(node),
    };
    Html::trusted(format!("{body}<div class=\"below\">{by_hand}</div>"))
}

fn listing(context: &Context, path: &FsPath, node: &FsNode) -> Html {
    let entries = node.entries.as_deref().unwrap_or_default();
    if entries.is_empty() && node.cursor.is_none() {
        return empty_state("Nothing is in this directory yet.", &filler(context, path));
    }
    let row = |table: Table, entry: &FsEntry| {
        let slash = if entry.kind == FsKind::Dir { "/" } else { "" };
        let href = href(&path.child(&entry.name, entry.kind == FsKind::Dir));
        let name = Html::trusted(format!(
            "<a class=\"id\" href=\"{href}\">{}{slash}</a>",
            Escaped(&entry.name)
        ));
        table.row([name, Html::text(entry.hint.as_deref().unwrap_or_default())])
    };
    let table = entries
        .iter()
        .fold(Table::new("Entries").column("Name").wide("What it is"), row);
    let more = node.cursor.as_ref().map_or(String::new(), |cursor| {
        format!(
            "<nav class=\"pager\" aria-label=\"Pages\"><p>{} entries here, and there are more.</p><a class=\"button\" rel=\"next\" href=\"{PAGES}?path={}/&amp;cursor={}\">Next</a></nav>",
            entries.len(),
            encode(&path.text()),
            encode(cursor)
        )
    });
    Html::trusted(format!("<div class=\"files\">{}</div>{more}", table.html()))
}

/// The one command that puts something into an empty directory; of some there is none.
fn filler(context: &Context, path: &FsPath) -> String {
    let words = match path.parts().as_slice() {
        [key, "state", ..] => format!("state put {key} greeting '\"hello\"'"),
        [key, "events"] => format!("emit {key} hello:world '{{}}'"),
        [key, "jobs"] => format!("job create {key} NAME '{{}}'"),
        [key, "schedules"] => format!("job create {key} NAME '{{}}' --cron '0 3 * * *'"),
        _ => return String::new(),
    };
    command(context, &words)
}

fn content(node: &FsNode) -> Html {
    let Some(value) = &node.value else {
        return Html::default();
    };
    match value.to::<String>() {
        Ok(text) if node.content_type.as_deref() == Some("text/plain") => code_block("text", text),
        _ => pretty::block(value.text()),
    }
}

fn failed(path: &FsPath, error: &Error) -> Html {
    let near = error
        .details()
        .and_then(|details| details.get("nearest"))
        .and_then(|near| near.as_str());
    let state = error_state(Failed {
        what: error.message(),
        whose: error.code(),
        next: if error.kind() == Kind::NotFound {
            "It may have gone since it was listed."
        } else {
            "Try again in a moment."
        },
        trace: None,
        retry: Some(&href(path)),
    });
    let near = near.map_or(String::new(), |near| {
        let near = FsPath::literal(near);
        format!(
            "<p class=\"below\">Go on from <a class=\"id\" href=\"{}\">{}</a>.</p>",
            href(&near),
            Escaped(near.text())
        )
    });
    Html::trusted(format!("{state}{near}"))
}

/// A page's status is the contract's for the error, so that a program that reads pages is not misled.
fn status(error: &Error) -> StatusCode {
    syscall_sdk::http::failure(error).status()
}
