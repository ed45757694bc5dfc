use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::{Settings, Variables};

/// What a service is told, as it stands now: replaced as a whole while it runs, and outliving each of its lives. Cheap to clone.
///
/// What changes for every request is pushed to where it is used, or is an atomic here; the rest is asked for with [`Live::now`].
#[derive(Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    told: watch::Sender<Arc<Told>>,
    cross_origin: AtomicBool,
}

/// One version of what a service is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// How often it was replaced.
    pub version: u64,
    /// What the kernel reads.
    pub settings: Settings,
    /// All of it, for what the service itself reads.
    pub(crate) variables: Variables,
}

impl Live {
    /// What is told at the start.
    pub fn new(settings: Settings, variables: Variables) -> Self {
        let cross_origin = AtomicBool::new(!settings.allowed_origins.is_empty());
        let told = Told {
            version: 0,
            settings,
            variables,
        };
        Live(Arc::new(Inner {
            told: watch::Sender::new(Arc::new(told)),
            cross_origin,
        }))
    }

    /// What holds now.
    pub fn now(&self) -> Arc<Told> {
        Arc::clone(&self.0.told.borrow())
    }

    /// What holds now, as something to wait on.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Told>> {
        self.0.told.subscribe()
    }

    /// Whether scripts of other origins may call at all.
    pub fn allows_origins(&self) -> bool {
        self.0.cross_origin.load(Ordering::Relaxed)
    }

    /// Replaces it.
    pub(crate) fn replace(&self, told: Arc<Told>) {
        let cross_origin = !told.settings.allowed_origins.is_empty();
        self.0.told.send_replace(told);
        self.0.cross_origin.store(cross_origin, Ordering::Relaxed);
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("version", &self.now().version).finish()
    }
}
