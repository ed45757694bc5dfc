//! The page: the items, as they come.

use askama::Template;
use sample_contracts::sample::Item;
use syscall_sdk::context::Context;
use syscall_sdk::error::Result;
use syscall_sdk::http::pages::{command, frame, service_url};
use syscall_sdk::pages::{Html, Table, as_command, empty_state, id, live_controls, time};

/// Items on the page: a screen or two.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "items.html")]
struct Page {
    items: Html,
    controls: Html,
    command: Html,
}

pub(crate) async fn items(context: &Context) -> Result<String> {
    let content = Page {
        items: table(context).await?,
        controls: live_controls(),
        command: as_command(
            &command(context, "call sample-key addItem '{\"name\":\"the first\"}'"),
            &format!(
                "curl {}v1/sys/rpc -d '{{\"method\":\"addItem\",\"params\":{{\"name\":\"the first\"}}}}'",
                service_url(context, "sample-key")
            ),
        ),
    };
    Ok(frame(context, "Items").await.live("/live").render(content))
}

/// What changes while the page is open: the fleet's marks and the items.
pub(crate) async fn parts(context: Context) -> Vec<(String, Html)> {
    let mut parts = vec![("fleet".to_owned(), frame(&context, "").await.fleet_fragment())];
    // A store that cannot be read now leaves what is shown as it is.
    if let Ok(table) = table(&context).await {
        parts.push(("items".to_owned(), table));
    }
    parts
}

async fn table(context: &Context) -> Result<Html> {
    let items = crate::items::first(context, SHOWN).await?;
    let shown = if items.is_empty() {
        let first = command(context, "call sample-key addItem '{\"name\":\"the first\"}'");
        empty_state("Items will be listed here.", &first)
    } else {
        let table = Table::new("Items").stacked().column("Id").column("When").wide("Name");
        items.iter().fold(table, with).html()
    };
    Ok(Html::trusted(format!(
        r#"<div id="items" data-live-part>{shown}</div>"#
    )))
}

fn with(table: Table, item: &Item) -> Table {
    table.keyed_row(
        &item.id,
        [id(&item.id, None), time(item.created_at), Html::text(&item.name)],
    )
}
