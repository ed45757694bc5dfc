//! The site as it is served: rendered and indexed once, beside the start of the service rather than in it.

use std::sync::Arc;
use std::time::Instant;

use blackroad_os_contracts::docs::FoundDocs;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use tokio::sync::OnceCell;

use crate::library::Library;
use crate::search::{self, Index};

/// The site, made at the first need of it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    library: OnceCell<Arc<Library>>,
    index: OnceCell<Arc<Index>>,
}

impl Site {
    /// The pages; the first to ask waits some milliseconds for them.
    pub(crate) async fn library(&self, context: &Context) -> Result<Arc<Library>> {
        let open = || async {
            let open = || Arc::new(Library::open(crate::embedded()));
            context.blocking("render the documentation", open).await
        };
        self.0.library.get_or_try_init(open).await.cloned()
    }

    /// The pages and their index.
    async fn searchable(&self, context: &Context) -> Result<(Arc<Library>, Arc<Index>)> {
        let library = self.library(context).await?;
        let build = || async {
            let library = Arc::clone(&library);
            let begun = Instant::now();
            let index = context
                .blocking("index the documentation", move || Index::build(&library))
                .await?;
            let index =
                index.map_err(|error| Error::internal("the documentation cannot be indexed").with_source(error))?;
            tracing::info!(
                duration_ms = begun.elapsed().as_secs_f64() * 1_000.0,
                "the documentation is indexed"
            );
            Ok::<_, Error>(Arc::new(index))
        };
        let index = self.0.index.get_or_try_init(build).await?;
        Ok((Arc::clone(&library), Arc::clone(index)))
    }

    /// What is found by words, off the async threads: many and odd words take a while.
    pub(crate) async fn search(&self, context: &Context, query: String, limit: Option<u32>) -> Result<FoundDocs> {
        let (library, index) = self.searchable(context).await?;
        let search = move || search::search(&library, &index, &query, limit);
        context.blocking("search the documentation", search).await
    }

    /// Makes all of it beside whatever else goes on.
    pub(crate) fn warm_up(&self, context: &Context) {
        let (site, own) = (self.clone(), context.clone());
        context.spawn("warm up the documentation", async move {
            if let Err(error) = site.searchable(&own).await {
                tracing::error!(error = %error.chain(), "the documentation cannot be searched");
            }
        });
    }
}
