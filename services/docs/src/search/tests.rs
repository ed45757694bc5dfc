use blackroad_os_contracts::docs::FoundDocs;
use proptest::prelude::*;

use super::{Index, search, snippet};
use crate::library::{Files, Library};

const FILES: Files = Files {
    pages: &[
        (
            "jobs",
            "# Jobs\n\nA job runs at least once.\n\n## Leases\n\nA killed worker's job runs again after its lease.\n",
        ),
        (
            "state",
            "# State\n\nKeys with versions.\n\n## Transactions\n\nAll or nothing over many keys; a job is not part of them.\n",
        ),
        ("events", "# Events\n\nIn order, <durable> & at least once.\n"),
    ],
    pictures: &[],
    contents: "",
};

fn find(query: &str) -> FoundDocs {
    let library = Library::open(FILES);
    let index = Index::build(&library).expect("an index in memory");
    search(&library, &index, query, None)
}

fn check(query: &str, urls: &[&str]) {
    let found = find(query);
    let found: Vec<_> = found
        .hits
        .iter()
        .map(|hit| hit.url.as_str())
        .take(urls.len().max(1))
        .collect();
    assert_eq!(found, urls, "for {query:?}");
}

#[test]
fn the_title_comes_first() {
    check("jobs", &["/jobs"]);
    check("State", &["/state"]);
}

#[test]
fn a_section_is_found_by_its_heading_and_its_words() {
    check("leases", &["/jobs#leases"]);
    check("killed worker", &["/jobs#leases"]);
}

#[test]
fn what_is_searched_for_is_bounded_however_long_a_query_is() {
    let words = super::words(&"İ".repeat(50_000));
    assert_eq!(words.iter().map(|word| word.chars().count()).collect::<Vec<_>>(), [40]);
    let found = find(&"é".repeat(50_000));
    assert_eq!((found.query.chars().count(), found.total), (200, 0));
}

#[test]
fn words_may_be_unfinished_or_off_by_a_letter() {
    check("transac", &["/state#transactions"]);
    check("trasnactions", &["/state#transactions"]);
    check("kiled worker", &["/jobs#leases"]);
}

#[test]
fn where_no_section_has_all_words_the_nearest_is_found() {
    check("durable zebra", &["/events"]);
}

#[test]
fn a_snippet_marks_what_matches_and_escapes_the_rest() {
    assert_eq!(
        find("durable").hits[0].snippet,
        "In order, &lt;<mark>durable</mark>&gt; &amp; at least once."
    );
}

#[test]
fn a_long_text_is_cut_around_the_match() {
    let text = format!("{}needle in it{}", "hay ".repeat(100), " hay".repeat(100));
    let html = snippet::around(&text, &["needle".to_owned()], false);
    assert!(
        html.starts_with("… hay") && html.ends_with("hay …") && html.contains("<mark>needle</mark>"),
        "{html}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_query_is_an_error(query in "(?s).{0,60}") {
        let found = find(&query);
        prop_assert!(found.hits.len() as u64 <= found.total);
    }

    #[test]
    fn a_snippet_without_its_marks_is_the_text_escaped(text in "(?s).{0,400}", word in "[a-zé]{1,6}") {
        let html = snippet::around(&text, &[word], true);
        let plain = html.replace("<mark>", "").replace("</mark>", "");
        prop_assert!(!plain.contains('<'));
        let inner = plain.trim_start_matches("… ").trim_end_matches(" …");
        prop_assert!(syscall_sdk::pages::Escaped(&text).to_string().contains(inner.trim_end_matches('…').trim()) || text.contains('…'));
    }
}
