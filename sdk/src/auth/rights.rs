//! Several rights, as a token holds them.

use super::right::{Need, Right};
use super::word::Word;
use crate::error::{Error, Result};

/// Most rights of one token: a service that calls fifty others for a handful of things each still fits.
pub const RIGHTS_MAX: usize = 256;

/// What a token allows: the union of its rights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights(Vec<Right>);

impl Rights {
    /// These rights.
    pub fn new(rights: impl IntoIterator<Item = Right>) -> Self {
        Rights(rights.into_iter().collect())
    }

    /// Reads rights from their texts.
    ///
    /// # Errors
    /// `INVALID_RIGHT` where one is none, or there are too many.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self> {
        if texts.len() > RIGHTS_MAX {
            return Err(Error::invalid(format!("a token has at most {RIGHTS_MAX} rights")).with_code("INVALID_RIGHT"));
        }
        let rights = texts.iter().map(|text| text.as_ref().parse());
        rights.collect::<Result<Vec<Right>>>().map(Rights)
    }

    /// Each of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Right> {
        self.0.iter()
    }

    /// Each as a text.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Whether one of them allows all that this right allows.
    pub fn cover(&self, right: &Right) -> bool {
        self.0.iter().any(|own| own.covers(right))
    }

    /// Whether they allow all that the others allow: what makes others a narrowing of these.
    pub fn cover_all(&self, others: &Rights) -> bool {
        others.0.iter().all(|right| self.cover(right))
    }

    /// Whether one of them allows what is asked for, at a service unless it names another.
    pub fn allow(&self, need: &Need<'_>, here: &str) -> bool {
        let at = need.at.unwrap_or(here);
        self.0.iter().any(|own| own.grants(need.word, Some(at), need.what))
    }

    /// What both allow at a service, of one word or of any. Two patterns are apart or one is within the other, so that the narrower of
    /// each pair that meets says it all.
    pub fn meet(&self, other: &Rights, word: Option<Word>, at: &str) -> Rights {
        let here = |rights: &Rights| -> Vec<Right> {
            let there = rights
                .0
                .iter()
                .filter(|right| right.at.as_deref().is_none_or(|own| own == at));
            there.map(|right| right.clone().at(at)).collect()
        };
        let fits = |right: &Right| word.is_none_or(|word| right.word == word);
        // Of one word, a right to everything is a right to all of it.
        let read = |right: Right| match word {
            Some(word) if right.word == Word::Admin => Right::all(word).at(at),
            _ => right,
        };
        let others: Vec<Right> = here(other).into_iter().map(read).filter(fits).collect();
        let mut both: Vec<Right> = Vec::new();
        for own in here(self).into_iter().map(read).filter(fits) {
            for other in &others {
                let narrower = match () {
                    () if own.covers(other) => other,
                    () if other.covers(&own) => &own,
                    () => continue,
                };
                if !both.contains(narrower) {
                    both.push(narrower.clone());
                }
            }
        }
        Rights(both)
    }

    /// Whether they allow nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any is of this word at a service, for whatever name.
    pub fn have(&self, word: Word, at: &str) -> bool {
        self.0.iter().any(|own| own.is_of(word, at))
    }

    /// Whether any is of this word at some service.
    pub fn have_anywhere(&self, word: Word) -> bool {
        self.0.iter().any(|own| own.word == word || own.word == Word::Admin)
    }
}
