use std::sync::{Arc, Mutex, PoisonError};

use super::Pipe;

/// An end of a pipe as an extension of the request that opens it: who serves the pipe in the same process takes it. What comes by a
/// socket has no extensions, so nobody outside can bring one.
#[derive(Clone, Debug)]
pub(crate) struct Plug(Arc<Mutex<Option<Pipe>>>);

impl Plug {
    pub(super) fn new(pipe: Pipe) -> Self {
        Plug(Arc::new(Mutex::new(Some(pipe))))
    }

    /// The end; `None` where it was taken already.
    pub(crate) fn take(&self) -> Option<Pipe> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
