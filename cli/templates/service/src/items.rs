//! What is kept, and the job that counts it.

use sample_contracts::sample::{AddItem, ITEM_ADDED, Item, ItemCount};
use serde_json::json;
use syscall_sdk::context::{Context, JobContext};
use syscall_sdk::error::{Error, Result};
use syscall_sdk::name::{Prefix, new_id};
use syscall_sdk::store::Condition;
use syscall_sdk::wire::Timestamp;

const NAMESPACE: &str = "items";
/// Longest name, in bytes: one line of a table.
const NAME_MAX_BYTES: usize = 200;
/// Items read at once: a page of the store, small beside the memory of any machine.
const PAGE: usize = 256;

pub(crate) async fn add(context: Context, params: AddItem) -> Result<Item> {
    let name = params.name.trim();
    if name.is_empty() || name.len() > NAME_MAX_BYTES {
        return Err(Error::invalid(format!("name is 1 to {NAME_MAX_BYTES} bytes")).with_code("NAME_INVALID"));
    }
    let item = Item {
        id: new_id(),
        name: name.to_owned(),
        created_at: Timestamp(context.clock().now()),
    };
    let items = context.namespace(NAMESPACE)?;
    context
        .batch()
        .put(&items, &item.id, &item, Condition::Absent)
        .emit(&ITEM_ADDED, &item)
        .commit()
        .await?;
    Ok(item)
}

/// Runs at least once, so it only reads: counting anew from the start is right after a crash.
pub(crate) async fn count(context: JobContext, (): ()) -> Result<ItemCount> {
    let state = context.namespace(NAMESPACE)?;
    let (mut items, mut after) = (0, None);
    loop {
        if context.is_cancelled() {
            return Err(Error::unavailable("the job was cancelled"));
        }
        let page = state.page(&Prefix::all(), after, PAGE).await?;
        items += page.len();
        context.progress(&json!({ "counted": items })).await?;
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.key.clone()),
            _ => return Ok(ItemCount { items }),
        }
    }
}

/// The first items, oldest first: an id begins with the moment at which it was made.
pub(crate) async fn first(context: &Context, most: usize) -> Result<Vec<Item>> {
    let entries = context.namespace(NAMESPACE)?.page(&Prefix::all(), None, most).await?;
    entries
        .iter()
        .map(|entry| {
            let item = entry.value.to();
            item.map_err(|error| Error::internal(format!("{} holds no item", entry.key)).with_source(error))
        })
        .collect()
}
