//! Letting in by what is no token of the fleet's own.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Context;
use crate::auth::Principal;
use crate::config::Secret;
use crate::error::Result;

/// Knows callers by something that is no token of the fleet's own, such as an API key. Where a service declares one, its guard asks it before
/// the gate: whom it knows is let in as that principal, and calls that are relayed for them bear a token that this service signs
/// for that call alone. What they showed goes no further than here.
///
/// Where nobody is asked for a credential it is not asked either.
pub trait Identify: Send + Sync {
    /// Whether a text is of its kind, by its form alone. What it does not take is for the gate.
    fn takes(&self, shown: &str) -> bool;

    /// Who shows a text that was looked at before and still holds; nobody is asked. For what must be cheap, such as counting.
    fn known(&self, context: &Context, shown: &str) -> Option<Arc<Principal>>;

    /// Who shows a text.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` where it is worth nothing; `UNAVAILABLE` where that cannot be told now, which lets nobody in. Cancel safe.
    fn identify(&self, context: Context, shown: Secret) -> BoxFuture<'static, Result<Arc<Principal>>>;
}
