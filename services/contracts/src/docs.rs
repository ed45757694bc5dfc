//! What docs offers: its pages, and a search in them.

use serde::{Deserialize, Serialize};
use syscall_sdk::contract::Method;
use utoipa::ToSchema;

/// Finds sections of the documentation by words.
pub const SEARCH: Method<SearchDocs, FoundDocs> =
    Method::new("docs", "searchDocs", "Finds sections of the documentation by words.").idempotent();
/// Reads a page of the documentation.
pub const GET_PAGE: Method<GetPage, Page> =
    Method::new("docs", "getPage", "Reads a page of the documentation in Markdown.").idempotent();

/// What to look for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SearchDocs {
    /// Words; the last may be unfinished. Anything is a query, and nothing is an error.
    #[serde(default)]
    pub q: String,
    /// At most so many: 20 unless said, 100 at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FoundDocs {
    /// What was looked for.
    pub query: String,
    /// How many sections match in all.
    pub total: u64,
    /// The best first.
    pub hits: Vec<DocsHit>,
}

/// A section that matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocsHit {
    /// The page, as [`GetPage`] takes it.
    pub path: String,
    /// The page's title.
    pub title: String,
    /// The section's heading; absent where it is the page's beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// Where a browser goes, on the docs service.
    pub url: String,
    /// Words around the match as HTML: escaped text with `<mark>` around what matches.
    pub snippet: String,
}

/// Which page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GetPage {
    /// Its path without `.md`: `tutorial`, `reference/syscalls`.
    pub path: String,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page {
    /// Its path.
    pub path: String,
    /// Its title.
    pub title: String,
    /// The part of the documentation in which it stands.
    pub section: String,
    /// Its text in Markdown.
    pub markdown: String,
    /// Its headings below the title, in order.
    pub headings: Vec<PageHeading>,
    /// The path of the page before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The path of the page after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A heading of a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PageHeading {
    /// 2 for the largest below the title.
    pub level: u8,
    /// What a link to it ends in, after `#`.
    pub id: String,
    /// Its words.
    pub text: String,
}
