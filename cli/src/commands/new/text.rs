//! Adding a line to a text beside the lines that are like it. A text in which no such line is found is left as it is, and that is said.

/// Puts after each line that names `sibling` the same line with each word replaced; `None` where no line does.
pub(super) fn beside(text: &str, sibling: &str, words: &[(&str, &str)]) -> Option<String> {
    let mut found = false;
    let mut result = String::with_capacity(text.len() + 128);
    for line in text.split_inclusive('\n') {
        result.push_str(line);
        if names(line, sibling) {
            found = true;
            if !line.ends_with('\n') {
                result.push('\n');
            }
            let line = line.trim_end_matches('\n');
            result.push_str(
                &words
                    .iter()
                    .fold(line.to_owned(), |line, (from, to)| line.replace(from, to)),
            );
            result.push('\n');
        }
    }
    found.then_some(result)
}

/// Puts a line among those that begin as it does, in their order; `None` where there is none. Comments above a line stay with it.
pub(super) fn among(text: &str, beginning: &str, line: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let like = |at: &usize| lines[*at].starts_with(beginning);
    let last = (0..lines.len()).rev().find(like)?;
    let at = (0..lines.len())
        .filter(like)
        .find(|at| lines[*at] > line)
        .unwrap_or(last + 1);
    let mut result: Vec<&str> = lines[..at].to_vec();
    result.push(line);
    result.extend(&lines[at..]);
    Some(result.join("\n") + "\n")
}

/// Puts a line after the last one that begins so; `None` where there is none.
pub(super) fn after_last(text: &str, beginning: &str, line: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let last = lines.iter().rposition(|one| one.starts_with(beginning))?;
    let mut result: Vec<&str> = lines[..=last].to_vec();
    result.push(line);
    result.extend(&lines[last + 1..]);
    Some(result.join("\n") + "\n")
}

/// Whether a line has a word in it, and not as a part of a longer one; what a comment says does not count.
fn names(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let comment = line.trim_start();
    if comment.starts_with('#') || comment.starts_with("//") {
        return false;
    }
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_beside_its_sibling_wherever_that_is() {
        let text = "nine = [\n  \"dep:a-root\",\n]\n# a-root is last\na-root = { optional = true }\na-root-x = 1\n";
        assert_eq!(
            beside(text, "a-root", &[("a-root", "a-billing")]).unwrap(),
            "nine = [\n  \"dep:a-root\",\n  \"dep:a-billing\",\n]\n# a-root is last\na-root = { optional = true }\na-billing = { optional = true }\na-root-x = 1\n"
        );
        assert_eq!(beside(text, "a-web", &[]), None);
    }

    #[test]
    fn a_module_goes_where_its_name_belongs() {
        let text = "//! Text.\n\npub mod api;\npub mod core;\n\npub use x;\n";
        let with = |line| among(text, "pub mod ", line).unwrap();
        assert!(with("pub mod billing;").contains("api;\npub mod billing;\npub mod core;\n"));
        assert!(with("pub mod zoo;").contains("core;\npub mod zoo;\n\npub use"));
        assert!(with("pub mod a;").contains("\n\npub mod a;\npub mod api;"));
        assert_eq!(among(text, "mod ", "mod x;"), None);
    }

    #[test]
    fn a_page_goes_after_the_last_of_its_kind() {
        let text = "pages = [\n  \"reference/a\",\n  \"reference/b\",\n]\n";
        assert_eq!(
            after_last(text, "  \"reference/", "  \"reference/c\",").unwrap(),
            "pages = [\n  \"reference/a\",\n  \"reference/b\",\n  \"reference/c\",\n]\n"
        );
    }
}
