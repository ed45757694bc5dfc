//! What is kept in the store, read and written as the types that it is.

use serde::Serialize;
use serde::de::DeserializeOwned;
use syscall_sdk::error::{Error, Result};
use syscall_sdk::store::Entry;
use syscall_sdk::wire::Json;

/// What an entry holds.
///
/// # Errors
/// `INTERNAL` where it is of another shape.
pub(crate) fn decode<T: DeserializeOwned>(entry: &Entry) -> Result<T> {
    entry.value.to().map_err(|error| {
        Error::internal(format!("{} holds another shape than its reader expects", entry.key)).with_source(error)
    })
}

/// What is to be kept, as the store keeps it.
///
/// # Errors
/// `INTERNAL` where it has no JSON form.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Json> {
    Json::of(value).map_err(|error| Error::internal("what is to be kept has no JSON form").with_source(error))
}
