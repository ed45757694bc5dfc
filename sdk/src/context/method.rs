use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Context;
use crate::contract::Schema;
use crate::error::Result;
use crate::wire::Json;

/// Serves one RPC method, types erased.
pub type MethodHandler = Arc<dyn Fn(Context, Option<Json>) -> BoxFuture<'static, Result<Json>> + Send + Sync>;

/// A method and who serves it.
pub struct ServedMethod {
    /// What it does.
    pub description: &'static str,
    /// Whether calling it twice does no more than calling it once.
    pub idempotent: bool,
    /// JSON Schema of its parameters.
    pub params: Schema,
    /// JSON Schema of its result.
    pub result: Schema,
    /// Serves it.
    pub handler: MethodHandler,
}

impl fmt::Debug for ServedMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedMethod")
            .field("idempotent", &self.idempotent)
            .finish_non_exhaustive()
    }
}
