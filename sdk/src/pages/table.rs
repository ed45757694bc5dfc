use std::fmt::Write;

use super::Html;

/// Rows of like things, in a scroll container of its own so that a narrow screen never scrolls the page sideways.
///
/// ```
/// use syscall_sdk::pages::{Html, Table};
/// let table = Table::new("Jobs").column("Id").numbers("Attempts").row([Html::text("01a2"), Html::text(3)]);
/// assert!(table.html().as_str().contains(r#"<td class="number">3</td>"#));
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    caption: String,
    id: Option<String>,
    class: &'static str,
    grows: Option<usize>,
    columns: Vec<(String, &'static str)>,
    rows: Vec<(Option<String>, Vec<Html>)>,
}

impl Table {
    /// A table whose caption screen readers say.
    pub fn new(caption: &str) -> Self {
        Table {
            caption: caption.to_owned(),
            id: None,
            class: "",
            grows: None,
            columns: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// The id of its body, to which live messages are addressed.
    pub fn live_id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    /// On a phone each row becomes a small card of named values instead of scrolling sideways.
    pub fn stacked(mut self) -> Self {
        self.class = " is-stacked";
        self
    }

    /// The newest rows come first and live messages add more; at most so many are kept in the page.
    ///
    /// While the reader has scrolled, points at it or is in it by keyboard, new rows wait behind "12 new".
    pub fn growing(mut self, most: usize) -> Self {
        self.grows = Some(most);
        self
    }

    /// A column of words.
    pub fn column(mut self, name: &str) -> Self {
        self.columns.push((name.to_owned(), ""));
        self
    }

    /// A column of numbers, at the right.
    pub fn numbers(mut self, name: &str) -> Self {
        self.columns.push((name.to_owned(), "number"));
        self
    }

    /// A column of whatever width is left, cut with an ellipsis.
    pub fn wide(mut self, name: &str) -> Self {
        self.columns.push((name.to_owned(), "wide"));
        self
    }

    /// A row, a cell for each column.
    pub fn row(mut self, cells: impl IntoIterator<Item = Html>) -> Self {
        self.rows.push((None, cells.into_iter().collect()));
        self
    }

    /// A row that live updates know by its key.
    pub fn keyed_row(mut self, key: &str, cells: impl IntoIterator<Item = Html>) -> Self {
        self.rows.push((Some(key.to_owned()), cells.into_iter().collect()));
        self
    }

    /// Only the rows, as a live message appends them.
    pub fn rows_html(&self) -> Html {
        let mut out = String::new();
        for (key, cells) in &self.rows {
            out.push_str("<tr");
            if let Some(key) = key {
                // Writing to a String does not fail.
                let _ = write!(out, r#" data-key="{}""#, Html::text(key));
            }
            out.push('>');
            for (at, cell) in cells.iter().enumerate() {
                let (name, class) = self
                    .columns
                    .get(at)
                    .map_or(("", ""), |(name, class)| (name.as_str(), *class));
                out.push_str("<td");
                if !class.is_empty() {
                    let _ = write!(out, r#" class="{class}""#);
                }
                if !self.class.is_empty() {
                    let _ = write!(out, r#" data-label="{}""#, Html::text(name));
                }
                let _ = write!(out, ">{cell}</td>");
            }
            out.push_str("</tr>");
        }
        Html::trusted(out)
    }

    /// The table.
    pub fn html(&self) -> Html {
        let caption = Html::text(&self.caption);
        let head: String = self
            .columns
            .iter()
            .map(|(name, class)| {
                let class = if class.is_empty() {
                    String::new()
                } else {
                    format!(r#" class="{class}""#)
                };
                format!(r#"<th scope="col"{class}>{}</th>"#, Html::text(name))
            })
            .collect();
        let grows = self
            .grows
            .map(|most| format!(r#" data-tail="start" data-tail-most="{most}""#))
            .unwrap_or_default();
        let id = self
            .id
            .as_ref()
            .map(|id| format!(r#" id="{}""#, Html::text(id)))
            .unwrap_or_default();
        Html::trusted(format!(
            concat!(
                r#"<div class="table-scroll{class}" role="region" aria-label="{caption}" tabindex="0"{grows}><table>"#,
                r#"<caption class="quiet-text">{caption}</caption><thead><tr>{head}</tr></thead><tbody{id}>{rows}</tbody></table></div>"#
            ),
            class = self.class,
            caption = caption,
            grows = grows,
            head = head,
            id = id,
            rows = self.rows_html(),
        ))
    }
}

impl From<Table> for Html {
    fn from(table: Table) -> Self {
        table.html()
    }
}
