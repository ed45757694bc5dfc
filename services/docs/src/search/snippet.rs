//! The words around a match.

use std::fmt::Write as _;

use syscall_sdk::pages::Escaped;

/// How much of a section is shown, in bytes: two lines of the result list.
const LENGTH: usize = 180;

/// The part of a text with the most of the words, as HTML with the words marked; also those off by a slip, where that is asked for.
pub(crate) fn around(text: &str, words: &[String], slips: bool) -> String {
    let matches = matches(text, words, slips);
    let (from, to) = window(text, &matches);
    let mut html = String::from(if from > 0 { "… " } else { "" });
    let mut at = from;
    for &(start, end, _) in matches.iter().filter(|(start, end, _)| *start >= from && *end <= to) {
        // Writing to a String does not fail.
        let _ = write!(
            html,
            "{}<mark>{}</mark>",
            Escaped(&text[at..start]),
            Escaped(&text[start..end])
        );
        at = end;
    }
    let _ = write!(html, "{}", Escaped(&text[at..to]));
    if to < text.len() {
        html.push_str(" …");
    }
    html
}

/// Where words of the query stand, and which. Slips count only for a word that stands nowhere as it is.
fn matches(text: &str, words: &[String], slips: bool) -> Vec<(usize, usize, usize)> {
    let mut found = places(text, words, begins);
    let slipped = |which: &usize| !found.iter().any(|(_, _, known)| known == which);
    let missing: Vec<usize> = (0..words.len()).filter(slipped).collect();
    if slips && !missing.is_empty() {
        let near = places(text, words, near);
        found.extend(near.into_iter().filter(|(_, _, which)| missing.contains(which)));
        found.sort_unstable();
        found.dedup_by_key(|(start, ..)| *start);
    }
    found
}

fn places(text: &str, words: &[String], fits: fn(&str, &str) -> bool) -> Vec<(usize, usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in text.split(|c: char| !c.is_alphanumeric()) {
        let lower = word.to_lowercase();
        if let Some(which) = words.iter().position(|wanted| fits(&lower, wanted)) {
            found.push((at, at + word.len(), which));
        }
        at += word.len();
        at += text[at..].chars().next().map_or(0, char::len_utf8);
    }
    found
}

/// The word, or one that begins so.
fn begins(word: &str, wanted: &str) -> bool {
    word == wanted || (wanted.chars().count() >= 2 && word.starts_with(wanted))
}

/// Off by one slip, by the index's own rule.
fn near(word: &str, wanted: &str) -> bool {
    wanted.chars().count() >= 4 && one_slip(word, wanted)
}

/// Whether some beginning of a word is one letter off: another, one more, one less, or two in each other's place.
fn one_slip(word: &str, wanted: &str) -> bool {
    let (word, wanted): (Vec<char>, Vec<char>) = (word.chars().collect(), wanted.chars().collect());
    let same = word.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
    let tail = |from: usize, of: usize| {
        word.get(from..)
            .is_some_and(|rest| rest.starts_with(&wanted[of.min(wanted.len())..]))
    };
    let swapped = word.get(same) == wanted.get(same + 1) && word.get(same + 1) == wanted.get(same);
    tail(same + 1, same + 1) || tail(same + 1, same) || tail(same, same + 1) || (swapped && tail(same + 2, same + 2))
}

/// The stretch with the most different words, begun a little before its first.
fn window(text: &str, matches: &[(usize, usize, usize)]) -> (usize, usize) {
    let worth = |from: usize| {
        let mut different: Vec<usize> = Vec::new();
        for (start, end, which) in matches {
            if *start >= from && *end <= from + LENGTH && !different.contains(which) {
                different.push(*which);
            }
        }
        different.len()
    };
    let starts = matches.iter().map(|(start, ..)| *start);
    // The first of equals: `max_by_key` gives the last.
    let best = starts.rev().max_by_key(|start| worth(*start)).unwrap_or(0);
    let from = if best < LENGTH / 2 {
        0
    } else {
        word_begin(text, best - LENGTH / 4)
    };
    (from, word_end(text, from + LENGTH))
}

fn word_begin(text: &str, at: usize) -> usize {
    let at = text.floor_char_boundary(at);
    text[at..].find(' ').map_or(at, |space| at + space + 1)
}

fn word_end(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    let at = text.floor_char_boundary(at);
    text[at..].find(' ').map_or(text.len(), |space| at + space)
}
