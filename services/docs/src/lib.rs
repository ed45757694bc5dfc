//! Docs: the repository's `docs/` as a site, with search over it.
//!
//! Every page is in the binary. A page is served as HTML under its path, as Markdown under its path with `.md`, and over RPC.

mod contents;
mod highlight;
mod library;
mod markdown;
mod methods;
mod nearest;
mod page;
mod query;
mod routes;
mod search;
mod search_page;
mod site;

use std::future::ready;

use blackroad_os_contracts::docs;
use syscall_sdk::service::Service;

use site::Site;

mod built {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

/// What the service declares.
pub fn service() -> Service {
    let site = Site::default();
    let (for_search, for_pages, for_start) = (site.clone(), site.clone(), site.clone());
    Service::new("docs", env!("CARGO_PKG_VERSION"))
        .method(docs::SEARCH, move |context, params| {
            methods::search(for_search.clone(), context, params)
        })
        .method(docs::GET_PAGE, move |context, params| {
            methods::get_page(for_pages.clone(), context, params)
        })
        .routes(routes::routes(&site))
        .start(move |context| {
            for_start.warm_up(&context);
            ready(Ok(()))
        })
}

/// The files of the repository's `docs/`, as of the build.
pub(crate) fn embedded() -> library::Files {
    library::Files {
        pages: built::PAGES,
        pictures: built::PICTURES,
        contents: built::CONTENTS,
    }
}
