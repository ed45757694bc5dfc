use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, Stream};

use super::Context;
use super::method::read_params;
use crate::contract::{Payload, Schema, is_list, schema_of};
use crate::error::{Error, Origin, Result};
use crate::wire::Json;

/// Serves one method that gives a stream of results, types erased: at first whether it can, then the results.
pub type StreamHandler =
    Arc<dyn Fn(Context, Option<Json>) -> BoxFuture<'static, Result<BoxStream<'static, Result<Json>>>> + Send + Sync>;

/// A method that gives a stream of results, and who serves it.
pub struct ServedStream {
    /// What it does.
    pub description: &'static str,
    /// JSON Schema of its parameters.
    pub params: fn() -> Schema,
    /// JSON Schema of each of its results.
    pub result: fn() -> Schema,
    /// Serves it.
    pub handler: StreamHandler,
}

impl ServedStream {
    /// A method by a typed function.
    pub(crate) fn new<P, R, F, Fut, S>(name: &'static str, description: &'static str, handler: F) -> Self
    where
        P: Payload,
        R: Payload,
        F: Fn(Context, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S>> + Send + 'static,
        S: Stream<Item = Result<R>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let list = is_list::<P>();
        let render = move |result: Result<R>| {
            let result = result.map_err(|error| error.with_origin(Origin::Handler))?;
            Json::of(&result)
                .map_err(|error| Error::internal(format!("a result of {name} has no JSON form")).with_source(error))
        };
        ServedStream {
            description,
            params: schema_of::<P>,
            result: schema_of::<R>,
            handler: Arc::new(move |context, params| {
                let handler = Arc::clone(&handler);
                Box::pin(async move {
                    let params = read_params::<P>(name, list, params.as_ref())?;
                    let results = handler(context, params).await;
                    let results = results.map_err(|error| error.with_origin(Origin::Handler))?;
                    Ok(results.map(render).boxed())
                })
            }),
        }
    }
}

impl fmt::Debug for ServedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServedStream")
    }
}
