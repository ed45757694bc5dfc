use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};

use zeroize::Zeroize;

/// Variables by name. Secrets given as `NAME_FILE` have been read into `NAME` by who made the map.
///
/// Any value may be a secret, so none is printed, and all are wiped from memory when the map is dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Deref for Variables {
    type Target = BTreeMap<String, String>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Variables {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<const N: usize> From<[(String, String); N]> for Variables {
    fn from(pairs: [(String, String); N]) -> Self {
        Variables(pairs.into())
    }
}

impl FromIterator<(String, String)> for Variables {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Variables(pairs.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Variables {
    type Item = (&'a String, &'a String);
    type IntoIter = std::collections::btree_map::Iter<'a, String, String>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Drop for Variables {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
