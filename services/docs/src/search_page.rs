//! Search: for readers a page, for programs JSON.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use blackroad_os_contracts::docs::FoundDocs;
use http::StatusCode;
use http::header::ACCEPT;
use syscall_sdk::context::Context;
use syscall_sdk::http::pages::{command, service_url};
use syscall_sdk::http::{Failure, Html as PageBody, json};
use syscall_sdk::pages::{Escaped, Html, Icon, as_command};

use crate::page::framed;
use crate::query::value;
use crate::site::Site;

pub(crate) async fn show(site: Site, context: Context, request: Request) -> Result<Response, Failure> {
    if wants_json(&request) {
        return json_alone(site, context, request).await;
    }
    let library = site.library(&context).await?;
    let (query, limit) = asked(&request);
    let found = site.search(&context, query, limit).await?;
    let content = page(&context, &found);
    let title = if found.query.is_empty() {
        "Search".to_owned()
    } else {
        format!("{} · Search", found.query)
    };
    let frame = framed(&context, &library, &title, None).await.path("search");
    Ok(PageBody(frame.render(content)).into_response())
}

pub(crate) async fn json_alone(site: Site, context: Context, request: Request) -> Result<Response, Failure> {
    let (query, limit) = asked(&request);
    let found = site.search(&context, query, limit).await?;
    Ok(json(StatusCode::OK, &found))
}

/// What the reader asked for, and how much of it.
fn asked(request: &Request) -> (String, Option<u32>) {
    (value(request.uri().query(), "q"), limit(request))
}

/// Whether JSON is asked for: by format=json, or by who accepts it and no page.
fn wants_json(request: &Request) -> bool {
    value(request.uri().query(), "format") == "json"
        || (accepts(request, "application/json") && !accepts(request, "text/html"))
}

/// Whether the caller names a media type among those it takes.
pub(crate) fn accepts(request: &Request, media: &str) -> bool {
    let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains(media))
}

/// The field in which a reader searches.
pub(crate) fn field(query: &str) -> Html {
    Html::trusted(format!(
        "<form class=\"search\" role=\"search\" action=\"/search\"><label class=\"quiet-text\" for=\"q\">Search the documentation</label>\
         <input id=\"q\" name=\"q\" type=\"search\" value=\"{}\" placeholder=\"Search\" autocomplete=\"off\">\
         <button class=\"button is-icon\" type=\"submit\" aria-label=\"Search\">{}</button></form>",
        Escaped(query),
        Icon::Search.html()
    ))
}

/// How much is asked for; a number that is none counts as absent.
fn limit(request: &Request) -> Option<u32> {
    value(request.uri().query(), "limit").parse().ok()
}

fn page(context: &Context, found: &FoundDocs) -> Html {
    let asked = Escaped(&found.query).to_string();
    let said = match (found.query.trim().is_empty(), found.total) {
        (true, _) => "Words of what you look for; the last may be unfinished.".to_owned(),
        (_, 0) => format!(
            "Nothing is written about <b>{asked}</b>. Try fewer or other words, or <a href=\"/\">read the contents</a>."
        ),
        (_, 1) => format!("One section on <b>{asked}</b>."),
        (_, total) if total > found.hits.len() as u64 => {
            format!("The best {} of {total} sections on <b>{asked}</b>.", found.hits.len())
        }
        (_, total) => format!("{total} sections on <b>{asked}</b>."),
    };
    let hits: String = found
        .hits
        .iter()
        .map(|hit| {
            let heading = hit.heading.as_ref().map_or(String::new(), |heading| {
                format!(" <span class=\"quiet\">›</span> {}", Escaped(heading))
            });
            format!(
                "<li><a href=\"{}\"><b>{}{heading}</b><span>{}</span></a></li>",
                Escaped(&hit.url),
                Escaped(&hit.title),
                hit.snippet
            )
        })
        .collect();
    let params = serde_json::json!({ "q": found.query })
        .to_string()
        .replace('\'', "'\\''");
    let by_hand = as_command(
        &command(context, &format!("call docs searchDocs '{params}'")),
        &format!(
            "curl --get --data-urlencode 'q={}' {}search.json",
            found.query.replace('\'', "'\\''"),
            service_url(context, "docs")
        ),
    );
    Html::trusted(format!(
        "<header class=\"page-head\"><div><h1>Search</h1></div><div class=\"tools\">{by_hand}</div></header>{}\
         <p class=\"said\" role=\"status\">{said}</p><ul class=\"pages\">{hits}</ul>",
        field(&found.query)
    ))
}
