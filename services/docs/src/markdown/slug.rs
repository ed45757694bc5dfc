//! Ids of headings, by GitHub's rule.

use std::collections::HashMap;

/// Gives each heading of a page an id of its own.
#[derive(Debug, Default)]
pub(super) struct Slugs(HashMap<String, usize>);

impl Slugs {
    /// Lower case, spaces to hyphens, without punctuation; a second one of the same words gets a number.
    pub(super) fn of(&mut self, text: &str) -> String {
        let mut slug = String::with_capacity(text.len());
        for c in text.trim().chars() {
            match c {
                ' ' => slug.push('-'),
                '-' | '_' => slug.push(c),
                c if c.is_alphanumeric() => slug.extend(c.to_lowercase()),
                _ => {}
            }
        }
        if slug.is_empty() {
            slug.push_str("section");
        }
        let base = slug.clone();
        while self.0.contains_key(&slug) {
            let seen = self.0.entry(base.clone()).or_insert(0);
            *seen += 1;
            slug = format!("{base}-{seen}");
        }
        self.0.insert(slug.clone(), 0);
        slug
    }
}
