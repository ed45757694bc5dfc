use std::fmt::{self, Display, Write};

use askama::filters::HtmlSafe;

/// Markup that may stand in a page as it is.
///
/// Text becomes markup by [`Html::text`], which escapes it; finished markup by [`Html::trusted`], whose caller answers
/// for it; an askama template by `Html::from`. Templates print an `Html` without escaping it again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Escapes a text, for element content and for quoted attributes alike.
    ///
    /// ```
    /// use syscall_sdk::pages::Html;
    /// assert_eq!(Html::text("a < b").as_str(), "a &lt; b");
    /// ```
    pub fn text(value: impl Display) -> Self {
        Html(Escaped(value).to_string())
    }

    /// Takes markup as it is: never with a part that came from outside unescaped.
    pub fn trusted(markup: impl Into<String>) -> Self {
        Html(markup.into())
    }

    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The markup, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

impl FromIterator<Html> for Html {
    fn from_iter<I: IntoIterator<Item = Html>>(parts: I) -> Self {
        Html(parts.into_iter().map(Html::into_string).collect())
    }
}

impl<T: askama::Template> From<T> for Html {
    fn from(template: T) -> Self {
        match template.render() {
            Ok(markup) => Html(markup),
            // A value inside the template refused to be written: the rest of the page still stands.
            Err(_) => Html::trusted("<p class=\"state state-error\">This part of the page could not be rendered.</p>"),
        }
    }
}

/// Writes a value with the five characters that mean something in HTML escaped.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<T>(pub T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            self.0.write_str(&rest[..at])?;
            self.0.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        self.0.write_str(rest)
    }
}
