//! Code in colour: a tokenizer small enough to read, which never loses a byte.
//!
//! It knows words, strings, numbers and comments, no grammar: a reader's eye needs no more.

mod language;
mod lexer;
mod line;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use syscall_sdk::pages::Escaped;

/// What a piece of code is, as the style colours it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Keyword,
    Type,
    Function,
    Text,
    Number,
    Comment,
    Punctuation,
    Added,
    Removed,
}

impl Class {
    const fn as_str(self) -> &'static str {
        match self {
            Class::Keyword => "hl-k",
            Class::Type => "hl-t",
            Class::Function => "hl-f",
            Class::Text => "hl-s",
            Class::Number => "hl-n",
            Class::Comment => "hl-c",
            Class::Punctuation => "hl-p",
            Class::Added => "hl-a",
            Class::Removed => "hl-r",
        }
    }
}

/// A piece of code; plain where it has no class.
pub(crate) type Token<'a> = (Option<Class>, &'a str);

/// A source in pieces, in order and whole. A language that is not known is one plain piece.
pub(crate) fn tokens<'a>(language: &str, source: &'a str) -> Vec<Token<'a>> {
    match language.to_ascii_lowercase().as_str() {
        "console" | "shell-session" => line::console(source),
        "http" => line::http(source),
        "diff" | "patch" => line::diff(source),
        name => match language::find(name) {
            Some(language) => lexer::tokens(language, source),
            None => vec![(None, source)],
        },
    }
}

/// A source as markup, escaped, with a span around each piece that has a class.
pub(crate) fn html(language: &str, source: &str) -> String {
    let mut html = String::with_capacity(source.len() * 2);
    for (class, text) in tokens(language, source) {
        // Writing to a String does not fail.
        let _ = match class {
            Some(class) => write!(html, "<span class=\"{}\">{}</span>", class.as_str(), Escaped(text)),
            None => write!(html, "{}", Escaped(text)),
        };
    }
    html
}
