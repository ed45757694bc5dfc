//! A page's Markdown, as GitHub reads it, to HTML; with its headings, its links and its words for the search.

mod autolink;
mod slug;
#[cfg(test)]
mod tests;
mod writer;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, TextMergeStream};

/// A page, rendered.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    /// The first heading's words.
    pub(crate) title: String,
    /// The first paragraph's words.
    pub(crate) lede: String,
    /// The page's text as HTML.
    pub(crate) html: String,
    /// Headings below the title.
    pub(crate) headings: Vec<Heading>,
    /// Every heading's part of the text, the page's beginning first.
    pub(crate) sections: Vec<Section>,
    /// Where the links led that lead nowhere.
    pub(crate) broken: Vec<String>,
}

/// A heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) level: u8,
    pub(crate) id: String,
    pub(crate) text: String,
}

/// What stands under a heading, up to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Section {
    /// Absent for what stands before the first heading below the title.
    pub(crate) heading: Option<Heading>,
    /// Its words, without markup.
    pub(crate) text: String,
}

/// Where a link of a page leads: an address, or nothing where it leads nowhere.
pub(crate) type Resolve<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Renders a page.
pub(crate) fn render(markdown: &str, resolve: &Resolve<'_>) -> Rendered {
    writer::Writer::new(resolve).write(events(markdown))
}

/// The headings of a page alone, the title first, for links that lead to them.
pub(crate) fn headings(markdown: &str) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    let mut slugs = slug::Slugs::default();
    let mut open: Option<(u8, String)> = None;
    for event in events(markdown) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => open = Some((level as u8, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                if let Some((level, text)) = open.take() {
                    found.push(Heading {
                        level,
                        id: slugs.of(&text),
                        text,
                    });
                }
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, words)) = &mut open {
                    words.push_str(&text);
                }
            }
            _ => {}
        }
    }
    found
}

fn events(markdown: &str) -> impl Iterator<Item = Event<'_>> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    TextMergeStream::new(Parser::new_ext(markdown, options))
}
