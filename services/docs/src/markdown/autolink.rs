//! Bare URLs in a text, as GitHub makes links of them.

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Words(&'a str),
    Url(&'a str),
}

/// Cuts a text at the bare URLs in it.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(at) = next_url(&rest[from..]).map(|at| from + at) {
        let length = url_length(&rest[at..]);
        let host = rest[at..at + length].split_once("://").map_or("", |(_, host)| host);
        let begins_word = rest[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        if host.is_empty() || !begins_word {
            from = at + "http".len();
            continue;
        }
        if at > 0 {
            found.push(Piece::Words(&rest[..at]));
        }
        found.push(Piece::Url(&rest[at..at + length]));
        rest = &rest[at + length..];
        from = 0;
    }
    if !rest.is_empty() {
        found.push(Piece::Words(rest));
    }
    found
}

fn next_url(text: &str) -> Option<usize> {
    [text.find("https://"), text.find("http://")]
        .into_iter()
        .flatten()
        .min()
}

/// Up to the first space; punctuation at the end, and a bracket that was not opened within, belong to the sentence.
fn url_length(text: &str) -> usize {
    let mut url = &text[..text
        .find(|c: char| c.is_whitespace() || c == '<' || c == '"')
        .unwrap_or(text.len())];
    loop {
        let shorter = url.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '…']);
        let unopened = shorter.ends_with(')') && shorter.matches(')').count() > shorter.matches('(').count();
        let shorter = if unopened {
            &shorter[..shorter.len() - 1]
        } else {
            shorter
        };
        if shorter.len() == url.len() {
            return url.len();
        }
        url = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Piece::{Url, Words};

    #[test]
    fn a_sentence_keeps_its_punctuation() {
        assert_eq!(
            pieces("See https://a.example/x_(y)), then http://b.example."),
            [
                Words("See "),
                Url("https://a.example/x_(y)"),
                Words("), then "),
                Url("http://b.example"),
                Words(".")
            ]
        );
    }

    #[test]
    fn a_scheme_alone_and_one_within_a_word_are_no_links() {
        assert_eq!(pieces("http:// and xhttp://a"), [Words("http:// and xhttp://a")]);
    }
}
