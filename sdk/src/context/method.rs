use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Context;
use crate::admission::Reference;
use crate::contract::{Payload, Schema, is_list, schema_of};
use crate::error::{Error, Result};
use crate::wire::Json;

/// Serves one RPC method, types erased.
pub type MethodHandler = Arc<dyn Fn(Context, Option<Json>) -> BoxFuture<'static, Result<Json>> + Send + Sync>;

/// A method and who serves it.
pub struct ServedMethod {
    /// What it does.
    pub description: &'static str,
    /// Whether calling it twice does no more than calling it once.
    pub idempotent: bool,
    /// Whether it is let in where work is turned away.
    pub control: bool,
    /// What a call of it takes where no queue is.
    pub reference: Arc<Reference>,
    /// JSON Schema of its parameters.
    pub params: fn() -> Schema,
    /// JSON Schema of its result.
    pub result: fn() -> Schema,
    /// Serves it.
    pub handler: MethodHandler,
}

impl ServedMethod {
    /// A method by a typed function.
    pub(crate) fn new<P, R, F, Fut>(name: &'static str, description: &'static str, idempotent: bool, handler: F) -> Self
    where
        P: Payload,
        R: Payload,
        F: Fn(Context, P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R>> + Send + 'static,
    {
        let handler = Arc::new(handler);
        let list = is_list::<P>();
        ServedMethod {
            description,
            idempotent,
            control: false,
            reference: Arc::default(),
            params: schema_of::<P>,
            result: schema_of::<R>,
            handler: Arc::new(move |context, params| {
                let handler = Arc::clone(&handler);
                Box::pin(async move {
                    let params = read_params::<P>(name, list, params.as_ref())?;
                    let result = handler(context, params).await?;
                    Json::of(&result).map_err(|error| {
                        Error::internal(format!("the result of {name} has no JSON form")).with_source(error)
                    })
                })
            }),
        }
    }

    /// The same; whether it is let in where work is turned away.
    pub(crate) fn control(self, control: bool) -> Self {
        ServedMethod { control, ..self }
    }
}

/// Reads a method's params, which may be a list only where its schema says so.
pub(super) fn read_params<P: Payload>(name: &str, list: bool, params: Option<&Json>) -> Result<P> {
    // serde would take a list for a struct, field by field in their order, which no schema says.
    if !list && params.is_some_and(|params| params.text().starts_with('[')) {
        return Err(
            Error::invalid(format!("the params of {name} are a list; send a JSON object")).with_code("INVALID_PARAMS"),
        );
    }
    decode(name, params)
}

/// Reads params; absent ones are read as `null` and then as `{}`, so that a method whose params are all optional can be called without.
pub(crate) fn decode<P: Payload>(name: &str, params: Option<&Json>) -> Result<P> {
    let wrong = |error: serde_json::Error| {
        Error::invalid(format!("the params of {name} do not fit: {error}")).with_code("INVALID_PARAMS")
    };
    match params {
        Some(params) => params.to().map_err(wrong),
        None => serde_json::from_str("null")
            .or_else(|_| serde_json::from_str("{}"))
            .map_err(wrong),
    }
}

impl fmt::Debug for ServedMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedMethod")
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}
