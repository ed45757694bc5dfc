//! Writes the events of a page as HTML.

use std::collections::HashMap;
use std::fmt::Write as _;

use pulldown_cmark::{Alignment, BlockQuoteKind, CodeBlockKind, Event, Tag, TagEnd};
use syscall_sdk::pages::{Escaped, Icon};

use super::autolink::{Piece, pieces};
use super::slug::Slugs;
use super::{Heading, Rendered, Resolve, Section};
use crate::highlight;

/// Collects words, one space between any two.
#[derive(Debug, Default)]
struct Words(String);

impl Words {
    fn add(&mut self, text: &str) {
        for (number, word) in text.split_whitespace().enumerate() {
            let apart = number > 0 || text.starts_with(char::is_whitespace);
            if apart && !self.0.is_empty() && !self.0.ends_with(' ') {
                self.0.push(' ');
            }
            self.0.push_str(word);
        }
        if text.ends_with(char::is_whitespace) {
            self.space();
        }
    }

    fn space(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with(' ') {
            self.0.push(' ');
        }
    }
}

pub(super) struct Writer<'a> {
    resolve: &'a Resolve<'a>,
    out: Rendered,
    slugs: Slugs,
    words: Words,
    /// Where the open paragraph's words began.
    paragraph: usize,
    /// Where the open heading's markup began, and its words so far.
    heading: Option<(u8, usize, String)>,
    /// The open fence's language and its text so far.
    code: Option<(String, String)>,
    /// The open picture: where its words began.
    picture: Option<(String, String)>,
    /// Whether a bare URL may become a link here: not within another.
    in_link: bool,
    columns: Vec<Alignment>,
    column: usize,
    in_head: bool,
    footnotes: HashMap<String, usize>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(resolve: &'a Resolve<'a>) -> Self {
        Writer {
            resolve,
            out: Rendered {
                sections: vec![Section::default()],
                ..Rendered::default()
            },
            slugs: Slugs::default(),
            words: Words::default(),
            paragraph: 0,
            heading: None,
            code: None,
            picture: None,
            in_link: false,
            columns: Vec::new(),
            column: 0,
            in_head: false,
            footnotes: HashMap::new(),
        }
    }

    pub(super) fn write<'e>(mut self, events: impl Iterator<Item = Event<'e>>) -> Rendered {
        for event in events {
            match event {
                Event::Start(tag) => self.start(tag),
                Event::End(tag) => self.end(tag),
                Event::Text(text) => self.text(&text),
                Event::Code(code) => self.inline_code(&code),
                // Markup in a page is shown, never obeyed; a comment is for who edits the page.
                Event::Html(html) | Event::InlineHtml(html) if html.trim_start().starts_with("<!--") => {}
                Event::Html(html) | Event::InlineHtml(html) => self.text(&html),
                Event::SoftBreak => self.break_line("\n"),
                Event::HardBreak => self.break_line("<br>\n"),
                Event::Rule => self.push("<hr>\n"),
                Event::TaskListMarker(done) => self.task(done),
                Event::FootnoteReference(label) => self.footnote_reference(&label),
                Event::InlineMath(text) | Event::DisplayMath(text) => self.inline_code(&text),
            }
        }
        self.close_section();
        self.out
    }

    fn push(&mut self, markup: &str) {
        self.out.html.push_str(markup);
    }

    fn escaped(&mut self, text: &str) {
        // Writing to a String does not fail.
        let _ = write!(self.out.html, "{}", Escaped(text));
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => {
                self.paragraph = self.words.0.len();
                self.push("<p>");
            }
            Tag::HtmlBlock => self.push("<p>"),
            Tag::Heading { level, .. } => {
                self.heading = Some((level as u8, self.out.html.len(), String::new()));
            }
            Tag::BlockQuote(None) => self.push("<blockquote>\n"),
            Tag::BlockQuote(Some(kind)) => self.alert(kind),
            Tag::CodeBlock(kind) => {
                let language = match &kind {
                    CodeBlockKind::Fenced(words) => words.split([',', ' ']).next().unwrap_or_default().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(None) => self.push("<ul>\n"),
            Tag::List(Some(1)) => self.push("<ol>\n"),
            Tag::List(Some(first)) => self.push(&format!("<ol start=\"{first}\">\n")),
            Tag::Item => self.push("<li>"),
            Tag::FootnoteDefinition(label) => self.footnote(&label),
            Tag::Table(columns) => {
                self.columns = columns;
                self.push("<div class=\"table-scroll\" role=\"region\" aria-label=\"Table\" tabindex=\"0\"><table>\n");
            }
            Tag::TableHead => {
                (self.in_head, self.column) = (true, 0);
                self.push("<thead><tr>");
            }
            Tag::TableRow => {
                self.column = 0;
                self.push("<tr>");
            }
            Tag::TableCell => {
                let number = matches!(self.columns.get(self.column), Some(Alignment::Right));
                let class = if number { " class=\"number\"" } else { "" };
                let cell = if self.in_head { "th scope=\"col\"" } else { "td" };
                self.push(&format!("<{cell}{class}>"));
            }
            Tag::Emphasis => self.push("<em>"),
            Tag::Strong => self.push("<strong>"),
            Tag::Strikethrough => self.push("<del>"),
            Tag::Superscript => self.push("<sup>"),
            Tag::Subscript => self.push("<sub>"),
            Tag::Link { dest_url, title, .. } => self.link(&dest_url, &title),
            Tag::Image { dest_url, .. } => self.picture = Some((dest_url.into_string(), String::new())),
            Tag::DefinitionList => self.push("<dl>\n"),
            Tag::DefinitionListTitle => self.push("<dt>"),
            Tag::DefinitionListDefinition => self.push("<dd>"),
            Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        let markup = match tag {
            TagEnd::Paragraph => {
                if self.out.lede.is_empty() {
                    self.out.lede = self.words.0[self.paragraph..].trim().to_owned();
                }
                "</p>\n"
            }
            TagEnd::HtmlBlock => "</p>\n",
            TagEnd::Heading(_) => return self.end_heading(),
            TagEnd::BlockQuote(None) => "</blockquote>\n",
            TagEnd::BlockQuote(Some(_)) => "</div></div>\n",
            TagEnd::CodeBlock => return self.end_code(),
            TagEnd::List(true) => "</ol>\n",
            TagEnd::List(false) => "</ul>\n",
            TagEnd::Item => "</li>\n",
            TagEnd::FootnoteDefinition => "</div>\n",
            TagEnd::Table => "</tbody></table></div>\n",
            TagEnd::TableHead => {
                self.in_head = false;
                "</tr></thead>\n<tbody>\n"
            }
            TagEnd::TableRow => "</tr>\n",
            TagEnd::TableCell => {
                self.column += 1;
                if self.in_head { "</th>" } else { "</td>" }
            }
            TagEnd::Emphasis => return self.push("</em>"),
            TagEnd::Strong => return self.push("</strong>"),
            TagEnd::Strikethrough => return self.push("</del>"),
            TagEnd::Superscript => return self.push("</sup>"),
            TagEnd::Subscript => return self.push("</sub>"),
            TagEnd::Link => {
                self.in_link = false;
                return self.push("</a>");
            }
            TagEnd::Image => return self.end_picture(),
            TagEnd::DefinitionList => "</dl>\n",
            TagEnd::DefinitionListTitle => "</dt>\n",
            TagEnd::DefinitionListDefinition => "</dd>\n",
            TagEnd::MetadataBlock(_) => return,
        };
        // The next block's words do not stick to this one's.
        self.words.space();
        self.push(markup);
    }

    fn text(&mut self, text: &str) {
        if let Some((_, code)) = &mut self.code {
            return code.push_str(text);
        }
        if let Some((_, words)) = &mut self.picture {
            return words.push_str(text);
        }
        self.hear(text);
        if self.in_link {
            return self.escaped(text);
        }
        for piece in pieces(text) {
            match piece {
                Piece::Words(words) => self.escaped(words),
                Piece::Url(url) => {
                    let url = Escaped(url).to_string();
                    self.push(&format!("<a href=\"{url}\">{url}</a>"));
                }
            }
        }
    }

    fn inline_code(&mut self, code: &str) {
        if let Some((_, words)) = &mut self.picture {
            return words.push_str(code);
        }
        self.hear(code);
        self.push("<code>");
        self.escaped(code);
        self.push("</code>");
    }

    /// Words that a reader reads: of a heading, or of the section.
    fn hear(&mut self, text: &str) {
        match &mut self.heading {
            Some((_, _, words)) => words.push_str(text),
            None => self.words.add(text),
        }
    }

    fn break_line(&mut self, markup: &str) {
        self.hear(" ");
        self.push(markup);
    }

    fn end_heading(&mut self) {
        let Some((level, from, text)) = self.heading.take() else {
            return;
        };
        let inner = self.out.html.split_off(from);
        let id = self.slugs.of(&text);
        if level == 1 && self.out.title.is_empty() {
            self.push(&format!("<h1 id=\"{id}\">{inner}</h1>\n"));
            self.out.title = text;
            return;
        }
        // The title is the one h1 of a page, so that a second one is a part of it.
        let level = level.max(2);
        let name = Escaped(&text).to_string();
        self.push(&format!(
            "<h{level} id=\"{id}\">{inner}<a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to {name}\">#</a></h{level}>\n"
        ));
        let heading = Heading { level, id, text };
        self.out.headings.push(heading.clone());
        self.close_section();
        self.out.sections.push(Section {
            heading: Some(heading),
            text: String::new(),
        });
    }

    fn close_section(&mut self) {
        let words = std::mem::take(&mut self.words).0;
        if let Some(section) = self.out.sections.last_mut() {
            section.text = words.trim().to_owned();
        }
    }

    fn end_code(&mut self) {
        let Some((language, code)) = self.code.take() else {
            return;
        };
        self.words.space();
        self.words.add(&code);
        self.words.space();
        let label = if language.is_empty() {
            "Code".to_owned()
        } else {
            Escaped(format!("Code in {language}")).to_string()
        };
        let code = highlight::html(&language, code.trim_end_matches('\n'));
        self.push(&format!(
            "<div class=\"code-block\" data-copy-scope><pre tabindex=\"0\" aria-label=\"{label}\"><code>{code}</code></pre>\
             <button class=\"button is-quiet is-icon needs-script\" type=\"button\" data-copy aria-label=\"Copy\">{}</button></div>\n",
            Icon::Copy.html()
        ));
    }

    fn alert(&mut self, kind: BlockQuoteKind) {
        let (tone, name) = match kind {
            BlockQuoteKind::Note => ("info", "Note"),
            BlockQuoteKind::Tip => ("good", "Tip"),
            BlockQuoteKind::Important => ("info", "Important"),
            BlockQuoteKind::Warning => ("warn", "Warning"),
            BlockQuoteKind::Caution => ("bad", "Caution"),
        };
        self.push(&format!(
            "<div class=\"notice alert tone-{tone}\" role=\"note\">{}<div><p class=\"alert-name\">{name}</p>\n",
            Icon::Warning.html()
        ));
    }

    fn link(&mut self, target: &str, title: &str) {
        self.in_link = true;
        let Some(href) = (self.resolve)(target) else {
            self.out.broken.push(target.to_owned());
            return self.push("<a class=\"is-broken\">");
        };
        let title = match title {
            "" => String::new(),
            title => format!(" title=\"{}\"", Escaped(title)),
        };
        self.push(&format!("<a href=\"{}\"{title}>", Escaped(href)));
    }

    fn end_picture(&mut self) {
        let Some((target, words)) = self.picture.take() else {
            return;
        };
        match (self.resolve)(&target) {
            Some(href) => self.push(&format!(
                "<img src=\"{}\" alt=\"{}\" loading=\"lazy\">",
                Escaped(href),
                Escaped(words)
            )),
            None => {
                self.escaped(&words);
                self.out.broken.push(target);
            }
        }
    }

    fn task(&mut self, done: bool) {
        let (checked, name) = if done { (" checked", "done") } else { ("", "to do") };
        self.push(&format!(
            "<input type=\"checkbox\" disabled{checked} aria-label=\"{name}\"> "
        ));
    }

    fn number_of(&mut self, label: &str) -> (usize, bool) {
        let next = self.footnotes.len() + 1;
        let mut new = false;
        let number = *self.footnotes.entry(label.to_owned()).or_insert_with(|| {
            new = true;
            next
        });
        (number, new)
    }

    fn footnote_reference(&mut self, label: &str) {
        let (number, new) = self.number_of(label);
        let back = if new {
            format!(" id=\"note-{number}-from\"")
        } else {
            String::new()
        };
        self.push(&format!(
            "<sup{back}><a href=\"#note-{number}\" aria-label=\"Note {number}\">{number}</a></sup>"
        ));
    }

    fn footnote(&mut self, label: &str) {
        let (number, _) = self.number_of(label);
        self.push(&format!(
            "<div class=\"footnote\" id=\"note-{number}\" role=\"note\"><a class=\"footnote-back\" href=\"#note-{number}-from\" \
             aria-label=\"Back from note {number}\">{number}.</a>"
        ));
    }
}
