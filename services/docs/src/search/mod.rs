//! Full-text search over the sections of the pages, in memory.

mod index;
mod snippet;
#[cfg(test)]
mod tests;

use blackroad_os_contracts::docs::{DocsHit, FoundDocs};

pub(crate) use index::Index;

use crate::library::Library;

/// Hits in one answer unless said.
const LIMIT: u32 = 20;
/// Most hits in one answer: more are not read, they are searched again.
const LIMIT_MAX: u32 = 100;
/// Words of a query that count: a longer one is a mistake, and each word costs a walk through the index.
const WORDS_MAX: usize = 12;
/// Letters of a word that are searched for, as many as the index keeps: what a pattern costs grows with each.
const WORD_MAX_CHARS: usize = 40;
/// Characters of a query that are read.
const QUERY_MAX_CHARS: usize = 200;

/// Finds sections by words. Anything is a query, as far as it is read; one that matches nothing, or holds no word, finds
/// nothing.
pub(crate) fn search(library: &Library, index: &Index, query: &str, limit: Option<u32>) -> FoundDocs {
    let query: String = query.chars().take(QUERY_MAX_CHARS).collect();
    let words = words(&query);
    let limit = limit.unwrap_or(LIMIT).clamp(1, LIMIT_MAX);
    let found = index.find(&words, limit as usize);
    let hits = found.places.into_iter().filter_map(|(page, section)| {
        let page = library.at(page)?;
        let part = page.rendered.sections.get(section)?;
        let anchor = part
            .heading
            .as_ref()
            .map_or(String::new(), |heading| format!("#{}", heading.id));
        Some(DocsHit {
            path: page.path.to_owned(),
            title: page.rendered.title.clone(),
            heading: part.heading.as_ref().map(|heading| heading.text.clone()),
            url: format!("/{}{anchor}", page.path),
            snippet: snippet::around(&part.text, &words, found.slips),
        })
    });
    FoundDocs {
        query,
        total: found.total as u64,
        hits: hits.collect(),
    }
}

/// The words of a text as the index knows them.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        // In small letters a word may have more of them.
        .map(|word| word.to_lowercase().chars().take(WORD_MAX_CHARS).collect())
        .collect()
}
