//! Cuts a source into words, strings, numbers, comments and the rest.

use super::language::Language;
use super::{Class, Token};

/// The pieces of a source in a language.
pub(super) fn tokens<'a>(language: &'static Language, source: &'a str) -> Vec<Token<'a>> {
    let mut lexer = Lexer {
        language,
        source,
        at: 0,
        command: true,
    };
    let mut tokens = Vec::new();
    while lexer.at < source.len() {
        let begun = lexer.at;
        let class = lexer.next();
        // Whatever a rule took, it took something: the loop ends.
        debug_assert!(lexer.at > begun, "a rule takes at least one character");
        tokens.push((class, &source[begun..lexer.at]));
    }
    tokens
}

struct Lexer<'a> {
    language: &'static Language,
    source: &'a str,
    at: usize,
    /// Whether the next word is what runs.
    command: bool,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) {
        self.at += self.rest().find(|c| !belongs(c)).unwrap_or(self.rest().len());
    }

    fn next(&mut self) -> Option<Class> {
        let first = self.rest().chars().next()?;
        if first.is_whitespace() {
            self.take_while(char::is_whitespace);
            let taken = &self.source[..self.at];
            self.command |=
                taken.ends_with('\n') || self.source[..self.at].trim_end_matches([' ', '\t']).ends_with('\n');
            return None;
        }
        self.comment()
            .or_else(|| self.quoted())
            .or_else(|| self.rust_tick())
            .or_else(|| self.number(first))
            .or_else(|| self.variable(first))
            .unwrap_or_else(|| self.word_or_mark(first))
    }

    fn comment(&mut self) -> Option<Option<Class>> {
        if let Some((open, close)) = self.language.block_comment
            && self.rest().starts_with(open)
        {
            let end = self.rest()[open.len()..].find(close);
            self.at += end.map_or(self.rest().len(), |end| open.len() + end + close.len());
            return Some(Some(Class::Comment));
        }
        let open = self
            .language
            .line_comments
            .iter()
            .find(|open| self.rest().starts_with(**open))?;
        // In a shell and its kin a hash within a word is part of it.
        let apart = *open != "#"
            || self.source[..self.at]
                .chars()
                .next_back()
                .is_none_or(char::is_whitespace);
        if !apart {
            return None;
        }
        self.take_while(|c| c != '\n');
        Some(Some(Class::Comment))
    }

    fn quoted(&mut self) -> Option<Option<Class>> {
        if self.language.rust
            && let Some(length) = raw_string(self.rest())
        {
            self.at += length;
            return Some(Some(Class::Text));
        }
        let rest = self.rest();
        let quote = self.language.quotes.iter().find(|quote| rest.starts_with(quote.open))?;
        let mut end = quote.open.len();
        while let Some(c) = rest[end..].chars().next() {
            if rest[end..].starts_with(quote.close) {
                end += quote.close.len();
                break;
            }
            if c == '\n' && !quote.many_lines {
                break;
            }
            end += c.len_utf8();
            if c == '\\' {
                end += rest[end..].chars().next().map_or(0, char::len_utf8);
            }
        }
        self.at += end;
        self.command = false;
        Some(Some(if self.is_key() { Class::Type } else { Class::Text }))
    }

    /// A lifetime or a character: what follows the tick tells.
    fn rust_tick(&mut self) -> Option<Option<Class>> {
        if !self.language.rust {
            return None;
        }
        let inner = self.rest().strip_prefix('\'')?;
        let mut letters = inner.char_indices();
        let (_, first) = letters.next()?;
        let closed = if first == '\\' {
            inner.get(2..).and_then(|after| after.find('\'')).map(|end| 2 + end)
        } else {
            inner[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8())
        };
        if let Some(end) = closed {
            self.at += 1 + end + 1;
            return Some(Some(Class::Text));
        }
        self.at += 1;
        self.take_while(|c| c.is_alphanumeric() || c == '_');
        Some(Some(Class::Type))
    }

    fn number(&mut self, first: char) -> Option<Option<Class>> {
        let signed =
            first == '-' && !self.language.commands && self.rest()[1..].starts_with(|c: char| c.is_ascii_digit());
        if !first.is_ascii_digit() && !signed || self.language.commands {
            return None;
        }
        self.at += 1;
        loop {
            self.take_while(|c| {
                c.is_ascii_alphanumeric() || c == '_' || (c == ':' && self.language.key_mark == Some('='))
            });
            let mut after = self.rest().chars();
            let dot = after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit());
            if !dot {
                return Some(Some(Class::Number));
            }
            self.at += 1;
        }
    }

    /// `$NAME` and `${NAME}` of a shell.
    fn variable(&mut self, first: char) -> Option<Option<Class>> {
        if !self.language.commands || first != '$' {
            return None;
        }
        self.at += 1;
        match self.rest().strip_prefix('{').and_then(|inner| inner.find('}')) {
            Some(end) => self.at += end + 2,
            None => self.take_while(|c| c.is_ascii_alphanumeric() || c == '_'),
        }
        self.command = false;
        Some(Some(Class::Number))
    }

    fn word_or_mark(&mut self, first: char) -> Option<Class> {
        let extras = self.language.name_extras;
        let begins = first.is_alphabetic()
            || first == '_'
            || (extras.contains(first) && (self.language.commands || first == '$'));
        let digits = self.language.commands && first.is_ascii_digit();
        if !begins && !digits {
            self.at += first.len_utf8();
            self.command |= matches!(first, '|' | ';' | '&' | '(');
            return Some(Class::Punctuation);
        }
        let begun = self.at;
        self.take_while(|c| c.is_alphanumeric() || c == '_' || extras.contains(c));
        let word = &self.source[begun..self.at];
        self.word(word, first)
    }

    fn word(&mut self, word: &str, first: char) -> Option<Class> {
        let keyword = self
            .language
            .keywords
            .iter()
            .any(|known| *known == word || (self.language.any_case && known.eq_ignore_ascii_case(word)));
        if self.language.commands {
            let command = std::mem::take(&mut self.command);
            return match (keyword && command, command, first) {
                (true, ..) => {
                    self.command = true;
                    Some(Class::Keyword)
                }
                // `NAME=value cmd`: what runs is still to come.
                (_, true, _) if self.rest().starts_with('=') => {
                    self.command = true;
                    Some(Class::Type)
                }
                (_, true, _) => Some(Class::Function),
                (_, _, '-') => Some(Class::Type),
                _ => None,
            };
        }
        let rest = self.rest();
        if self.is_key() {
            Some(Class::Type)
        } else if keyword {
            Some(Class::Keyword)
        } else if rest.starts_with('(') || (self.language.rust && rest.starts_with('!') && !rest.starts_with("!=")) {
            Some(Class::Function)
        } else if self.language.capital_types && first.is_uppercase() {
            Some(Class::Type)
        } else {
            None
        }
    }

    /// Whether what was just taken is the name of a value.
    fn is_key(&self) -> bool {
        self.language
            .key_mark
            .is_some_and(|mark| self.rest().trim_start_matches([' ', '\t']).starts_with(mark))
    }
}

/// How long the raw or byte string at the beginning is.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inner = after[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let head = rest.len() - inner.len();
    Some(inner.find(&close).map_or(rest.len(), |end| head + end + close.len()))
}
