//! A map that can take back what was done to it since the last commit.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::collections::btree_map;

/// A map with an undo list: what each write replaced, in order.
#[derive(Clone, Debug)]
pub(in crate::store) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    undo: Vec<(K, Option<V>)>,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Table {
            rows: BTreeMap::new(),
            undo: Vec::new(),
        }
    }
}

impl<K: Ord + Clone, V> Table<K, V> {
    pub(in crate::store) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.rows.get(key)
    }

    pub(in crate::store) fn put(&mut self, key: K, value: V) {
        let old = self.rows.insert(key.clone(), value);
        self.undo.push((key, old));
    }

    pub(in crate::store) fn remove(&mut self, key: &K) {
        if let Some(old) = self.rows.remove(key) {
            self.undo.push((key.clone(), Some(old)));
        }
    }

    pub(in crate::store) fn iter(&self) -> btree_map::Iter<'_, K, V> {
        self.rows.iter()
    }

    pub(in crate::store) fn values(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.rows.values()
    }

    pub(in crate::store) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Keeps what was done.
    pub(in crate::store) fn commit(&mut self) {
        self.undo.clear();
    }

    /// Takes back what was done, the latest first.
    pub(in crate::store) fn roll_back(&mut self) {
        while let Some((key, old)) = self.undo.pop() {
            match old {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
    }
}
