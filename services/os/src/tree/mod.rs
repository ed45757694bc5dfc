//! The tree: which place is which syscall of which service.

mod keys;
mod lists;
mod metrics;
mod nearest;
mod service;

use blackroad_os_contracts::os::{FsEntry, FsKind, FsNode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use syscall_sdk::context::Context;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::rpc::CallOptions;
use syscall_sdk::wire::Json;

use crate::path::{FsPath, parameter};

/// Entries in one answer unless said.
const LIMIT: usize = 100;
/// Most entries in one answer, as everywhere in the contract.
const LIMIT_MAX: usize = 1_000;
/// The registry, as a file.
const REGISTRY: &str = "registry.json";

/// Which part of a directory is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) limit: usize,
    pub(crate) cursor: Option<String>,
}

impl Window {
    /// Reads it from a query; a number that is none counts as absent.
    ///
    /// # Errors
    /// `INVALID_PATH` where a value is no UTF-8.
    pub(crate) fn of(query: Option<&str>) -> Result<Self> {
        let limit = parameter(query, "limit")?.and_then(|limit| limit.parse().ok());
        Ok(Window {
            limit: limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX),
            cursor: parameter(query, "cursor")?.filter(|cursor| !cursor.is_empty()),
        })
    }
}

/// What is at a place, read now from whoever has it.
///
/// # Errors
/// `PATH_NOT_FOUND` where nothing is there, with the nearest directory that is; or what the service said.
pub(crate) async fn read(context: &Context, path: &FsPath, window: &Window) -> Result<FsNode> {
    let parts = path.parts();
    let (key, rest) = match parts.split_first() {
        None => return Ok(root(context, path)),
        Some((name, [])) if *name == REGISTRY => return file(path, context.registry().file()),
        Some((key, rest)) => (*key, rest),
    };
    let Ok(record) = context.registry().get(key) else {
        return Err(nearest::nothing(path, 0));
    };
    let ask = Ask {
        context,
        key: record.key.clone(),
        path,
        window,
    };
    match rest {
        [] => service::list(&ask).await,
        ["state", keys @ ..] => keys::read(&ask, keys).await,
        ["methods"] => service::methods(&ask).await,
        ["methods", name] => service::method(&ask, name).await,
        ["jobs"] => lists::jobs(&ask).await,
        ["jobs", id] => lists::job(&ask, id).await,
        ["schedules"] => lists::schedules(&ask).await,
        ["schedules", id] => lists::schedule(&ask, id).await,
        ["events"] => lists::events(&ask).await,
        ["events", id] => lists::event(&ask, id).await,
        ["traces"] => lists::traces(&ask).await,
        ["traces", id] => lists::trace(&ask, id).await,
        ["metrics"] => metrics::list(&ask).await,
        ["metrics", name] => metrics::read(&ask, name).await,
        [name] => service::file(&ask, name).await,
        [name, ..] if service::DIRECTORIES.iter().any(|(known, _)| known == name) => Err(nearest::nothing(path, 2)),
        _ => Err(nearest::nothing(path, 1)),
    }
}

/// One question to a service: whom, about which place, on whose behalf.
pub(crate) struct Ask<'a> {
    pub(crate) context: &'a Context,
    pub(crate) key: String,
    pub(crate) path: &'a FsPath,
    pub(crate) window: &'a Window,
}

impl Ask<'_> {
    /// A syscall's answer.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T> {
        let options = options(self.context);
        self.context.rpc().get_json(&self.key, path_and_query, &options).await
    }

    /// A syscall's answer about one thing; where there is no such thing, the place is empty.
    pub(crate) async fn get_one<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T> {
        use syscall_sdk::error::Kind;
        self.get(path_and_query).await.map_err(|error| match error.kind() {
            // A name that cannot be one, such as a malformed id, names nothing.
            Kind::NotFound | Kind::Invalid => self.nothing(),
            _ => error,
        })
    }

    /// That nothing is here, though the directory is.
    pub(crate) fn nothing(&self) -> Error {
        nearest::nothing(self.path, self.path.names.len() - 1)
    }

    /// A directory of these entries.
    pub(crate) fn dir(&self, entries: Vec<FsEntry>, cursor: Option<String>) -> FsNode {
        dir(self.path, entries, cursor)
    }
}

/// How the tree asks: in its reader's name, never passing off its own credential for theirs.
pub(crate) fn options(context: &Context) -> CallOptions {
    context.on_behalf()
}

fn root(context: &Context, path: &FsPath) -> FsNode {
    let services = context.registry().services();
    let mut entries: Vec<FsEntry> = services
        .map(|service| {
            entry(
                &service.key,
                FsKind::Dir,
                Some(format!("{}, {}", service.name, service.role)),
            )
        })
        .collect();
    entries.push(entry(
        REGISTRY,
        FsKind::File,
        Some("who belongs to the fleet".to_owned()),
    ));
    dir(path, entries, None)
}

pub(crate) fn entry(name: &str, kind: FsKind, hint: Option<String>) -> FsEntry {
    FsEntry {
        name: name.to_owned(),
        kind,
        hint,
    }
}

fn dir(path: &FsPath, entries: Vec<FsEntry>, cursor: Option<String>) -> FsNode {
    FsNode {
        path: path.text(),
        kind: FsKind::Dir,
        entries: Some(entries),
        cursor,
        content_type: None,
        value: None,
    }
}

/// A file of JSON.
pub(crate) fn file<T: Serialize + ?Sized>(path: &FsPath, value: &T) -> Result<FsNode> {
    of_type(path, "application/json", value)
}

/// A file of text.
pub(crate) fn text(path: &FsPath, value: &str) -> Result<FsNode> {
    of_type(path, "text/plain", value)
}

fn of_type<T: Serialize + ?Sized>(path: &FsPath, content_type: &str, value: &T) -> Result<FsNode> {
    let value = Json::of(value).map_err(|error| Error::internal("a file has no JSON form").with_source(error))?;
    Ok(FsNode {
        path: path.text(),
        kind: FsKind::File,
        entries: None,
        cursor: None,
        content_type: Some(content_type.to_owned()),
        value: Some(value),
    })
}
