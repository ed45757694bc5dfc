//! The first page: what there is to read.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use syscall_sdk::context::Context;
use syscall_sdk::http::{Failure, Html as PageBody};
use syscall_sdk::pages::{Escaped, Html, empty_state};

use crate::page::{framed, list};
use crate::search_page::field;
use crate::site::Site;

pub(crate) async fn show(site: Site, context: Context, _: Request) -> Result<Response, Failure> {
    let library = site.library(&context).await?;
    let mut content = format!(
        "<header class=\"page-head\"><div><h1>Documentation</h1><p>How to run a fleet, what each part promises, and why it is \
         built so.</p></div></header>{}",
        field("")
    );
    for part in &library.sections {
        let pages: Vec<_> = part.pages.iter().filter_map(|place| library.at(*place)).collect();
        content.push_str(&format!(
            "<section class=\"section\"><div class=\"section-head\"><h2>{}</h2></div>{}</section>",
            Escaped(&part.title),
            list(&pages)
        ));
    }
    if library.sections.is_empty() {
        content.push_str(empty_state("The pages of docs/ will be listed here.", "").as_str());
    }
    let frame = framed(&context, &library, "Documentation", None).await;
    Ok(PageBody(frame.render(Html::trusted(content))).into_response())
}
