use std::sync::atomic::{AtomicBool, Ordering};

/// Whether something was asked for.
#[derive(Debug, Default)]
pub struct Asked(AtomicBool);

impl Asked {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    pub fn was(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Clone for Asked {
    fn clone(&self) -> Self {
        Asked(AtomicBool::new(self.was()))
    }
}
