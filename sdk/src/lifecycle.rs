//! The only spawner: every task has a name, an owner and an end.
//!
//! A [`Scope`] owns its tasks. Stopping it cancels them, waits a grace, aborts what is left and says what did not finish. A
//! critical task that ends before it was asked to fails its scope, which the owner hears from [`Scope::failed`].

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span};

/// Owns tasks. Cheap to clone; all clones are the same scope.
#[derive(Clone, Debug)]
pub struct Scope(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    span: Span,
    cancel: CancellationToken,
    tracker: TaskTracker,
    running: Mutex<HashMap<u64, (&'static str, AbortHandle)>>,
    next: AtomicU64,
    failure: watch::Sender<Option<Failure>>,
}

/// Why a scope failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The task that ended.
    pub task: &'static str,
    /// What it said, or how it panicked.
    pub reason: String,
}

impl Scope {
    /// A scope of its own. Its tasks run inside `span`, so that what they log finds its service.
    pub fn new(name: impl Into<String>, span: Span) -> Self {
        Self::with_token(name.into(), span, CancellationToken::new())
    }

    /// A scope that is cancelled with this one. Its tasks are its own: stop it before its parent.
    pub fn child(&self, name: impl Into<String>) -> Self {
        Self::with_token(name.into(), self.0.span.clone(), self.0.cancel.child_token())
    }

    fn with_token(name: String, span: Span, cancel: CancellationToken) -> Self {
        Scope(Arc::new(Inner {
            name,
            span,
            cancel,
            tracker: TaskTracker::new(),
            running: Mutex::default(),
            next: AtomicU64::new(0),
            failure: watch::Sender::new(None),
        }))
    }

    /// Runs a task to its end; when the scope is cancelled it is dropped where it stands. A panic is logged and ends that task alone.
    pub fn spawn(&self, task: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.0.cancel.clone();
        self.spawn_graceful(task, async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = future => {}
            }
        });
    }

    /// Runs a task that hears of the cancellation by itself and ends in its own time, within the grace of [`Scope::stop`].
    pub fn spawn_graceful(&self, task: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        self.track(task, async move {
            if let Err(panic) = AssertUnwindSafe(future).catch_unwind().await {
                tracing::error!(task, panic = panic_message(&*panic), "a task panicked");
            }
        });
    }

    /// Runs a task that has nothing to finish, such as a loop that looks after something: it is dropped when the scope is cancelled.
    pub fn spawn_background(&self, task: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let cancel = self.token();
        self.spawn(task, async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = future => {}
            }
        });
    }

    /// Runs a task that the scope cannot do without: if it ends, fails or panics before the scope is cancelled, the scope has failed.
    /// When the scope is cancelled it is dropped where it stands.
    pub fn spawn_critical(
        &self,
        task: &'static str,
        future: impl Future<Output = crate::error::Result<()>> + Send + 'static,
    ) {
        // The scope's own task must not keep the scope alive.
        let inner = Arc::downgrade(&self.0);
        let cancel = self.0.cancel.clone();
        self.track(task, async move {
            let ended = tokio::select! {
                () = cancel.cancelled() => return,
                ended = AssertUnwindSafe(future).catch_unwind() => ended,
            };
            let reason = match ended {
                Ok(Ok(())) => "it ended by itself".to_owned(),
                Ok(Err(error)) => error.chain(),
                Err(panic) => format!("it panicked: {}", panic_message(&*panic)),
            };
            let Some(inner) = inner.upgrade() else { return };
            if !inner.cancel.is_cancelled() {
                inner.fail(Failure { task, reason });
            }
        });
    }

    fn track(&self, task: &'static str, future: impl Future<Output = ()> + Send + 'static) {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let inner = Arc::downgrade(&self.0);
        // Held while the handle is stored, so that a task that ends at once cannot be removed before it was put in.
        let mut running = self.0.running();
        let handle = self.0.tracker.spawn(
            async move {
                future.await;
                if let Some(inner) = inner.upgrade() {
                    inner.running().remove(&id);
                }
            }
            .instrument(self.0.span.clone()),
        );
        running.insert(id, (task, handle.abort_handle()));
    }

    /// Runs blocking work on a thread of the runtime's blocking pool and gives its result.
    ///
    /// # Errors
    /// `INTERNAL` where the work panicked or the runtime is going down. Dropping the future does not stop the work.
    pub async fn blocking<T: Send + 'static>(
        &self,
        task: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> crate::error::Result<T> {
        let span = self.0.span.clone();
        let handle = self.0.tracker.spawn_blocking(move || span.in_scope(work));
        handle.await.map_err(|error| {
            crate::error::Error::internal(format!("blocking task {task} did not finish")).with_source(error)
        })
    }

    /// Fails the scope by hand: for what is no task and still ends it, such as a poisoned store.
    pub fn fail(&self, task: &'static str, reason: impl Into<String>) {
        self.0.fail(Failure {
            task,
            reason: reason.into(),
        });
    }

    /// Waits until the scope has failed. Cancel-safe; never returns for a scope that does not fail.
    pub async fn failed(&self) -> Failure {
        let mut failure = self.0.failure.subscribe();
        let first = failure
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|failure| failure.clone());
        match first {
            Some(failure) => failure,
            // The sender lives in the scope that `self` holds.
            None => std::future::pending().await,
        }
    }

    /// Asks every task to end. Idempotent.
    pub fn cancel(&self) {
        self.0.cancel.cancel();
    }

    /// Whether the tasks have been asked to end.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.is_cancelled()
    }

    /// Waits until the tasks are asked to end. Cancel-safe.
    pub async fn cancelled(&self) {
        self.0.cancel.cancelled().await;
    }

    /// The token behind [`Scope::cancel`], for what wants to hold it.
    pub fn token(&self) -> CancellationToken {
        self.0.cancel.clone()
    }

    /// The scope's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The span that its tasks run in.
    pub fn span(&self) -> &Span {
        &self.0.span
    }

    /// How many tasks run now.
    pub fn tasks(&self) -> usize {
        self.0.tracker.len()
    }

    /// Waits until no task runs, without asking any to end. Cancel-safe.
    pub async fn idle(&self) {
        self.0.tracker.close();
        self.0.tracker.wait().await;
    }

    /// Asks every task to end, waits up to `grace`, aborts the rest and names them.
    pub async fn stop(&self, grace: Duration) -> Vec<&'static str> {
        self.cancel();
        self.0.tracker.close();
        if tokio::time::timeout(grace, self.0.tracker.wait()).await.is_ok() {
            return Vec::new();
        }
        let mut unfinished: Vec<_> = self.0.running().drain().map(|(_, task)| task).collect();
        unfinished.sort_by_key(|(task, _)| *task);
        for (_, handle) in &unfinished {
            handle.abort();
        }
        unfinished.into_iter().map(|(task, _)| task).collect()
    }
}

impl Inner {
    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<u64, (&'static str, AbortHandle)>> {
        // Nothing that can panic runs under this lock.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, failure: Failure) {
        self.failure.send_if_modified(|first| {
            let new = first.is_none();
            if new {
                *first = Some(failure);
            }
            new
        });
    }
}

impl Drop for Inner {
    /// The fallback: whoever forgot to stop the scope must not leave its tasks running.
    fn drop(&mut self) {
        for (_, handle) in self.running().values() {
            handle.abort();
        }
    }
}

/// What a panic said.
pub fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope::new("test", Span::none())
    }

    #[tokio::test]
    async fn a_critical_task_that_panics_fails_its_scope() {
        let scope = scope();
        scope.spawn_critical("heart", async { panic!("stopped") });
        assert_eq!(
            scope.failed().await,
            Failure {
                task: "heart",
                reason: "it panicked: stopped".to_owned()
            }
        );
    }

    #[tokio::test]
    async fn an_ordinary_task_that_panics_fails_nothing() {
        let scope = scope();
        scope.spawn("guest", async { panic!("oh") });
        scope.spawn_critical("heart", {
            async move {
                std::future::pending::<()>().await;
                Ok(())
            }
        });
        assert!(scope.stop(Duration::from_secs(5)).await.is_empty());
        assert!(scope.failed().now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_names_the_tasks_that_did_not_finish() {
        let scope = scope();
        scope.spawn_graceful("deaf", std::future::pending());
        scope.spawn("dropped", std::future::pending());
        let listening = scope.clone();
        scope.spawn_graceful("polite", async move { listening.cancelled().await });
        assert_eq!(scope.stop(Duration::from_secs(1)).await, ["deaf"]);
    }

    #[tokio::test]
    async fn a_background_task_holds_up_no_stop() {
        let scope = scope();
        scope.spawn_background("loop", std::future::pending());
        assert!(scope.stop(Duration::from_secs(60)).await.is_empty());
    }

    #[tokio::test]
    async fn a_child_is_cancelled_with_its_parent() {
        let parent = scope();
        let child = parent.child("child");
        parent.cancel();
        child.cancelled().await;
    }
}
