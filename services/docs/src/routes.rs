//! Every route of the site.

use axum::extract::Request;
use blackroad_os_contracts::docs::FoundDocs;
use syscall_sdk::auth::Access;
use syscall_sdk::context::Context;
use syscall_sdk::http::pages::asset_routes;
use syscall_sdk::pages::Asset;
use syscall_sdk::service::{Route, RouteKind, Routes};

use crate::site::Site;
use crate::{built, contents, page, search_page};

/// What the site's pages have beside the shared style.
pub(crate) const STYLE: Asset = Asset::own(
    "docs.css",
    "text/css; charset=utf-8",
    include_str!("../assets/docs.css"),
);

pub(crate) fn routes(site: &Site) -> Routes {
    let mut routes = asset_routes(&[STYLE])
        .with(
            Route::get("/", Access::Public, with(site, contents::show))
                .says("The contents of the documentation.")
                .page(),
        )
        .with(
            Route::get("/search", Access::Public, with(site, search_page::show))
                .says("Finds sections of the documentation; JSON where the caller accepts that and no HTML, or asks with format=json.")
                .query("q", "string", "Words; the last may be unfinished.")
                .query("limit", "integer", "At most so many; 20 unless said, 100 at most.")
                .query("format", "string", "json for JSON.")
                .kind(RouteKind::Page)
                .gives::<FoundDocs>(200, "What was found; to a browser, a page.")
                .gives_media(200, "What was found, as a page.", "text/html"),
        )
        .with(
            Route::get("/search.json", Access::Public, with(site, search_page::json_alone))
                .says("Finds sections of the documentation.")
                .query("q", "string", "Words; the last may be unfinished.")
                .query("limit", "integer", "At most so many; 20 unless said, 100 at most.")
                .gives::<FoundDocs>(200, "What was found."),
        )
        .with(reading(Route::get("/{page}", Access::Public, with(site, page::show))))
        .otherwise(with(site, page::not_found));
    for folder in built::FOLDERS {
        routes = routes.with(reading(Route::get(folder, Access::Public, with(site, page::show))));
    }
    routes
}

fn reading(route: Route) -> Route {
    route
        .says("A page of the documentation; with .md at its end, its Markdown.")
        .kind(RouteKind::Page)
        .gives_media(200, "The page.", "text/html")
        .fails(&[(
            404,
            "There is no such page; to a browser, a page that says which are near.",
        )])
}

/// A handler with the site at hand.
fn with<F, Fut>(site: &Site, handler: F) -> impl Fn(Context, Request) -> Fut + Clone + Send + Sync + 'static
where
    F: Fn(Site, Context, Request) -> Fut + Clone + Send + Sync + 'static,
{
    let site = site.clone();
    move |context, request| handler(site.clone(), context, request)
}
