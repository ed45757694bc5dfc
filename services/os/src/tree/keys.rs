//! A service's state: a slash in a key makes a directory.

use blackroad_os_contracts::os::{FsEntry, FsKind, FsNode};
use syscall_sdk::error::{Error, Kind, Result};
use syscall_sdk::wire::{Entry, StateList};

use super::{Ask, entry, file, nearest};
use crate::path::encode;

/// Keys read for one answer: a million keys below one name are one entry, and nobody waits for all of them.
const KEYS_MAX: usize = 10_000;
/// Parts the cursor's two halves: no cursor of the state has it.
const SEAM: char = '~';

/// A key, or the directory that keys make.
pub(super) async fn read(ask: &Ask<'_>, names: &[&str]) -> Result<FsNode> {
    if names.is_empty() {
        return list(ask, "").await;
    }
    let key = names.join("/");
    let prefix = format!("{key}/");
    // Written with a slash at its end it is the directory first, then the key that ends so, then the key that does not.
    if ask.path.directory && any(ask, &prefix).await? {
        let node = list(ask, &prefix).await?;
        if node.entries.as_ref().is_some_and(|entries| !entries.is_empty()) || node.cursor.is_some() {
            return Ok(node);
        }
        if let Some(found) = one(ask, &prefix).await? {
            return file(ask.path, &found);
        }
    }
    if let Some(found) = one(ask, &key).await? {
        return file(ask.path, &found);
    }
    if any(ask, &prefix).await? {
        return list(ask, &prefix).await;
    }
    for depth in (1..names.len()).rev() {
        if any(ask, &format!("{}/", names[..depth].join("/"))).await? {
            return Err(nearest::nothing(ask.path, 2 + depth));
        }
    }
    Err(nearest::nothing(ask.path, 2))
}

async fn one(ask: &Ask<'_>, key: &str) -> Result<Option<Entry>> {
    absent_is_none(ask.get(&format!("/v1/sys/state?key={}", encode(key))).await)
}

/// Whether any key begins so.
async fn any(ask: &Ask<'_>, prefix: &str) -> Result<bool> {
    let found: Option<StateList> = absent_is_none(
        ask.get(&format!("/v1/sys/state?prefix={}&limit=1", encode(prefix)))
            .await,
    )?;
    Ok(found.is_some_and(|found| !found.state.is_empty()))
}

/// What is no key, such as one that is too long, is the key of nothing. That state is switched off is an error.
fn absent_is_none<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == Kind::Invalid => Ok(None),
        Err(error) if error.kind() == Kind::NotFound && error.code() != "ROUTE_NOT_FOUND" => Ok(None),
        Err(error) => Err(error),
    }
}

async fn list(ask: &Ask<'_>, prefix: &str) -> Result<FsNode> {
    let (mut last, mut cursor) = match &ask.window.cursor {
        None => (None, None),
        Some(text) => {
            let (last, cursor) = text.rsplit_once(SEAM).ok_or_else(|| {
                Error::invalid(format!("cursor {text:?} is none that this directory gave")).with_code("INVALID_CURSOR")
            })?;
            (Some(last.to_owned()), Some(cursor.to_owned()))
        }
    };
    let mut entries: Vec<FsEntry> = Vec::new();
    let mut read = 0;
    while read < KEYS_MAX {
        // Every key makes at most one entry, so that a page of keys never gives more than was asked for.
        let room = ask.window.limit - entries.len();
        let within = if prefix.is_empty() {
            String::new()
        } else {
            format!("&prefix={}", encode(prefix))
        };
        let from = cursor
            .as_ref()
            .map_or(String::new(), |cursor| format!("&cursor={}", encode(cursor)));
        let page: StateList = ask.get(&format!("/v1/sys/state?limit={room}{within}{from}")).await?;
        read += room;
        for found in &page.state {
            let rest = found.key.strip_prefix(prefix).unwrap_or(&found.key);
            match place(rest) {
                Place::Itself => {}
                Place::Key(name) => entries.push(entry(name, FsKind::File, Some(format!("version {}", found.version)))),
                // Keys of one directory stand together, so that the last name alone is to be remembered.
                Place::Within(name) if last.as_deref() == Some(name) => {}
                Place::Within(name) => {
                    entries.push(entry(name, FsKind::Dir, None));
                    last = Some(name.to_owned());
                }
            }
        }
        cursor = page.cursor;
        if cursor.is_none() || entries.len() >= ask.window.limit {
            break;
        }
    }
    let cursor = cursor.map(|cursor| format!("{}{SEAM}{cursor}", last.unwrap_or_default()));
    Ok(ask.dir(entries, cursor))
}

/// Where in a directory what is left of a key stands.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    /// The key is the directory's own name with its slash.
    Itself,
    /// A key of that name.
    Key(&'a str),
    /// A key in the directory of that name.
    Within(&'a str),
}

/// An empty part makes no directory: such a key is one name, slashes and all.
fn place(rest: &str) -> Place<'_> {
    match rest.split_once('/') {
        _ if rest.is_empty() => Place::Itself,
        None => Place::Key(rest),
        Some(("", _) | (_, "")) => Place::Key(rest),
        Some((name, _)) => Place::Within(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_makes_a_directory_and_an_empty_part_does_not() {
        for (rest, expected) in [
            ("", Place::Itself),
            ("a", Place::Key("a")),
            ("a b/é", Place::Within("a b")),
            ("../x", Place::Within("..")),
            ("a/", Place::Key("a/")),
            ("/b", Place::Key("/b")),
            ("a//b", Place::Within("a")),
        ] {
            assert_eq!(place(rest), expected, "{rest:?}");
        }
    }
}
