//! The pages of the site: which there are, in which order, each rendered, its links led to where they go.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::markdown::{self, Rendered};

/// The files of the site, as the build embedded them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Files {
    /// Path without `.md`, and text.
    pub(crate) pages: &'static [(&'static str, &'static str)],
    /// Path, and bytes.
    pub(crate) pictures: &'static [(&'static str, &'static [u8])],
    /// `contents.toml`.
    pub(crate) contents: &'static str,
}

/// Every page, rendered.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) sections: Vec<Part>,
    pages: Vec<Page>,
    by_path: BTreeMap<&'static str, usize>,
    pictures: &'static [(&'static str, &'static [u8])],
}

/// A part of the site: a title, and pages by their place in the reading order.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) title: String,
    pub(crate) pages: Vec<usize>,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) path: &'static str,
    pub(crate) markdown: &'static str,
    pub(crate) part: usize,
    pub(crate) rendered: Rendered,
}

#[derive(Deserialize)]
struct Contents {
    #[serde(default)]
    section: Vec<ContentsPart>,
}

#[derive(Deserialize)]
struct ContentsPart {
    title: String,
    #[serde(default)]
    pages: Vec<String>,
}

/// The folder of decisions, which are listed by themselves.
const DECISIONS: &str = "adr/";
/// Where what lies outside `docs/` is read.
const REPOSITORY: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/");

impl Library {
    /// Renders every page. What is wrong with the contents or a link is in [`Library::faults`], which a test reads.
    pub(crate) fn open(files: Files) -> Self {
        let parts = parts(files);
        let anchors: BTreeMap<&str, BTreeSet<String>> = files
            .pages
            .iter()
            .map(|(path, text)| {
                (
                    *path,
                    markdown::headings(text).into_iter().map(|heading| heading.id).collect(),
                )
            })
            .collect();
        let mut library = Library {
            sections: Vec::new(),
            pages: Vec::new(),
            by_path: BTreeMap::new(),
            pictures: files.pictures,
        };
        for (title, paths) in parts {
            let mut places = Vec::new();
            for (path, text) in paths {
                let resolve = |target: &str| resolve(files, &anchors, path, target);
                places.push(library.pages.len());
                library.by_path.insert(path, library.pages.len());
                let mut rendered = markdown::render(text, &resolve);
                if rendered.title.is_empty() {
                    rendered.title = path.rsplit('/').next().unwrap_or(path).to_owned();
                }
                library.pages.push(Page {
                    path,
                    markdown: text,
                    part: library.sections.len(),
                    rendered,
                });
            }
            library.sections.push(Part { title, pages: places });
        }
        library
    }

    /// The page of that path; a slash at either end and the case of letters do not matter.
    pub(crate) fn page(&self, path: &str) -> Option<(usize, &Page)> {
        let path = path.trim_matches('/');
        let exact = self.by_path.get(path).copied();
        let place = exact.or_else(|| self.pages.iter().position(|page| page.path.eq_ignore_ascii_case(path)))?;
        self.at(place).map(|page| (place, page))
    }

    /// The page at a place of the reading order.
    pub(crate) fn at(&self, place: usize) -> Option<&Page> {
        self.pages.get(place)
    }

    /// Every page in reading order.
    pub(crate) fn pages(&self) -> &[Page] {
        &self.pages
    }

    /// The pages in a folder; empty where there is no such folder.
    pub(crate) fn folder(&self, path: &str) -> Vec<&Page> {
        let prefix = format!("{}/", path.trim_matches('/'));
        self.pages
            .iter()
            .filter(|page| page.path.starts_with(&prefix))
            .collect()
    }

    /// A picture's bytes.
    pub(crate) fn picture(&self, path: &str) -> Option<&'static [u8]> {
        self.pictures
            .iter()
            .find(|(known, _)| *known == path)
            .map(|(_, bytes)| *bytes)
    }

    /// Links that lead nowhere, each with its page.
    #[cfg(test)]
    pub(crate) fn faults(&self) -> Vec<String> {
        let broken = |page: &Page| {
            let path = page.path;
            page.rendered
                .broken
                .iter()
                .map(move |target| format!("{path}.md: {target}"))
                .collect::<Vec<_>>()
        };
        self.pages.iter().flat_map(broken).collect()
    }
}

type Paths = Vec<(&'static str, &'static str)>;

/// The parts as the contents say; then the decisions, and whatever is listed nowhere.
fn parts(files: Files) -> Vec<(String, Paths)> {
    let contents: Contents = toml::from_str(files.contents).unwrap_or(Contents { section: Vec::new() });
    let mut left: Paths = files.pages.to_vec();
    let mut parts = Vec::new();
    for part in contents.section {
        let mut pages = Paths::new();
        for path in part.pages {
            let path = path.trim_end_matches(".md");
            if let Some(place) = left.iter().position(|(known, _)| *known == path) {
                pages.push(left.remove(place));
            }
        }
        parts.push((part.title, pages));
    }
    let (decisions, others): (Paths, Paths) = left.into_iter().partition(|(path, _)| path.starts_with(DECISIONS));
    // An index of decisions that is listed elsewhere does not keep the decisions from their own part.
    parts.push(("Decisions".to_owned(), decisions));
    parts.push(("More".to_owned(), others));
    parts.retain(|(_, pages)| !pages.is_empty());
    parts
}

/// Where a link on a page leads.
fn resolve(files: Files, anchors: &BTreeMap<&str, BTreeSet<String>>, page: &str, target: &str) -> Option<String> {
    if target.starts_with("https://") || target.starts_with("http://") || target.starts_with("mailto:") {
        return Some(target.to_owned());
    }
    let (file, anchor) = target
        .split_once('#')
        .map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let known = |path: &str| anchor.is_none_or(|anchor| anchors.get(path).is_some_and(|ids| ids.contains(anchor)));
    let ending = anchor.map_or(String::new(), |anchor| format!("#{anchor}"));
    if file.is_empty() {
        return known(page).then_some(ending);
    }
    let (outside, path) = join(page, file);
    if outside {
        return Some(format!("{REPOSITORY}{path}{ending}"));
    }
    if path.is_empty() || path == "search" {
        return Some(format!("/{path}"));
    }
    let name = path.trim_end_matches(".md");
    if anchors.contains_key(name) {
        return known(name).then(|| format!("/{name}{ending}"));
    }
    let folder = format!("{path}/");
    let is_folder = anchors.keys().any(|page| page.starts_with(&folder));
    let is_picture = files.pictures.iter().any(|(known, _)| *known == path);
    (is_folder || is_picture).then(|| format!("/{path}"))
}

/// A link's path from the site's root, or from the repository's where it leaves `docs/`.
fn join(page: &str, file: &str) -> (bool, String) {
    let mut parts: Vec<&str> = if file.starts_with('/') {
        Vec::new()
    } else {
        page.split('/').collect()
    };
    // A link is relative to the page's folder.
    parts.pop();
    let mut outside = false;
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => outside = true,
            ".." => {}
            part => parts.push(part),
        }
    }
    (outside, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: Files = Files {
        pages: &[
            ("adr/0001-one", "# One\n"),
            (
                "how-to/a",
                "# A\n\n[t](../tutorial.md#start) [b](b.md) [x](../../sdk/src/lib.rs) [d](../adr) ![p](p.svg)\n",
            ),
            (
                "how-to/b",
                "# B\n\n[gone](gone.md) [no](../tutorial.md#no) [here](#b) [run](javascript:x)\n",
            ),
            ("tutorial", "# Tutorial\n\n## Start\n"),
            ("unlisted", "No title.\n"),
        ],
        pictures: &[("how-to/p.svg", b"<svg/>")],
        contents: "[[section]]\ntitle = \"Tutorial\"\npages = [\"tutorial\", \"not-written\"]\n[[section]]\ntitle = \"How-to\"\npages = [\"how-to/b\", \"how-to/a\"]\n",
    };

    #[test]
    fn pages_stand_in_the_order_of_the_contents_and_none_is_lost() {
        let library = Library::open(FILES);
        let order: Vec<_> = library.pages().iter().map(|page| page.path).collect();
        assert_eq!(order, ["tutorial", "how-to/b", "how-to/a", "adr/0001-one", "unlisted"]);
        let titles: Vec<_> = library.sections.iter().map(|part| part.title.as_str()).collect();
        assert_eq!(titles, ["Tutorial", "How-to", "Decisions", "More"]);
        assert_eq!(library.page("/Tutorial/").map(|(place, _)| place), Some(0));
        assert_eq!(library.folder("how-to").len(), 2);
        assert_eq!(library.page("unlisted").expect("a page").1.rendered.title, "unlisted");
    }

    #[test]
    fn links_between_files_lead_from_page_to_page() {
        let library = Library::open(FILES);
        let html = &library.page("how-to/a").expect("a page").1.rendered.html;
        for href in ["/tutorial#start", "/how-to/b", "/adr", "/how-to/p.svg"] {
            assert!(html.contains(&format!("=\"{href}\"")), "{href} in {html}");
        }
        assert!(html.contains(&format!("href=\"{REPOSITORY}sdk/src/lib.rs\"")), "{html}");
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(
            Library::open(FILES).faults(),
            [
                "how-to/b.md: gone.md",
                "how-to/b.md: ../tutorial.md#no",
                "how-to/b.md: javascript:x"
            ]
        );
    }

    #[test]
    fn no_link_of_the_real_pages_leads_nowhere() {
        let library = Library::open(crate::embedded());
        assert_eq!(library.faults(), Vec::<String>::new());
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for page in library.pages() {
            for rest in page.rendered.html.split(REPOSITORY).skip(1) {
                let file = rest.split(['"', '#']).next().unwrap_or_default();
                assert!(
                    root.join(file).exists(),
                    "{}.md: {file} is not in the repository",
                    page.path
                );
            }
        }
    }

    #[test]
    fn every_listed_page_is_written() {
        let contents: Contents = toml::from_str(crate::embedded().contents).expect("contents.toml is TOML");
        let written = |path: &String| crate::embedded().pages.iter().any(|(known, _)| known == path);
        let missing: Vec<String> = contents
            .section
            .into_iter()
            .flat_map(|part| part.pages)
            .filter(|path| !written(path))
            .collect();
        assert_eq!(missing, Vec::<String>::new());
    }
}
