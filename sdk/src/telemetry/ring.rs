use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The newest of something: bounded, oldest out first. What is pushed can be waited for.
#[derive(Debug)]
pub struct Ring<T> {
    kept: Mutex<Kept<T>>,
    pushed: watch::Sender<u64>,
    capacity: usize,
}

#[derive(Debug)]
struct Kept<T> {
    items: VecDeque<T>,
    /// How many were ever pushed; the newest kept has this number.
    total: u64,
}

impl<T: Clone> Ring<T> {
    /// A ring that keeps so many.
    pub fn new(capacity: usize) -> Self {
        Ring {
            kept: Mutex::new(Kept {
                items: VecDeque::new(),
                total: 0,
            }),
            pushed: watch::Sender::new(0),
            capacity,
        }
    }

    /// Adds one; the oldest goes where there is no room.
    pub fn push(&self, item: T) {
        let total = {
            let mut kept = self.lock();
            if kept.items.len() == self.capacity {
                kept.items.pop_front();
            }
            kept.items.push_back(item);
            kept.total += 1;
            kept.total
        };
        // Without a reader there is nobody to wake, and most rings have none.
        let read = self.pushed.receiver_count() > 0;
        self.pushed.send_if_modified(|pushed| {
            *pushed = total;
            read
        });
    }

    /// Looks at what is kept, oldest first, under the ring's lock: be brief.
    pub fn read<R>(&self, look: impl FnOnce(&VecDeque<T>) -> R) -> R {
        look(&self.lock().items)
    }

    /// What was pushed after the first `seen` ones and is still kept, and how many were pushed in all.
    pub fn after(&self, seen: u64) -> (Vec<T>, u64) {
        let kept = self.lock();
        let new = usize::try_from(kept.total.saturating_sub(seen))
            .unwrap_or(usize::MAX)
            .min(kept.items.len());
        (
            kept.items.range(kept.items.len() - new..).cloned().collect(),
            kept.total,
        )
    }

    /// How many were ever pushed, as something to wait on.
    pub fn pushed(&self) -> watch::Receiver<u64> {
        self.pushed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_forgets_the_oldest() {
        let ring = Ring::new(2);
        for n in 1..=3 {
            ring.push(n);
        }
        assert_eq!(ring.after(0), (vec![2, 3], 3));
        assert_eq!(ring.after(2), (vec![3], 3));
        assert_eq!(ring.after(9), (vec![], 3));
    }
}
