//! What the service answers over RPC.

use blackroad_os_contracts::docs::{FoundDocs, GetPage, Page, PageHeading, SearchDocs};
use serde_json::json;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};

use crate::nearest::nearest;
use crate::site::Site;

pub(crate) async fn search(site: Site, context: Context, params: SearchDocs) -> Result<FoundDocs> {
    site.search(&context, params.q, params.limit).await
}

pub(crate) async fn get_page(site: Site, context: Context, params: GetPage) -> Result<Page> {
    let library = site.library(&context).await?;
    let path = params.path.trim_end_matches(".md");
    let (place, page) = library.page(path).ok_or_else(|| {
        let near: Vec<&str> = nearest(&library, path).into_iter().map(|page| page.path).collect();
        Error::not_found(format!("there is no page {path:?}; near it are {}", near.join(", ")))
            .with_code("PAGE_NOT_FOUND")
            .with_details(json!({ "path": path, "nearest": near }))
    })?;
    let path_at = |place: Option<usize>| {
        place
            .and_then(|place| library.at(place))
            .map(|page| page.path.to_owned())
    };
    Ok(Page {
        path: page.path.to_owned(),
        title: page.rendered.title.clone(),
        section: library.sections[page.part].title.clone(),
        markdown: page.markdown.to_owned(),
        headings: page
            .rendered
            .headings
            .iter()
            .map(|heading| PageHeading {
                level: heading.level,
                id: heading.id.clone(),
                text: heading.text.clone(),
            })
            .collect(),
        previous: path_at(place.checked_sub(1)),
        next: path_at(Some(place + 1)),
    })
}
