use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::Handler;

/// Which services are mounted in this process, by key. Cheap to clone; all clones are the same board.
///
/// A crashed service is taken off and put back, so a handler is looked up for every call and never kept.
#[derive(Clone, Debug, Default)]
pub struct Switchboard(Arc<RwLock<BTreeMap<String, Handler>>>);

impl Switchboard {
    /// Mounts a service, in the place of what was there.
    pub fn mount(&self, key: impl Into<String>, handler: Handler) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.into(), handler);
    }

    /// Takes a service off.
    pub fn unmount(&self, key: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// The handler of a service, where it is mounted here.
    pub fn get(&self, key: &str) -> Option<Handler> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }
}
