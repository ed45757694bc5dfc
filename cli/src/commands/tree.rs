//! `blackroad ls PATH` and `blackroad cat PATH`: the tree that the os service shows.

use anyhow::{Result, bail};
use comfy_table::Cell;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::job::segment;
use crate::args::Path;
use crate::print;
use crate::remote::Remote;

/// Who keeps the tree.
const KEEPER: &str = "os";

/// A place of the tree.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Node {
    /// It holds others.
    Dir {
        path: String,
        entries: Vec<Entry>,
        /// There are more after this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<String>,
    },
    /// It has a value.
    File { path: String, value: Value },
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: String,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Dir,
    File,
}

pub(super) async fn ls(remote: &Remote, machine: bool, path: Path) -> Result<()> {
    let node = read(remote, &path.path).await?;
    if machine {
        return print::json(&node);
    }
    let entries = match node {
        // As `ls` does everywhere: a file lists itself.
        Node::File { path, .. } => return print::line(path),
        Node::Dir { entries, .. } => entries,
    };
    let mut table = print::table(&["name", "size", ""]);
    for entry in entries {
        let slash = if entry.kind == Kind::Dir { "/" } else { "" };
        table.add_row([
            Cell::new(format!("{}{slash}", entry.name)),
            Cell::new(entry.size.map_or_else(String::new, |size| size.to_string())),
            Cell::new(entry.hint.unwrap_or_default()),
        ]);
    }
    print::show(&table)
}

pub(super) async fn cat(remote: &Remote, machine: bool, path: Path) -> Result<()> {
    match read(remote, &path.path).await? {
        Node::Dir { path, .. } => bail!("{path} is a directory; `blackroad ls {path}` lists it"),
        Node::File { value, .. } if machine => print::json(&value),
        // A text is printed as it is, so that a document can be read.
        Node::File {
            value: Value::String(text),
            ..
        } => print::line(text.trim_end_matches('\n')),
        Node::File { value, .. } => print::pretty(&value),
    }
}

/// A place; of a directory all of it, page after page.
async fn read(remote: &Remote, path: &str) -> Result<Node> {
    let segments: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(segment).collect();
    let url = format!("/v1/fs/{}", segments.join("/"));
    let mut node = remote.get(KEEPER, &url, &[]).await?;
    while let Node::Dir { entries, cursor, .. } = &mut node
        && let Some(next) = cursor.take()
    {
        if let Node::Dir {
            entries: more,
            cursor: after,
            ..
        } = remote.get(KEEPER, &url, &[("cursor", Some(next))]).await?
        {
            entries.extend(more);
            *cursor = after;
        }
    }
    Ok(node)
}
