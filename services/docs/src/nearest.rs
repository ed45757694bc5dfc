//! The pages that a reader of a wrong address may have meant.

use std::collections::BTreeSet;

use crate::library::{Library, Page};

/// How many are offered.
const OFFERED: usize = 5;

/// The pages whose paths and titles are most like a path, the likest first.
pub(crate) fn nearest<'a>(library: &'a Library, path: &str) -> Vec<&'a Page> {
    let wanted = pairs(path.rsplit('/').next().unwrap_or(path));
    let whole = pairs(path);
    let mut pages: Vec<(f64, &Page)> = library
        .pages()
        .iter()
        .map(|page| {
            let name = page.path.rsplit('/').next().unwrap_or(page.path);
            let by_name = likeness(&wanted, &pairs(name)).max(likeness(&wanted, &pairs(&page.rendered.title)));
            (2.0 * by_name + likeness(&whole, &pairs(page.path)), page)
        })
        .collect();
    // A stable sort: of equals the one that is read first comes first.
    pages.sort_by(|(one, _), (two, _)| two.total_cmp(one));
    pages.into_iter().take(OFFERED).map(|(_, page)| page).collect()
}

/// Every two letters that stand together.
fn pairs(text: &str) -> BTreeSet<(char, char)> {
    let letters: Vec<char> = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Dice's measure: 1 for the same pairs, 0 for none in common.
fn likeness(one: &BTreeSet<(char, char)>, two: &BTreeSet<(char, char)>) -> f64 {
    let common = one.intersection(two).count();
    2.0 * common as f64 / (one.len() + two.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Files;

    #[test]
    fn a_misspelt_address_finds_its_page() {
        let library = Library::open(Files {
            pages: &[
                ("how-to/deploy", "# Deploy on Railway\n"),
                ("reference/syscalls", "# The wire contract\n"),
                ("tutorial", "# Run the fleet\n"),
            ],
            pictures: &[],
            contents: "",
        });
        for (asked, meant) in [
            ("refrence/sycalls", "reference/syscalls"),
            ("tutorials", "tutorial"),
            ("railway", "how-to/deploy"),
        ] {
            assert_eq!(nearest(&library, asked)[0].path, meant);
        }
    }
}
