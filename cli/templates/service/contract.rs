//! Sample: what it offers the others.

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::{Method, Task, Topic};
use syscall_sdk::wire::Timestamp;
use utoipa::ToSchema;

/// Keeps an item. `NAME_INVALID` where it has no name, or too long a one.
pub const ADD_ITEM: Method<AddItem, Item> = Method::new("sample-key", "addItem", "Keeps an item.");
/// An item was kept; in the same commit.
pub const ITEM_ADDED: Topic<Item> = Topic::new("sample-key", "item:added");
/// Counts the items.
pub const COUNT_ITEMS: Task<(), ItemCount> = Task::new("sample-key", "count-items").attempts(3);

/// See [`ADD_ITEM`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AddItem {
    /// What it is called.
    pub name: String,
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// When it was kept.
    pub created_at: Timestamp,
}

/// What [`COUNT_ITEMS`] comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ItemCount {
    /// How many items there are.
    pub items: usize,
}
