//! Without pages nobody is signed in, and nobody is shown one.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;

use super::Inner;
use crate::auth::Caller;
use crate::context::Person;
use crate::error::{Error, Result};

impl Inner {
    pub(super) async fn recognise(&self, request: Request, _: &mut Caller) -> (Request, Result<Option<Arc<Person>>>) {
        std::future::ready((request, Ok(None))).await
    }

    pub(super) async fn as_page(&self, _: Request, _: &Caller, _: Option<Arc<Person>>, _: &Error) -> Option<Response> {
        std::future::ready(None).await
    }
}
