//! Compensation: what a run has done is undone, in reverse, when it fails.

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::handle::{Handle, encode};
use super::record::{Fault, StepKind};
use super::step::StepPolicy;
use crate::error::{Error, Result};
use crate::wire::Json;

/// What undoes a thing that was done.
#[derive(Clone)]
pub(super) struct Undo {
    pub(super) name: String,
    pub(super) policy: StepPolicy,
    pub(super) work: Arc<dyn Fn() -> BoxFuture<'static, Result<Json>> + Send + Sync>,
}

/// A run that undoes what it did: written down before the first undoing, so that the next life goes on with it and with nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Failing {
    pub(super) error: Fault,
    /// What is undone, in the order in which it was done.
    pub(super) undo: Vec<String>,
}

impl Handle {
    /// Says how to undo what was just done: if the run fails, what was said so is done in reverse order, each as a step of its own.
    ///
    /// A run that is cancelled undoes nothing: cancelling is at once, and fences whatever the run might still do.
    pub fn compensate<F, Fut>(&self, name: impl Into<String>, work: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        self.compensate_with(name, StepPolicy::default(), work);
    }

    /// [`Handle::compensate`], tried as a policy says.
    pub fn compensate_with<F, Fut>(&self, name: impl Into<String>, policy: StepPolicy, work: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<()>> + Send + 'static,
    {
        let work = move || {
            let work = work();
            async move { encode(&work.await?) }.boxed()
        };
        self.0.journal().undo.push(Undo {
            name: name.into(),
            policy,
            work: Arc::new(work),
        });
    }

    /// Undoes in reverse what was done; what cannot be undone is said in the error, and the rest is undone all the same.
    pub(super) async fn undo_all(&self, undo: Vec<Undo>, error: Error) -> Error {
        let mut left = Vec::new();
        for undo in undo.into_iter().rev() {
            let name = format!("undo {}", undo.name);
            let work = || (undo.work)();
            if let Err(failed) = self.perform(&name, StepKind::Undo, None, &undo.policy, &work).await {
                tracing::error!(run = self.0.run, step = name, error = %failed.chain(), "what a failed run did could not be undone");
                left.push(format!("{} ({})", undo.name, failed.message()));
            }
        }
        if left.is_empty() {
            return error;
        }
        let message = format!(
            "{}; and these could not be undone: {}",
            error.message(),
            left.join(", ")
        );
        let said = Error::new(error.kind(), message).with_code(error.code().to_owned());
        match error.details() {
            Some(details) => said.with_details(details.clone()),
            None => said,
        }
    }
}
