//! What is read line by line: a shell's session, an HTTP message, a difference.

use super::language::find;
use super::{Class, Token, lexer, tokens};

/// Lines after a prompt are commands; the rest is what they printed.
pub(super) fn console(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut goes_on = false;
    for line in source.split_inclusive('\n') {
        let (prompt, command) = match ["$ ", "# ", "> "].iter().find(|prompt| line.starts_with(**prompt)) {
            Some(prompt) => line.split_at(prompt.len()),
            None if goes_on => ("", line),
            None => {
                found.push((None, line));
                continue;
            }
        };
        if !prompt.is_empty() {
            found.push((Some(Class::Punctuation), prompt));
        }
        found.extend(tokens("bash", command));
        goes_on = command.trim_end().ends_with('\\');
    }
    found
}

/// A first line, headers, an empty line, a body.
pub(super) fn http(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    for (number, line) in source.split_inclusive('\n').enumerate() {
        at += line.len();
        if line.trim().is_empty() {
            found.push((None, line));
            found.extend(body(&source[at..]));
            return found;
        }
        match (number, line.split_once(':')) {
            (0, _) => {
                for word in line.split_inclusive(' ') {
                    let class = if word.starts_with(|c: char| c.is_ascii_digit()) {
                        Some(Class::Number)
                    } else if word.starts_with("HTTP/") || word.trim_end().chars().all(|c| c.is_ascii_uppercase()) {
                        Some(Class::Keyword)
                    } else {
                        Some(Class::Function)
                    };
                    found.push((class, word));
                }
            }
            (_, Some((name, value))) => {
                found.push((Some(Class::Type), name));
                found.push((Some(Class::Punctuation), &line[name.len()..=name.len()]));
                found.push((Some(Class::Text), value));
            }
            (_, None) => found.push((None, line)),
        }
    }
    found
}

fn body(source: &str) -> Vec<Token<'_>> {
    match find("json") {
        Some(json) if source.trim_start().starts_with(['{', '[']) => lexer::tokens(json, source),
        _ if source.is_empty() => Vec::new(),
        _ => vec![(None, source)],
    }
}

/// Lines that came and lines that went.
pub(super) fn diff(source: &str) -> Vec<Token<'_>> {
    let class = |line: &str| match line.chars().next() {
        Some('+') => Some(Class::Added),
        Some('-') => Some(Class::Removed),
        Some('@') => Some(Class::Comment),
        _ => None,
    };
    source.split_inclusive('\n').map(|line| (class(line), line)).collect()
}
