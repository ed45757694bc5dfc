use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who is there, counted by whose they are, with a bound for each. Cheap to clone; all clones are the same crowd.
///
/// It holds those alone who are there, so it is never larger than what bounds them all together.
#[derive(Clone)]
pub struct Crowd<K>(Arc<Mutex<HashMap<K, usize>>>);

/// One of a crowd; leaves it when dropped.
pub struct Member<K: Eq + Hash> {
    crowd: Crowd<K>,
    whose: K,
}

impl<K> Default for Crowd<K> {
    fn default() -> Self {
        Crowd(Arc::default())
    }
}

impl<K: Clone + Eq + Hash> Crowd<K> {
    /// Lets one more in, unless there are `most` of whose it is.
    pub fn enter(&self, whose: K, most: usize) -> Option<Member<K>> {
        let mut counts = self.counts();
        let count = counts.entry(whose.clone()).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Member {
            crowd: self.clone(),
            whose,
        })
    }
}

impl<K> Crowd<K> {
    fn counts(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        // Nothing that can panic runs under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash> Drop for Member<K> {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts();
        if let Some(count) = counts.get_mut(&self.whose) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.whose);
            }
        }
    }
}

impl<K> fmt::Debug for Crowd<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crowd of {} parties", self.counts().len())
    }
}

impl<K: Eq + Hash> fmt::Debug for Member<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Member")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_so_many_and_no_more_and_who_leaves_makes_room() {
        let crowd = Crowd::default();
        let first = crowd.enter("a", 2).unwrap();
        let _second = crowd.enter("a", 2).unwrap();
        assert!(crowd.enter("a", 2).is_none());
        assert!(crowd.enter("b", 2).is_some());
        drop(first);
        assert!(crowd.enter("a", 2).is_some());
        assert_eq!(crowd.counts().len(), 1, "who has gone leaves nothing behind");
    }
}
