//! A stream lasts no longer than what it was asked for with is good.

use std::task::{Context, Poll};

use axum::response::Response;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::Inner;
use super::body::{Companion, accompanied};
use super::seat::is_stream;
use crate::auth::Caller;

impl Inner {
    /// The answer, which ends when what its reader showed [lasts no longer](crate::auth::Gate::until_void). The reader asks again, and is told.
    pub(super) fn while_good(&self, caller: &Caller, response: Response) -> Response {
        if !is_stream(&response) {
            return response;
        }
        match self.kernel.gate.until_void(caller) {
            Some(void) => accompanied(response, WhileGood(void)),
            None => response,
        }
    }
}

struct WhileGood(BoxFuture<'static, ()>);

impl Companion for WhileGood {
    fn gone(&self, _: usize) {}

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        matches!(self.0.poll_unpin(context), Poll::Ready(()))
    }
}
