use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Inbox;

/// A service that is subscribed to.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// Told when it knows of no subscriptions.
    pub(super) renew: Notify,
    /// Why it refuses them, where it does.
    refused: Mutex<Option<String>>,
}

impl Source {
    pub(super) fn refused(&self) -> MutexGuard<'_, Option<String>> {
        // Nothing that can panic runs under this lock.
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inbox {
    /// Notes why a source refuses its subscriptions, or that it does not; says whether that is news.
    pub(super) fn note_refused(&self, source: &str, why: Option<&str>) -> bool {
        let Some(source) = self.sources_held().get(source) else {
            return false;
        };
        let mut refused = source.refused();
        let news = refused.as_deref() != why;
        *refused = why.map(str::to_owned);
        news
    }

    /// The sources that refuse their subscriptions, each with why.
    pub fn refused(&self) -> Vec<(String, String)> {
        let sources = self.sources_held().iter();
        sources
            .filter_map(|(key, source)| Some((key.clone(), source.refused().clone()?)))
            .collect()
    }
}
