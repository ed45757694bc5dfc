//! The pipes of a service: its own, and the kernel's.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::context::{Context, PipeHandler};
use crate::error::{Error, Result};
use crate::pipe::Pipe;
use crate::service::Service;

/// The pipe that every service serves, so that the way to it can be tried: whatever is sent comes back.
const ECHO: &str = "echo";

/// The pipes that a service serves, where a service's own of the same name comes first.
pub(super) fn served(service: &Service) -> BTreeMap<&'static str, PipeHandler> {
    let mut pipes = service.pipes.clone();
    pipes
        .entry(ECHO)
        .or_insert_with(|| Arc::new(|context, pipe| Box::pin(echo(context, pipe))));
    pipes
}

async fn echo(_: Context, pipe: Pipe) -> Result<()> {
    let (mut from, mut to) = tokio::io::split(pipe);
    let copied = tokio::io::copy(&mut from, &mut to).await;
    // Who broke the pipe knows it, and there is nothing to undo.
    copied
        .map(drop)
        .map_err(|error| Error::unavailable("the caller of echo went away").with_source(error))
}
