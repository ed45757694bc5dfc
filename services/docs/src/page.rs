//! A page of the documentation, as HTML or as Markdown; a folder of pages; a picture; and what is none of these.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use syscall_sdk::context::Context;
use syscall_sdk::error::Error;
use syscall_sdk::http::pages::{command, frame, service_url};
use syscall_sdk::http::{Failure, Html as PageBody, failure};
use syscall_sdk::pages::{Escaped, Frame, Html, NavGroup, NavLink, as_command};

use crate::library::{Library, Page};
use crate::nearest::nearest;
use crate::query::decode;
use crate::routes::STYLE;
use crate::search_page::{accepts, field};
use crate::site::Site;

/// Where a page can be changed.
const SOURCE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/edit/main/docs/");

pub(crate) async fn show(site: Site, context: Context, request: Request) -> Result<Response, Failure> {
    let library = site.library(&context).await?;
    let path = decode(request.uri().path());
    let path = path.trim_matches('/');
    if let Some(name) = path.strip_suffix(".md")
        && let Some((_, page)) = library.page(name)
    {
        return Ok(markdown(page));
    }
    if let Some((place, page)) = library.page(path) {
        if format!("/{}", page.path) != request.uri().path() {
            return Ok(moved(page));
        }
        let content = document(&context, &library, place, page);
        let frame = framed(&context, &library, &page.rendered.title, Some(page)).await;
        return Ok(PageBody(frame.render(content)).into_response());
    }
    if let Some(bytes) = library.picture(path) {
        return Ok(picture(path, bytes));
    }
    let inside = library.folder(path);
    if !inside.is_empty() {
        let content = folder(path, &inside);
        let frame = framed(&context, &library, path, None).await.path(path);
        return Ok(PageBody(frame.render(content)).into_response());
    }
    not_found(site, context, request).await
}

/// What stands where there is no page: which are near.
pub(crate) async fn not_found(site: Site, context: Context, request: Request) -> Result<Response, Failure> {
    let library = site.library(&context).await?;
    let path = decode(request.uri().path());
    let near = nearest(&library, path.trim_end_matches(".md"));
    if !accepts(&request, "text/html") {
        let paths: Vec<&str> = near.iter().map(|page| page.path).collect();
        let error = Error::not_found(format!("there is no page {path}; near it are {}", paths.join(", ")))
            .with_code("PAGE_NOT_FOUND")
            .with_details(json!({ "path": path, "nearest": paths }));
        return Ok(failure(&error));
    }
    let words = path.replace(['/', '-', '.'], " ");
    let content = Html::trusted(format!(
        "<header class=\"page-head\"><div><h1>There is no such page</h1><p><code>{}</code> is not in these pages. It may have moved.</p></div></header>\
         {}<section class=\"section\"><div class=\"section-head\"><h2>Near it</h2></div>{}</section>",
        Escaped(&path),
        field(words.trim()),
        list(&near),
    ));
    let frame = framed(&context, &library, "No such page", None).await;
    Ok((StatusCode::NOT_FOUND, PageBody(frame.render(content))).into_response())
}

/// The frame of the site's pages, with every page beside the content.
pub(crate) async fn framed(context: &Context, library: &Library, title: &str, current: Option<&Page>) -> Frame {
    let link = |page: &Page| NavLink {
        label: page.rendered.title.clone(),
        href: format!("/{}", page.path),
        current: current.is_some_and(|current| current.path == page.path),
    };
    let groups = library.sections.iter().map(|part| NavGroup {
        label: part.title.clone(),
        links: part
            .pages
            .iter()
            .filter_map(|place| library.at(*place))
            .map(link)
            .collect(),
    });
    let frame = frame(context, title).await.nav(groups.collect()).style(STYLE.path());
    match current {
        Some(page) => frame.path(page.path),
        None => frame,
    }
}

/// Pages as a list, each with its first words.
pub(crate) fn list(pages: &[&Page]) -> String {
    let item = |page: &&Page| {
        format!(
            "<li><a href=\"/{}\"><b>{}</b><span>{}</span></a></li>",
            Escaped(page.path),
            Escaped(&page.rendered.title),
            Escaped(beginning(page)),
        )
    };
    format!(
        "<ul class=\"pages\">{}</ul>",
        pages.iter().map(item).collect::<String>()
    )
}

/// A page's first paragraph, or as much of it as a list shows.
fn beginning(page: &Page) -> String {
    /// Two lines of a list.
    const LENGTH: usize = 140;
    let text = page.rendered.lede.as_str();
    match text.char_indices().nth(LENGTH) {
        None => text.to_owned(),
        Some((cut, _)) => format!(
            "{} …",
            text[..cut].rsplit_once(' ').map_or(&text[..cut], |(whole, _)| whole)
        ),
    }
}

fn document(context: &Context, library: &Library, place: usize, page: &Page) -> Html {
    let base = service_url(context, "docs");
    let by_hand = as_command(
        &command(context, &format!("call docs getPage '{{\"path\": \"{}\"}}'", page.path)),
        &format!("curl {base}{}.md", page.path),
    );
    let step = |place: Option<usize>, relation: &str, word: &str| {
        let page = place.and_then(|place| library.at(place));
        page.map_or(String::new(), |page| {
            format!(
                "<a class=\"card step is-{relation}\" rel=\"{relation}\" href=\"/{}\"><small>{word}</small><b>{}</b></a>",
                Escaped(page.path),
                Escaped(&page.rendered.title)
            )
        })
    };
    Html::trusted(format!(
        "<div class=\"document\"><article class=\"prose\">{html}\
         <footer class=\"page-foot\"><div class=\"tools\"><a href=\"/{path}.md\">Markdown</a><a href=\"{SOURCE}{path}.md\">Change this page</a>{by_hand}</div>\
         <nav class=\"steps\" aria-label=\"Before and after\">{before}{after}</nav></footer></article>\
         <aside class=\"beside\">{field}{toc}</aside></div>",
        html = page.rendered.html,
        path = Escaped(page.path),
        before = step(place.checked_sub(1), "prev", "Before"),
        after = step(Some(place + 1), "next", "Next"),
        field = field(""),
        toc = toc(page),
    ))
}

/// The headings of a page, two levels deep.
fn toc(page: &Page) -> String {
    let mut items = String::new();
    for heading in page.rendered.headings.iter().filter(|heading| heading.level <= 3) {
        let deep = if heading.level > 2 { " class=\"is-deep\"" } else { "" };
        items.push_str(&format!(
            "<li{deep}><a href=\"#{}\">{}</a></li>",
            heading.id,
            Escaped(&heading.text)
        ));
    }
    if items.is_empty() {
        return items;
    }
    // Beside the text where there is room, folded above it where there is none.
    format!(
        "<nav class=\"toc\" aria-label=\"On this page\" tabindex=\"0\"><p>On this page</p><ul>{items}</ul></nav>\
         <details class=\"more fold\"><summary>On this page</summary><nav class=\"toc\" aria-label=\"On this page\"><ul>{items}</ul></nav></details>"
    )
}

fn folder(path: &str, pages: &[&Page]) -> Html {
    Html::trusted(format!(
        "<header class=\"page-head\"><div><h1>{}</h1><p>{} pages.</p></div></header>{}",
        Escaped(path),
        pages.len(),
        list(pages)
    ))
}

fn markdown(page: &Page) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, page.markdown).into_response()
}

/// The page has one address; its others lead there.
fn moved(page: &Page) -> Response {
    match HeaderValue::from_str(&format!("/{}", page.path)) {
        Ok(to) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, to)]).into_response(),
        Err(error) => failure(&Error::internal("a page's path is no address").with_source(error)),
    }
}

fn picture(path: &str, bytes: &'static [u8]) -> Response {
    let kind = match path.rsplit('.').next() {
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        _ => "image/jpeg",
    };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, bytes).into_response()
}
